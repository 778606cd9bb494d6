"""The table of docs/reliability.md: `python -m tests.faults.table RESULTS.jsonl ...`."""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import msgspec

from tests.faults.instants import Stage
from tests.faults.records import Case


def read(paths: Iterable[Path]) -> list[Case]:
    """The cases of some records."""
    lines = [line for path in paths for line in path.read_bytes().splitlines()]
    return [msgspec.json.decode(line, type=Case) for line in lines]


def table(cases: Iterable[Case]) -> str:
    """Markdown: per fault how often it was tried and passed, how long after its end the jobs ended, how late
    at most and how often the API noticed, and how often it struck at each stage."""
    by_fault = defaultdict[str, list[Case]](list)
    for case in cases:
        by_fault[case.fault].append(case)
    head = ["fault", "seeds", "passed", "median (s)", "longest (s)", "noticed (s)", *Stage]
    rows = [[f"`{fault}`", *_figures(some), *_stages(some)] for fault, some in sorted(by_fault.items())]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def _figures(cases: list[Case]) -> Iterable[str]:
    passed = [case for case in cases if case.outcome == "passed"]
    seconds = sorted(case.recovery_s for case in cases if case.recovery_s is not None)
    noticed = [case.noticed.first_s for case in passed if case.noticed and case.noticed.first_s is not None]
    yield from (str(len(cases)), str(len(passed)))
    yield from (f"{seconds[len(seconds) // 2]:.1f}", f"{seconds[-1]:.1f}") if seconds else ("-", "-")
    yield f"{max(noticed):.1f} ({len(noticed)}x)" if noticed else "-"


def _stages(cases: list[Case]) -> Iterable[str]:
    struck = Counter(case.instant.stage for case in cases if case.instant is not None)
    return (str(struck[stage] or "") for stage in Stage)


if __name__ == "__main__":
    sys.stdout.write(table(read(map(Path, sys.argv[1:]))) + "\n")
