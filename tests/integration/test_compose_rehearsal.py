"""The services of compose.yaml do a job together, each confined as its container would be, without Docker."""

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.compose import environment
from tests.media import Clip, write_clip
from tests.services import containers, network
from tests.services.containers import Host, container
from tests.services.network import is_listening, relay
from tests.services.orchestrator import System

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        not (containers.is_possible() and network.is_possible()), reason="this system allows no namespaces"
    ),
]
ORDER = ("nats", "store", "triton", "orchestrator", "worker", "api")
"""As `depends_on` has them come; Postgres is an image, so the tests' own stands in for it."""
CLIENT = """
import json, sys, urllib.request
from pathlib import Path
import marey
url, key, clip, *targets = sys.argv[1:]
with marey.Client(url, key) as client:
    job = client.wait(client.submit([Path(clip)]).id, 120).job
metrics = {}
for target in targets:
    request = urllib.request.Request(f"http://{target}/metrics", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        metrics[target] = len(answer.read())
print(json.dumps([job.status, metrics]))
"""


@pytest.fixture
def host(system: System, tmp_path: Path) -> Iterator[Host]:
    """Machines for the services, with Postgres reached at its name."""
    database = urlsplit(system.settings.database_url)
    with contextlib.ExitStack() as stack:
        net = stack.enter_context(network.network(["postgres", *ORDER]))
        postgres = net.machines["postgres"]
        stack.enter_context(
            relay(
                postgres.command(),
                f"tcp:{postgres.address}:5432",
                f"unix:{parse_qs(database.query)['host'][0]}/.s.PGSQL.5432",
                is_listening(postgres, 5432),
            )
        )
        changes = {"MAREY_DATABASE_URL": f"postgresql://postgres@postgres:5432{database.path}"}
        yield Host(net=net, folder=tmp_path, changes=changes)


def test_a_job_is_done_and_every_metric_target_answers(host: Host, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "v.mp4", Clip(frames=20))
    machines = host.net.machines
    ports = {name: environment(name)["MAREY_METRICS_PORT"] for name in ("orchestrator", "worker")}
    ports |= {"api": environment("api")["MAREY_API_PORT"], "triton": "8002", "store": "9327"}
    targets = {f"{machines[name].address}:{port}": name for name, port in ports.items()}
    with contextlib.ExitStack() as stack:
        for service in ORDER:
            stack.enter_context(container(host, service))
        key = (host.volume("key") / "api-key").read_text().strip()
        url = f"http://{machines['api'].address}:{ports['api']}"
        said = host.net.hub.run(sys.executable, "-c", CLIENT, url, key, str(clip), *targets)
    status, metrics = json.loads(said)
    assert status == "completed"
    assert set(metrics) == set(targets)
    assert all(metrics.values())
