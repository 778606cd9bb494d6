"""The supervisor with real child processes."""

import asyncio
import contextlib
import dataclasses
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.errors import ServiceDiedError
from deploy.embedded.process import ServiceCommand
from deploy.embedded.service import Canary, RestartPolicy, Service
from deploy.embedded.standstill import Pulses
from deploy.embedded.supervisor import ServiceEvent, Supervisor
from tests.services.waiting import eventually

QUICK = RestartPolicy(max_failed_starts=3, first_delay_s=0.01, max_delay_s=0.02)
ANNOUNCE = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); "
FOREVER = ANNOUNCE + "time.sleep(600)"


def python_service(
    folder: Path, name: str, code: str, needs: tuple[str, ...] = (), **options: float
) -> Service:
    """A service that runs `code` and is ready once it has written its process id to `folder`/name.pid."""
    pids = folder / f"{name}.pid"

    async def ready() -> bool:
        return pids.exists() and pids.read_text().endswith("\n")

    argv = (sys.executable, "-c", code, str(pids))
    return Service(
        name=name,
        command=lambda: ServiceCommand(
            name=name, argv=argv, stop_timeout_s=options.get("stop_timeout_s", 5.0)
        ),
        ready=ready,
        needs=needs,
        start_timeout_s=options.get("start_timeout_s", 10.0),
    )


def pids_of(folder: Path, name: str) -> list[int]:
    """Process ids of every start of a service."""
    return [int(line) for line in (folder / f"{name}.pid").read_text().split()]


def alive(pid: int) -> bool:
    """Whether a process exists."""
    return Path(f"/proc/{pid}").exists()


@contextlib.asynccontextmanager
async def supervising(folder: Path, events: list[ServiceEvent]) -> AsyncIterator[Supervisor]:
    """A supervisor that is stopped at the end."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
    supervisor = Supervisor(folder, lock, events.append, QUICK)
    try:
        yield supervisor
    finally:
        await supervisor.stop()
        os.close(lock)


async def test_starts_in_order_of_needs_and_stops_in_reverse(tmp_path: Path) -> None:
    events: list[ServiceEvent] = []
    services = [
        python_service(tmp_path, "worker", FOREVER, needs=("bus",)),
        python_service(tmp_path, "bus", FOREVER),
    ]
    async with supervising(tmp_path, events) as supervisor:
        await supervisor.start(services)
    order = [(event.service, event.kind) for event in events if event.kind in {"ready", "stopped"}]
    assert order == [("bus", "ready"), ("worker", "ready"), ("worker", "stopped"), ("bus", "stopped")]
    assert not any(alive(pid) for name in ("bus", "worker") for pid in pids_of(tmp_path, name))


async def test_a_killed_service_is_started_again(tmp_path: Path) -> None:
    events: list[ServiceEvent] = []
    async with supervising(tmp_path, events) as supervisor:
        await supervisor.start([python_service(tmp_path, "bus", FOREVER)])
        watching = asyncio.create_task(supervisor.watch())
        os.kill(pids_of(tmp_path, "bus")[0], signal.SIGKILL)
        await eventually(lambda: len(pids_of(tmp_path, "bus")) == 2)
        await eventually(lambda: [event.kind for event in events].count("ready") == 2)
        assert not watching.done()
        watching.cancel()
    died = [event.detail for event in events if event.kind == "died"]
    assert len(died) == 1
    assert died[0].startswith("bus was killed by signal 9")


async def test_a_service_that_loses_its_guard_dies_with_it_and_is_started_again(tmp_path: Path) -> None:
    async with supervising(tmp_path, []) as supervisor:
        await supervisor.start([python_service(tmp_path, "bus", FOREVER)])
        os.kill(supervisor.pids()["bus"], signal.SIGKILL)
        await eventually(lambda: len(pids_of(tmp_path, "bus")) == 2)
        await eventually(lambda: not alive(pids_of(tmp_path, "bus")[0]))


async def test_a_service_that_becomes_ready_each_time_is_never_given_up(tmp_path: Path) -> None:
    """What kills it may be its input. The status tells how often it died, and when it is started again."""
    code = ANNOUNCE + "time.sleep(0.2)"
    events: list[ServiceEvent] = []
    async with supervising(tmp_path, events) as supervisor:
        await supervisor.start([python_service(tmp_path, "bus", code)])
        watching = asyncio.create_task(supervisor.watch())
        await eventually(lambda: len(pids_of(tmp_path, "bus")) > 2 * QUICK.max_failed_starts)
        assert not watching.done()
        watching.cancel()
    died = [event.detail.splitlines()[0] for event in events if event.kind == "died"]
    assert died[:2] == [
        f"bus ended with status 0; the end of {tmp_path / 'bus.log'}:",
        f"bus ended with status 0; death 2 in 30 s, next start in 0.02 s; the end of {tmp_path / 'bus.log'}:",
    ]


async def test_a_service_that_is_late_when_it_is_started_again_is_not_given_up(tmp_path: Path) -> None:
    """It may wait for a service elsewhere."""
    is_there = asyncio.Event()
    is_there.set()
    service = python_service(tmp_path, "worker", FOREVER, start_timeout_s=0.3)

    async def ready() -> bool:
        return is_there.is_set() and await service.ready()

    events: list[ServiceEvent] = []
    async with supervising(tmp_path, events) as supervisor:
        await supervisor.start([dataclasses.replace(service, ready=ready, start_timeout_s=0.3)])
        is_there.clear()
        watching = asyncio.create_task(supervisor.watch())
        os.kill(pids_of(tmp_path, "worker")[0], signal.SIGKILL)
        await eventually(lambda: len(pids_of(tmp_path, "worker")) > 2 * QUICK.max_failed_starts)
        assert not watching.done()
        is_there.set()
        await eventually(lambda: [event.kind for event in events].count("ready") == 2)
        watching.cancel()


async def test_a_service_that_cannot_start_any_more_ends_the_watch_with_the_end_of_its_log(
    tmp_path: Path,
) -> None:
    code = ANNOUNCE + "print('no space left on the moon'); time.sleep(0.3); sys.exit(7)"
    service = python_service(tmp_path, "bus", code)
    events: list[ServiceEvent] = []

    async def ready() -> bool:
        return await service.ready() and not any(event.kind == "died" for event in events)

    async with supervising(tmp_path, events) as supervisor:
        await supervisor.start([dataclasses.replace(service, ready=ready)])
        async with asyncio.timeout(20):
            with pytest.raises(ServiceDiedError, match="while starting, 3 times in a row") as failure:
                await supervisor.watch()
    assert "ended with status 7" in str(failure.value)
    assert "no space left on the moon" in str(failure.value)
    assert len(pids_of(tmp_path, "bus")) == 1 + 3


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("print('bad option'); raise SystemExit(2)", r"ended with status 2 while starting(.|\n)*bad option"),
        ("import time; time.sleep(600)", "was not ready after 1 s"),
    ],
)
async def test_a_service_that_does_not_start_is_an_error(tmp_path: Path, code: str, message: str) -> None:
    async with supervising(tmp_path, []) as supervisor:
        with pytest.raises(ServiceDiedError, match=message):
            await supervisor.start([python_service(tmp_path, "bus", code, start_timeout_s=1.0)])


async def test_a_missing_program_is_named(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    command = ServiceCommand(name="bus", argv=("/no/such/program",))
    async with supervising(tmp_path, []) as supervisor:
        with pytest.raises(ServiceDiedError, match="cannot start /no/such/program"):
            await supervisor.start([Service(name="bus", command=lambda: command, ready=never)])


async def test_a_service_that_ignores_the_stop_signal_is_killed(tmp_path: Path) -> None:
    code = "import signal; signal.signal(15, signal.SIG_IGN); " + FOREVER
    started_s = time.monotonic()
    async with supervising(tmp_path, []) as supervisor:
        await supervisor.start([python_service(tmp_path, "bus", code, stop_timeout_s=0.3)])
    assert time.monotonic() - started_s < 5
    assert not alive(pids_of(tmp_path, "bus")[0])


async def test_what_a_service_leaves_behind_is_killed_with_it(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        "open(sys.argv[1], 'a').write(f'{child.pid}\\n')\n"
        "time.sleep(600)"
    )
    async with supervising(tmp_path, []) as supervisor:
        await supervisor.start([python_service(tmp_path, "bus", code)])
        child = pids_of(tmp_path, "bus")[0]
        assert alive(child)
    assert not alive(child)


async def test_a_service_that_loses_a_helper_is_started_again(tmp_path: Path) -> None:
    code = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        "open(sys.argv[1], 'a').write(f'{child.pid}\\n')\n"
        "time.sleep(600)"
    )
    events: list[ServiceEvent] = []
    async with supervising(tmp_path, events) as supervisor:
        service = python_service(tmp_path, "triton", code)
        await supervisor.start([dataclasses.replace(service, helper="sleep")])
        await asyncio.sleep(0.1)
        os.kill(pids_of(tmp_path, "triton")[0], signal.SIGKILL)
        await eventually(lambda: len(pids_of(tmp_path, "triton")) == 2)
    assert [event.detail.splitlines()[0] for event in events if event.kind == "died"] == [
        f"triton lost a process sleep; the end of {tmp_path / 'triton.log'}:"
    ]


async def test_a_helper_that_ended_before_the_service_was_ready_is_missed(tmp_path: Path) -> None:
    """By its beat: when the helpers are counted it has gone already."""
    pulses = tmp_path / "pulses"
    pulses.mkdir()
    (pulses / "1").touch()
    code = (
        "import os, subprocess, sys, time\n"
        "again = os.path.exists(sys.argv[1])\n"
        "child = subprocess.Popen(['sleep', '600' if again else '0'])\n"
        "again or child.wait()\n"
        "open(sys.argv[1], 'a').write(f'{os.getpid()}\\n')\n"
        "time.sleep(600)"
    )
    starts = 0
    service = python_service(tmp_path, "triton", code)

    def command() -> ServiceCommand:
        nonlocal starts
        starts += 1
        return service.command()

    async def ready() -> bool:
        return await service.ready() and len(pids_of(tmp_path, "triton")) == starts

    watched = dataclasses.replace(
        service, command=command, ready=ready, helper="sleep", pulses=Pulses(folder=pulses)
    )
    events: list[ServiceEvent] = []
    async with supervising(tmp_path, events) as supervisor:
        await supervisor.start([watched])
        await eventually(lambda: [event.kind for event in events].count("ready") == 2)
        await asyncio.sleep(1.5)
        assert starts == 2
    assert [event.detail.splitlines()[0] for event in events if event.kind == "died"] == [
        f"triton lost a process sleep; the end of {tmp_path / 'triton.log'}:"
    ]


async def test_a_service_that_hangs_is_killed_and_started_again(tmp_path: Path) -> None:
    """It does not hear the signal that asks, and works from its second start on."""

    async def works() -> bool:
        return len(pids_of(tmp_path, "triton")) == 2

    events: list[ServiceEvent] = []
    async with supervising(tmp_path, events) as supervisor:
        service = python_service(tmp_path, "triton", FOREVER, stop_timeout_s=60.0)
        canary = Canary(works=works, interval_s=0.05, patience_s=0.5)
        await supervisor.start([dataclasses.replace(service, canary=canary)])
        os.kill(pids_of(tmp_path, "triton")[0], signal.SIGSTOP)
        await eventually(lambda: len(pids_of(tmp_path, "triton")) == 2)
        await asyncio.sleep(1.0)
        assert len(pids_of(tmp_path, "triton")) == 2
    assert [event.detail.splitlines()[0] for event in events if event.kind == "died"] == [
        f"triton did no work for 0.5 s and was killed; the end of {tmp_path / 'triton.log'}:"
    ]


async def test_what_a_service_has_started_is_killed_with_it_although_it_is_stopped(tmp_path: Path) -> None:
    """As PostgreSQL's processes of connections, which have sessions of their own."""
    code = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        "open(sys.argv[1], 'a').write(f'{child.pid}\\n')\n"
        "time.sleep(600)"
    )

    async def works() -> bool:
        return len(pids_of(tmp_path, "postgres")) == 2

    async with supervising(tmp_path, []) as supervisor:
        service = python_service(tmp_path, "postgres", code)
        canary = Canary(works=works, interval_s=0.05, patience_s=0.5)
        await supervisor.start([dataclasses.replace(service, canary=canary)])
        child = pids_of(tmp_path, "postgres")[0]
        os.kill(child, signal.SIGSTOP)
        await eventually(lambda: len(pids_of(tmp_path, "postgres")) == 2)
        await eventually(lambda: not alive(child))


async def test_a_service_with_a_process_that_stands_still_is_started_again(tmp_path: Path) -> None:
    """One of two: the other one goes on beating."""
    pulses = tmp_path / "pulses"
    pulses.mkdir()
    beating = f"\nwhile True:\n    open('{pulses}/beating', 'w').close()\n    time.sleep(0.05)"
    (pulses / "stopped").touch()
    events: list[ServiceEvent] = []
    async with supervising(tmp_path, events) as supervisor:
        service = python_service(tmp_path, "triton", ANNOUNCE + beating)
        watched = dataclasses.replace(service, pulses=Pulses(folder=pulses, patience_s=0.5))
        await supervisor.start([watched])
        await eventually(lambda: len(pids_of(tmp_path, "triton")) == 2)
    assert [event.detail.splitlines()[0] for event in events if event.kind == "died"] == [
        f"triton was killed: its process stopped stood still for 0.5 s; the end of {tmp_path / 'triton.log'}:"
    ]


async def test_logs_are_bounded(tmp_path: Path) -> None:
    code = (
        ANNOUNCE
        + "print('x' * 1000 + '\\n', end='', flush=True)\nfor _ in range(12_000): print('y' * 1000)\n"
    )
    async with supervising(tmp_path, []) as supervisor:
        await supervisor.start([python_service(tmp_path, "bus", code + "time.sleep(600)")])
        await eventually(lambda: (tmp_path / "bus.log.1").exists())
    sizes = [entry.stat().st_size for entry in os.scandir(tmp_path) if ".log" in entry.name]
    assert len(sizes) == 2
    assert max(sizes) <= 8 << 20
