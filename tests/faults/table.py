"""The table of docs/reliability.md: `python -m tests.faults.table RESULTS.jsonl ...`."""

import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import msgspec

from tests.faults.records import Case


def read(paths: Iterable[Path]) -> list[Case]:
    """The cases of some records."""
    lines = [line for path in paths for line in path.read_bytes().splitlines()]
    return [msgspec.json.decode(line, type=Case) for line in lines]


def table(cases: Iterable[Case]) -> str:
    """Markdown: per fault how often it was tried and passed, and how long after its end the jobs ended."""
    by_fault = defaultdict[str, list[Case]](list)
    for case in cases:
        by_fault[case.fault].append(case)
    rows = ["| fault | seeds | passed | median (s) | longest (s) |", "|---|---|---|---|---|"]
    for fault, some in by_fault.items():
        passed = sum(case.outcome == "passed" for case in some)
        seconds = sorted(case.recovery_s for case in some if case.recovery_s is not None)
        times = f"{seconds[len(seconds) // 2]:.1f} | {seconds[-1]:.1f}" if seconds else "- | -"
        rows.append(f"| `{fault}` | {len(some)} | {passed} | {times} |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.stdout.write(table(read(map(Path, sys.argv[1:]))) + "\n")
