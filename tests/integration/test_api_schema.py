"""The running API against its own description: generated requests, all checks, in sequences, as two roles.

`make test-api-schema EXAMPLES=200` looks for longer.
"""

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.services import schemathesis_hooks
from tests.services.api import RunningApi, execute, finish_job, upload
from tests.services.tenants import new_account

ROOT = Path(__file__).parents[2]
EXAMPLES = os.environ.get("MAREY_SCHEMA_EXAMPLES", "15")
DEADLINE_S = 60 + 10 * int(EXAMPLES)
CONFIGURATION = """
[auth.openapi.api_key]
bearer = "{key}"
[checks.positive_data_acceptance]
# 400: `valid_requests_are_understood` says when.
expected-statuses = ["2xx", "400", "401", "403", "404", "409", "412", "413", "415", "428"]
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "412", "415", "428"]
[checks.missing_required_header]
expected-statuses = ["400", "401", "403", "428"]
"""
KEEP_THE_CALLER = """\
UPDATE project SET project_quotas = '{"starts_per_s": 1e6, "starts_burst": 1000000}';
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
"""
"""The generated requests shall not take away their own key."""


@pytest.mark.timeout(2 * DEADLINE_S)
@pytest.mark.parametrize("role", ["admin", "member"])
def test_the_api_is_as_it_is_described(api: RunningApi, tmp_path: Path, role: str) -> None:
    marker = schemathesis_hooks.MARKER
    job = api.client.create_job(upload(api))
    finish_job(api, job.id)
    execute(api, "UPDATE video SET video_name = $1", marker)
    execute(api, "UPDATE project SET project_name = $1", marker)
    execute(api, "UPDATE job SET error_message = $1", marker)
    with new_account(api, role) as other:
        for statement in KEEP_THE_CALLER.splitlines():
            execute(api, statement)
        for table in ("api_key", '"user"', "user_group"):
            rows = f"{table} FOR EACH ROW WHEN (OLD.id <= 2)"
            execute(api, f"CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON {rows} EXECUTE FUNCTION keep()")
        key = other.api_key
        before = execute(api, "SELECT md5(array_agg(t.*)::text) FROM job t WHERE id = $1", job.id)
        result = schemathesis(api.url, key, tmp_path, one_tenant_only=role == "member")
        assert result.returncode == 0, result.stdout[-20_000:]
        assert "Stateful" in result.stdout
        assert execute(api, "SELECT md5(array_agg(t.*)::text) FROM job t WHERE id = $1", job.id) == before


def schemathesis(
    url: str, key: str, folder: Path, *, one_tenant_only: bool
) -> subprocess.CompletedProcess[str]:
    """Run it against the API at `url`."""
    configuration = folder / "schemathesis.toml"
    configuration.write_text(CONFIGURATION.format(key=key))
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": "tests.services.schemathesis_hooks",
        "MAREY_ONE_TENANT_ONLY": "1" if one_tenant_only else "",
    }
    program = Path(sysconfig.get_path("scripts"), "schemathesis")
    command: list[str | Path] = [
        program, "--config-file", configuration, "run", f"{url}/docs/openapi.json",
        "--checks", "all", "--max-examples", EXAMPLES, "--continue-on-failure", "--seed", "1",
        "--request-timeout", "10", "--warnings", "off",
    ]  # fmt: skip
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=DEADLINE_S
    )
