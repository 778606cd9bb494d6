"""Starts services in the order of their needs, keeps them alive, stops them in reverse."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from core.errors import MareyError, ServiceDiedError
from deploy.embedded.guarded import GuardedProcess, log_tail
from deploy.embedded.processes import descendants
from deploy.embedded.service import Canary, RestartPolicy, Service, start_levels
from deploy.embedded.standstill import Pulses, Standstill

_PROBE_INTERVAL_S = 0.1
_PROBE_TIMEOUT_S = 5.0
_HELPER_INTERVAL_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEvent:
    """Something happened to a service."""

    service: str
    kind: Literal["starting", "ready", "died", "stopped"]
    detail: str = ""


Report = Callable[[ServiceEvent], None]


@dataclass(slots=True, kw_only=True)
class _Running:
    """A service that the supervisor has taken on."""

    service: Service
    process: GuardedProcess
    deaths_s: list[float] = field(default_factory=list)
    """Those that may still count, by the monotonic clock."""
    failed_starts: int = 0
    """Since it was ready last: how often it ended before it was again."""

    def note_death(self, now_s: float, window_s: float) -> None:
        """Older deaths than the window are forgotten."""
        self.deaths_s = [death_s for death_s in self.deaths_s if death_s >= now_s - window_s] + [now_s]


class Supervisor:
    """Runs services: `start`, then `watch` until done, then `stop`."""

    def __init__(self, logs: Path, lock_fd: int, report: Report, policy: RestartPolicy | None = None) -> None:
        self._logs = logs
        self._lock_fd = lock_fd
        self._report = report
        self._policy = policy or RestartPolicy()
        self._running: dict[str, _Running] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._levels: list[list[Service]] = []

    async def start(self, services: Sequence[Service]) -> None:
        """Start those of `services` that do not run yet; return when all are ready.

        Raises ServiceDiedError if one ends or is not ready in time; call `stop` also then.
        """
        levels = start_levels([each for each in services if each.name not in self._running])
        self._levels += levels
        for level in levels:
            await _all_or_first_failure([self._start_one(service) for service in level])

    async def watch(self) -> None:
        """Restart services that die; raises ServiceDiedError when one cannot start again. Never returns."""
        done, _ = await asyncio.wait(self._keepers.values(), return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def stop(self) -> None:
        """Stop what runs, dependents first."""
        for task in self._keepers.values():
            task.cancel()
        await asyncio.gather(*self._keepers.values(), return_exceptions=True)
        for level in reversed(self._levels):
            names = [service.name for service in level if service.name in self._running]
            await asyncio.gather(*map(self._stop_one, names))

    def failure(self) -> BaseException | None:
        """Why the supervisor gave a service up, if it did."""
        ended = [task for task in self._keepers.values() if task.done() and not task.cancelled()]
        return ended[0].exception() if ended else None

    def pids(self) -> dict[str, int]:
        """Process id of each service's guard."""
        return {name: running.process.pid for name, running in self._running.items()}

    async def _start_one(self, service: Service) -> None:
        self._report(ServiceEvent(service=service.name, kind="starting", detail=service.note))
        started_s = time.monotonic()
        running = _Running(service=service, process=await self._launch(service))
        self._running[service.name] = running
        if problem := await _until_ready(running):
            raise ServiceDiedError(self._last_words(service.name, problem))
        detail = f"{time.monotonic() - started_s:.1f} s"
        self._report(ServiceEvent(service=service.name, kind="ready", detail=detail))
        self._keepers[service.name] = asyncio.create_task(self._keep(running), name=f"keep {service.name}")

    async def _launch(self, service: Service) -> GuardedProcess:
        command = await asyncio.to_thread(service.command)
        return await GuardedProcess.start(command, self._log(service.name), self._lock_fd)

    async def _keep(self, running: _Running) -> None:
        """Start the service again whenever it ends. Raises ServiceDiedError when it cannot start any more."""
        problem = await _until_ended(running)
        while True:
            await asyncio.sleep(self._delay_after_death_s(running, problem))
            problem = await self._run_again(running)

    def _delay_after_death_s(self, running: _Running, problem: str) -> float:
        name, policy = running.service.name, self._policy
        running.note_death(time.monotonic(), policy.window_s)
        delay_s = policy.delay_s(running.deaths_s, running.failed_starts)
        if delay_s is None:
            problem = f"{problem}, {running.failed_starts} times in a row, so it is not started again"
            raise ServiceDiedError(self._last_words(name, problem))
        if (deaths := policy.recent(running.deaths_s)) > 1:
            problem = f"{problem}; death {deaths} in {policy.window_s:g} s, next start in {delay_s:g} s"
        self._report(ServiceEvent(service=name, kind="died", detail=self._last_words(name, problem)))
        return delay_s

    async def _run_again(self, running: _Running) -> str:
        """Start a dead service and wait for its next end; returns how it ended.

        One that is late is not taken for one that cannot start: it may wait for what it needs.
        """
        name = running.service.name
        self._report(ServiceEvent(service=name, kind="starting"))
        try:
            running.process = await self._launch(running.service)
        except MareyError as error:
            running.failed_starts += 1
            return f"did not start again: {error}"
        if problem := await _until_ready(running):
            running.failed_starts += running.process.has_ended
            await running.process.stop()
            return problem
        running.failed_starts = 0
        self._report(ServiceEvent(service=name, kind="ready"))
        return await _until_ended(running)

    async def _stop_one(self, name: str) -> None:
        await self._running.pop(name).process.stop()
        self._report(ServiceEvent(service=name, kind="stopped"))

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _last_words(self, name: str, what: str) -> str:
        log = self._log(name)
        return f"{name} {what}; the end of {log}:\n{log_tail(log)}"


async def _until_ready(running: _Running) -> str | None:
    """Probe until the service is ready, which gives None, or has ended or is late, which is returned."""
    timeout_s = running.service.start_timeout_s
    ended = asyncio.create_task(running.process.wait())
    probing = asyncio.create_task(_probe_until_ready(running.service))
    try:
        await asyncio.wait({ended, probing}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            return f"{_how_it_ended(ended.result())} while starting"
        if probing.done():
            return probing.result()
        return f"was not ready after {timeout_s:.0f} s"
    finally:
        ended.cancel()
        probing.cancel()
        await asyncio.gather(ended, probing, return_exceptions=True)


async def _until_ended(running: _Running) -> str:
    """Wait until the service ends; returns what happened. Losing one of its helpers, or hanging, ends it."""
    service = running.service
    ended = asyncio.create_task(running.process.wait())
    ailing = [
        asyncio.create_task(watch)
        for watch in (
            _until_helper_lost(running),
            _until_standstill(service.pulses),
            _until_hung(service.canary),
        )
    ]
    try:
        done, _ = await asyncio.wait({ended, *ailing}, return_when=asyncio.FIRST_COMPLETED)
        if ended in done:
            return _how_it_ended(ended.result())
        await running.process.kill()
        return next(watch.result() for watch in ailing if watch in done)
    finally:
        for task in (ended, *ailing):
            task.cancel()
        await asyncio.gather(ended, *ailing, return_exceptions=True)


async def _until_helper_lost(running: _Running) -> str:
    """Count the helpers: there must be as many as at first, and as have ever beaten, because one may have
    ended before the others were counted. Never returns without any."""
    service = running.service
    if service.helper is None:
        return await _never()
    helpers = _helper_count(running, service.helper)
    while True:
        beating = 0 if service.pulses is None else len(service.pulses.beats())
        if _helper_count(running, service.helper) < max(helpers, beating):
            return f"lost a process {service.helper}"
        await asyncio.sleep(_HELPER_INTERVAL_S)


async def _until_standstill(pulses: Pulses | None) -> str:
    """Look at the beats of the service's processes; never returns without any."""
    if pulses is None:
        return await _never()
    standstill = Standstill(pulses.patience_s)
    while True:
        if (process := standstill.longest(pulses.beats(), time.monotonic())) is not None:
            return f"was killed: its process {process} stood still for {pulses.patience_s:g} s"
        await asyncio.sleep(_HELPER_INTERVAL_S)


async def _until_hung(canary: Canary | None) -> str:
    """Ask for work until none is done for too long; never returns without a canary."""
    if canary is None:
        return await _never()
    worked_s = time.monotonic()
    while (left_s := worked_s + canary.patience_s - time.monotonic()) > 0:
        try:
            async with asyncio.timeout(left_s):
                if await canary.works():
                    worked_s = time.monotonic()
                await asyncio.sleep(canary.interval_s)
        except TimeoutError:
            continue
    return f"did no work for {canary.patience_s:g} s and was killed"


async def _never() -> str:
    return await asyncio.get_running_loop().create_future()


def _helper_count(running: _Running, helper: str) -> int:
    return list(descendants(running.process.pid).values()).count(helper)


async def _probe_until_ready(service: Service) -> None:
    while True:
        if await _is_ready(service):
            return
        await asyncio.sleep(_PROBE_INTERVAL_S)


async def _is_ready(service: Service) -> bool:
    try:
        async with asyncio.timeout(_PROBE_TIMEOUT_S):
            return await service.ready()
    except TimeoutError:
        return False


async def _all_or_first_failure(coroutines: Sequence[Coroutine[None, None, None]]) -> None:
    """Run all; at the first failure cancel the others and raise it."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _how_it_ended(status: int) -> str:
    """A guard's exit status in words."""
    if status > 128:
        return f"was killed by signal {status - 128}"
    return f"ended with status {status}" if status >= 0 else f"lost its guard to signal {-status}"
