"""Faults of processes: killed, stopped for a while, gone for a while, slow."""

import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import psutil

from tests.faults.cluster import Cluster
from tests.faults.services import SECOND_WORKER
from tests.services.orchestrator import QUICK

WORKERS = ("worker", SECOND_WORKER)
DOWN_TIMEOUT_S = 60.0


def kill(cluster: Cluster, service: str) -> None:
    """kill -9; the supervisor starts it again at once."""
    cluster.kill(service)


def kill_a_worker(cluster: Cluster, random: Random) -> None:
    """kill -9 of one of the workers."""
    cluster.kill(random.choice(WORKERS))


def kill_a_stub(cluster: Cluster, random: Random) -> None:
    """kill -9 of a process that runs one of Triton's Python models."""
    stub, seen = random.choice(_stubs(cluster)), len(cluster.events)
    with cluster.away("triton"):
        stub.kill()
        cluster.until_ready_again("triton", seen)


def kill_everything(cluster: Cluster, random: Random) -> None:
    """kill -9 of all services, in any order."""
    services = list(cluster.supervisor.pids())
    random.shuffle(services)
    seen = len(cluster.events)
    with cluster.away("api"):
        for service in services:
            cluster.process(service).kill()
        for service in services:
            cluster.until_ready_again(service, seen)


def stop_a_worker(cluster: Cluster, random: Random) -> None:
    """SIGSTOP for longer than a lease, then SIGCONT: what it still wants to write must be refused."""
    _stop(cluster, random.choice(WORKERS), random)


def stop_orchestrator(cluster: Cluster, random: Random) -> None:
    """The same with the process that unpacks, submits, collects, relays and reconciles."""
    _stop(cluster, "orchestrator", random)


def _stop(cluster: Cluster, service: str, random: Random) -> None:
    with suspended([cluster.process(service)]):
        time.sleep(QUICK.lease_s + random.uniform(0.6, 2.0))


def outage(cluster: Cluster, service: str) -> None:
    """kill -9 of a service that stays away until the API has noticed."""
    _outage(cluster, service, cluster.process(service))


def outage_of_a_stub(cluster: Cluster, random: Random) -> None:
    """kill -9 of a process of Triton's, which then stays away as a whole until the API has noticed."""
    _outage(cluster, "triton", random.choice(_stubs(cluster)))


def _outage(cluster: Cluster, service: str, victim: psutil.Process) -> None:
    noticed = threading.Event()

    def stay_away() -> None:
        assert noticed.wait(DOWN_TIMEOUT_S)

    cluster.before_start[service] = stay_away
    seen, since_s = len(cluster.events), time.monotonic()
    victim.kill()
    try:
        cluster.readiness.until_noticed(since_s)
    finally:
        noticed.set()
    cluster.until_ready_again(service, seen)


def restart_without(cluster: Cluster, service: str, random: Random) -> str:
    """kill -9 of a service that stays away while Marey's own processes are killed, too: they wait for it."""
    waited = threading.Event()

    def stay_away() -> None:
        assert waited.wait(DOWN_TIMEOUT_S)

    cluster.before_start[service] = stay_away
    roles = ["api", "orchestrator", *WORKERS]
    random.shuffle(roles)
    seen = len(cluster.events)
    with cluster.away("api"):
        for name in (service, *roles):
            cluster.process(name).kill()
        for role in roles:
            cluster.until_event(role, "starting", seen)
        time.sleep(random.uniform(0.0, 4.0))
        waiting = [role for role in roles if not cluster.has_event(role, "ready", seen)]
        waited.set()
        for name in (service, *roles):
            cluster.until_ready_again(name, seen)
    return f"{len(waiting)} of {len(roles)} processes waited"


def hang(cluster: Cluster, service: str) -> None:
    """All processes of a service are stopped until the API has noticed."""
    since_s = time.monotonic()
    with suspended(cluster.processes(service)):
        cluster.readiness.until_noticed(since_s)


def hang_for_good(cluster: Cluster, service: str) -> str:
    """All processes of a service."""
    with cluster.away(service):
        return _hang_for_good(cluster, cluster.processes(service), service)


def _hang_for_good(cluster: Cluster, processes: list[psutil.Process], service: str = "triton") -> str:
    """Processes of a service are stopped until its supervisor notices, kills it and starts it again."""
    seen, started_s = len(cluster.events), time.monotonic()
    _signal(processes, signal.SIGSTOP)
    cluster.until_ready_again(service, seen)
    return f"{service} ready again after {time.monotonic() - started_s:.1f} s"


def hang_a_stub_for_good(cluster: Cluster, random: Random) -> str:
    """One of its models, all of it: of those with one process."""
    stubs = _stubs(cluster)
    models = Counter(map(_model, stubs))
    lone = [stub for stub in stubs if models[_model(stub)] == 1]
    with cluster.away("triton"):
        return _hang_for_good(cluster, [random.choice(lone)])


def hang_one_of_two_stubs(cluster: Cluster, random: Random) -> str:
    """One of the two that run a network; the other one goes on answering."""
    network = random.choice(("yolo", "hrnet"))
    mine = [stub for stub in _stubs(cluster) if _model(stub) == network]
    assert len(mine) == 2
    return f"{network}, {_hang_for_good(cluster, [random.choice(mine)])}"


def hang_a_stub(cluster: Cluster, random: Random) -> None:
    """A process that runs one of Triton's Python models is stopped for longer than a lease."""
    with suspended([random.choice(_stubs(cluster))]):
        time.sleep(QUICK.lease_s + random.uniform(0.6, 2.0))


def slow_triton(cluster: Cluster, random: Random) -> None:
    """For some seconds Triton gets only a fraction of the time."""
    until_s = time.monotonic() + random.uniform(3.0, 6.0)
    processes = cluster.processes("triton")
    while time.monotonic() < until_s:
        with suspended(processes):
            time.sleep(random.uniform(0.1, 0.5))
        time.sleep(0.05)


@contextmanager
def suspended(processes: list[psutil.Process]) -> Iterator[None]:
    """The processes are stopped (SIGSTOP) in the block."""
    _signal(processes, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(processes, signal.SIGCONT)


def _signal(processes: list[psutil.Process], number: signal.Signals) -> None:
    """Those that have ended by themselves meanwhile, such as a connection's, are passed over."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _stubs(cluster: Cluster) -> list[psutil.Process]:
    return [process for process in cluster.processes("triton") if "stub" in process.name()]


def _model(stub: psutil.Process) -> str:
    """Whose Python it runs: its file is an argument."""
    files = [Path(argument) for argument in stub.cmdline() if argument.endswith("/model.py")]
    return files[0].parts[-3]
