"""CPU time and memory of a stack's services, read from /proc."""

import os
from collections.abc import Mapping
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_CPU_FIELDS = slice(11, 15)
"""utime, stime and those of children that ended, counted after the name (proc_pid_stat(5))."""


def cpu_s(guards: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds that each service, given by its guard's process id, has used so far; 10 ms steps."""
    parents, ticks = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        pid = int(path.parent.name)
        parents[pid], ticks[pid] = int(fields[1]), sum(map(int, fields[_CPU_FIELDS]))
    return {
        name: sum(ticks[pid] for pid in ticks if _is_below(pid, guard, parents)) / _TICKS_PER_S
        for name, guard in guards.items()
    }


def memory_mb(pid: int, field: str) -> float:
    """A field of /proc/PID/status, such as VmHWM (peak), RssAnon or RssShmem."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) / 1024
    raise KeyError(field)


def forget_peak(pid: int) -> None:
    """VmHWM starts again from what is resident now (proc_pid_clear_refs(5))."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def service_pid(guard: int) -> int:
    """The process that a guard runs."""
    children = Path(f"/proc/{guard}/task/{guard}/children").read_text().split()
    return int(children[0])


def _is_below(pid: int, ancestor: int, parents: Mapping[int, int]) -> bool:
    while pid != ancestor:
        if pid not in parents:
            return False
        pid = parents[pid]
    return True
