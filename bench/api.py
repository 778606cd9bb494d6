"""What the API costs beside a bare route that runs the same SQL: `make bench-api`.

The same PostgreSQL, 64 clients that each send one request after the other over a connection of their own,
all on one machine. Rounds of the bare server and of the API alternate, `GET /job/{id}` first, then `POST
/job`; a rate is the median of its rounds. Jobs are born finished (a trigger), so that a later round does not
count more open jobs than an earlier one. NATS and Triton are not there and not asked for.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
import msgspec
import uvloop

from bench.api_servers import INPUT_KEY
from bench.http_load import Outcome, load
from bench.record import Machine, machine, write_record
from deploy.embedded.ports import is_free
from deploy.embedded.postgres import binary, postgres_command, postgres_url, socket_dir
from deploy.embedded.process import ServiceCommand
from orchestrator.store.migrate import migrate

ROOT = Path(__file__).parents[1]
CLIENTS = 64
PORTS = {"bare": 29_811, "marey": 29_812}
_SETUP = """
UPDATE project SET project_quotas = '{"starts_per_s": 1000000, "starts_burst": 1000000}';
CREATE FUNCTION born_finished() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.finished_at = now(); RETURN NEW; END $$;
CREATE TRIGGER born_finished BEFORE INSERT ON job FOR EACH ROW EXECUTE FUNCTION born_finished();
INSERT INTO job (user_id, project_id, pipeline_id, pipeline_parameter_set_id, tier, job_parameters, input_key)
SELECT 1, 1, 1, 1, 'standard', '{"overlay": "full"}', 'k' FROM generate_series(1, 1000);
ANALYZE;
"""


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """One route of one server: medians of the rounds."""

    requests_per_s: float
    p50_ms: float
    p99_ms: float
    rounds: list[float]
    """Requests per second of each."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One route of both."""

    bare: Rates
    marey: Rates
    ratio: float
    """Of the requests per second."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What `bench/results/api.json` keeps."""

    machine: Machine
    method: str
    load_average: float
    """When the rounds began."""
    routes: dict[str, Route]


@contextmanager
def process(command: ServiceCommand, ready: Path | int) -> Iterator[None]:
    """A process, once it answers on its port or its socket is there."""
    child = subprocess.Popen(
        command.argv, cwd=command.cwd, user=command.user, extra_groups=() if command.user else None,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not (ready.exists() if isinstance(ready, Path) else not is_free(ready)):
            if child.poll() is not None:
                raise click.ClickException(f"{command.name} ended with {child.returncode}")
            time.sleep(0.05)
        yield
    finally:
        child.send_signal(command.stop_signal)
        child.wait(30)


@contextmanager
def servers(folder: Path) -> Iterator[str]:
    """Both servers over one database; the API's key."""
    data = folder / "postgres"
    url = postgres_url(data)
    upload = folder / "objects" / INPUT_KEY
    upload.parent.mkdir(parents=True)
    upload.write_bytes(b"zip")
    with ExitStack() as stack:
        stack.enter_context(process(postgres_command(data), socket_dir(data) / ".s.PGSQL.5432"))
        asyncio.run(migrate(url))
        psql = [str(binary("psql")), "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", _SETUP]
        subprocess.run(psql, check=True, timeout=60)
        for which, port in PORTS.items():
            module = (sys.executable, "-m", "bench.api_servers", which, url, str(folder), str(port))
            stack.enter_context(process(ServiceCommand(name=which, argv=module, cwd=ROOT), port))
        yield (folder / "api-key").read_text()


def request(method: str, path: str, key: str, body: bytes = b"") -> bytes:
    """One request as it is sent."""
    lines = [
        f"{method} {path} HTTP/1.1", "Host: bench", "Accept: */*", f"Authorization: Bearer {key}",
        "Content-Type: application/json", f"Content-Length: {len(body)}",
    ]  # fmt: skip
    return "\r\n".join([*lines, "", ""]).encode() + body


def rounds(message: bytes, count: int, duration_s: float) -> Route:
    """The same request to both, in turns."""
    seen: dict[str, list[Outcome]] = {which: [] for which in PORTS}
    for number in range(count + 1):
        for which, port in PORTS.items():
            outcome = uvloop.run(load(port, message, CLIENTS, duration_s if number else 1.0))
            if number:
                seen[which].append(outcome)
                click.echo(f"{which} {outcome}")
    bare, marey = _rates(seen["bare"]), _rates(seen["marey"])
    return Route(bare=bare, marey=marey, ratio=round(marey.requests_per_s / bare.requests_per_s, 3))


def _rates(outcomes: Sequence[Outcome]) -> Rates:
    return Rates(
        requests_per_s=round(statistics.median(each.requests_per_s for each in outcomes), 1),
        p50_ms=round(statistics.median(each.p50_ms for each in outcomes), 2),
        p99_ms=round(statistics.median(each.p99_ms for each in outcomes), 2),
        rounds=[round(each.requests_per_s, 1) for each in outcomes],
    )


@click.command()
@click.option("--rounds", "count", default=5, show_default=True, help="Of each server and route.")
@click.option("--seconds", "duration_s", default=5.0, show_default=True, help="Of each round.")
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "bench/results/api.json")
def main(count: int, duration_s: float, out: Path) -> None:
    """Measure, print and write the record."""
    with tempfile.TemporaryDirectory(prefix="marey-bench-") as name, servers(Path(name)) as key:
        load_average = round(os.getloadavg()[0], 2)
        routes = {
            "GET /job/{id}": rounds(request("GET", "/job/500", key), count, duration_s),
            "POST /job": rounds(
                request("POST", "/job", key, msgspec.json.encode({"input": INPUT_KEY})), count, duration_s
            ),
        }
    method = " ".join((__doc__ or "").split())
    write_record(out, Record(machine=machine(), method=method, load_average=load_average, routes=routes))
    for route, rates in routes.items():
        click.echo(f"{route}: {rates.marey.requests_per_s} / {rates.bare.requests_per_s} = {rates.ratio}")


if __name__ == "__main__":
    main()
