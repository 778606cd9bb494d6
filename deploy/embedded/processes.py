"""What the system's process table says, read from /proc (proc_pid_stat(5))."""

from pathlib import Path


def descendants(pid: int) -> dict[int, str]:
    """The living processes below `pid`: their names, of at most 15 characters, by their ids."""
    parents, names = {}, {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, tail = status.read_text().rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue
        state, parent = tail.split()[:2]
        if state not in "ZX":
            child = int(status.parent.name)
            parents[child], names[child] = int(parent), head.partition("(")[2]
    return {child: name for child, name in names.items() if _is_below(child, pid, parents)}


def _is_below(child: int, ancestor: int, parents: dict[int, int]) -> bool:
    while child in parents:
        child = parents[child]
        if child == ancestor:
            return True
    return False
