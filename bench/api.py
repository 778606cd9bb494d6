"""What the API costs beside a bare route that runs the same SQL: `make bench-api`.

The same PostgreSQL, 64 clients that each send one request after the other over a connection of their
own, all on one machine. Short rounds of the bare server and of the API alternate, first `GET /job/{id}`,
then `POST /job`, then gRPC's GetJob, whose clients share eight connections and cost more than its server;
a figure is the median of its rounds, a ratio that of the pairs of rounds. CPU time is the server's and
PostgreSQL's together, in steps of 10 ms: on a machine that others use as well it says more than a rate.
Jobs are born finished (a trigger), so that a later round does not count more open jobs than an earlier
one. NATS and Triton are not there and not asked for.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import click
import msgspec
import uvloop

from bench.api_servers import INPUT_KEY
from bench.http_load import Outcome, load
from bench.record import Machine, machine, write_record
from bench.rpc_load import rpc_load
from bench.usage import cpu_s
from deploy.embedded.ports import is_free
from deploy.embedded.postgres import binary, postgres_command, postgres_url, socket_dir
from deploy.embedded.process import ServiceCommand
from orchestrator.store.migrate import migrate

ROOT = Path(__file__).parents[1]
CLIENTS = 64
PORTS = {"bare": 29_811, "marey": 29_821}
"""Of REST; gRPC has the next."""
JOB_ID = 500
Send = Callable[[int], Coroutine[None, None, Outcome]]
"""A round's requests to the server of a port."""
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
    cpu_ms: float
    """Per request, of the server and of PostgreSQL."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One route of both."""

    bare: Rates
    marey: Rates
    ratio: float
    """Of the requests per second."""
    cpu_ratio: float
    """Of the bare route's CPU time per request and the API's."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What `bench/results/api.json` keeps."""

    machine: Machine
    method: str
    load_average: float
    """Over the last minute of the rounds, this bench included."""
    routes: dict[str, Route]


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One round of one server."""

    outcome: Outcome
    cpu_ms: float


@contextmanager
def process(command: ServiceCommand, is_ready: Callable[[], bool]) -> Iterator[int]:
    """The id of a process, once it is ready."""
    child = subprocess.Popen(
        command.argv, cwd=command.cwd, user=command.user, extra_groups=() if command.user else None,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not is_ready():
            if child.poll() is not None:
                raise click.ClickException(f"{command.name} ended with {child.returncode}")
            time.sleep(0.05)
        yield child.pid
    finally:
        child.send_signal(command.stop_signal)
        child.wait(30)


@contextmanager
def servers(folder: Path) -> Iterator[dict[str, int]]:
    """Both servers over one database, and its own process; the API's key is in `folder`."""
    data = folder / "postgres"
    url = postgres_url(data)
    upload = folder / "objects" / INPUT_KEY
    upload.parent.mkdir(parents=True)
    upload.write_bytes(b"zip")
    with ExitStack() as stack:
        pids = {"postgres": stack.enter_context(process(postgres_command(data), partial(_accepts, data)))}
        asyncio.run(migrate(url))
        psql = [str(binary("psql")), "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", _SETUP]
        subprocess.run(psql, check=True, timeout=60)
        for which, port in PORTS.items():
            module = (sys.executable, "-m", "bench.api_servers", which, url, str(folder), str(port))
            command = ServiceCommand(name=which, argv=module, cwd=ROOT)
            pids[which] = stack.enter_context(process(command, partial(_answers, port)))
        yield pids


def _accepts(data: Path) -> bool:
    command = [str(binary("pg_isready")), "-q", "-h", str(socket_dir(data)), "-U", "postgres"]
    return subprocess.run(command, check=False, timeout=10).returncode == 0


def _answers(port: int) -> bool:
    return not is_free(port)


def request(method: str, path: str, key: str, body: bytes = b"") -> bytes:
    """One request as it is sent."""
    lines = [
        f"{method} {path} HTTP/1.1", "Host: bench", "Accept: */*", f"Authorization: Bearer {key}",
        "Content-Type: application/json", f"Content-Length: {len(body)}",
    ]  # fmt: skip
    return "\r\n".join([*lines, "", ""]).encode() + body


def rounds(send: Send, pids: dict[str, int], count: int) -> Route:
    """The same to both, in turns. The first turn warms up."""
    seen: dict[str, list[Round]] = {which: [] for which in PORTS}
    for _ in range(count + 1):
        for which in PORTS:
            seen[which].append(_round(which, send, pids))
    bare, marey = seen["bare"][1:], seen["marey"][1:]
    pairs = list(zip(bare, marey, strict=True))
    return Route(
        bare=_rates(bare),
        marey=_rates(marey),
        ratio=round(_median(m.outcome.requests_per_s / b.outcome.requests_per_s for b, m in pairs), 3),
        cpu_ratio=round(_median(b.cpu_ms / m.cpu_ms for b, m in pairs), 3),
    )


def _round(which: str, send: Send, pids: dict[str, int]) -> Round:
    used = {name: pids[name] for name in (which, "postgres")}
    before_s = sum(cpu_s(used).values())
    outcome = uvloop.run(send(PORTS[which]))
    spent_s = sum(cpu_s(used).values()) - before_s
    return Round(outcome=outcome, cpu_ms=spent_s * 1000 / outcome.requests)


def _rates(seen: Sequence[Round]) -> Rates:
    return Rates(
        requests_per_s=round(_median(each.outcome.requests_per_s for each in seen), 1),
        p50_ms=round(_median(each.outcome.p50_ms for each in seen), 2),
        p99_ms=round(_median(each.outcome.p99_ms for each in seen), 2),
        cpu_ms=round(_median(each.cpu_ms for each in seen), 3),
    )


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


@click.command()
@click.option("--rounds", "count", default=10, show_default=True, help="Of each server and route.")
@click.option("--seconds", "duration_s", default=2.0, show_default=True, help="Of each round.")
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "bench/results/api.json")
def main(count: int, duration_s: float, out: Path) -> None:
    """Measure, print and write the record."""
    with tempfile.TemporaryDirectory(prefix="marey-bench-") as name, servers(Path(name)) as pids:
        key = Path(name, "api-key").read_text()
        get = request("GET", f"/job/{JOB_ID}", key)
        post = request("POST", "/job", key, msgspec.json.encode({"job_parameters": {"input": INPUT_KEY}}))
        sends: dict[str, Send] = {
            "GET /job/{id}": lambda port: load(port, get, CLIENTS, duration_s),
            "POST /job": lambda port: load(port, post, CLIENTS, duration_s),
            "gRPC GetJob": lambda port: rpc_load(port + 1, key, JOB_ID, CLIENTS, duration_s),
        }
        routes = {route: rounds(send, pids, count) for route, send in sends.items()}
        load_average = round(os.getloadavg()[0], 1)
    method = " ".join((__doc__ or "").split())
    write_record(out, Record(machine=machine(), method=method, load_average=load_average, routes=routes))
    for route, rates in routes.items():
        click.echo(f"{route}: {rates}")


if __name__ == "__main__":
    main()
