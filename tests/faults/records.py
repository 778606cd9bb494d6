"""What is noted of each case: a line at the end of the run and, if asked for, a line of JSON and the logs."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.faults.instants import Instant, Stage
from tests.faults.invariants import Counts
from tests.faults.jobs import ALL_FRAMES
from tests.faults.readiness import Noticed

RECORD_VARIABLE = "MAREY_FAULT_RECORD"
"""A folder: `results.jsonl` gets a line per case, `logs` the services' logs of those that failed."""
_LOG_BYTES = 200_000
_ERROR_CHARACTERS = 3000


@dataclass(kw_only=True)
class Case:
    """One fault at one instant."""

    fault: str
    seed: int
    outcome: str = "passed"
    instant: Instant | None = None
    """Where the job was when the fault came."""
    detail: str = ""
    recovery_s: float | None = None
    """From the fault's end to the job's."""
    job_s: float | None = None
    """What a whole job takes without a fault."""
    noticed: Noticed | None = None
    counts: Counts | None = None
    error: str = ""
    """The end of what pytest says."""

    def __str__(self) -> str:
        head = f"{self.fault} seed {self.seed}: {self.outcome}"
        when = (
            f"{self.instant.stage}, {self.instant.frames_done} of {ALL_FRAMES} frames" if self.instant else ""
        )
        ended = "" if self.recovery_s is None else f"ended {self.recovery_s:.1f} s after"
        found = (head, when, self.detail, ended, self.noticed, self.counts)
        return "; ".join(str(part) for part in found if part)

    def failed(self, error: str) -> None:
        """Note what pytest says of it."""
        self.outcome, self.error = "failed", error[-_ERROR_CHARACTERS:]


def totals(cases: Sequence[Case]) -> str:
    """What all cases together come to."""
    passed = [case for case in cases if case.outcome == "passed"]
    counts = [case.counts for case in passed if case.counts is not None]
    struck = Counter(case.instant.stage for case in cases if case.instant is not None)
    stages = ", ".join(f"{stage} {struck[stage]}" for stage in Stage)
    return (
        f"{len(passed)} of {len(cases)} cases passed: {len(counts)} jobs ended as without a fault, "
        f"{sum(count.frames for count in counts)} frames each once, "
        f"longest recovery {max((case.recovery_s or 0.0 for case in passed), default=0.0):.1f} s; "
        f"nothing left of {sum(count.tasks for count in counts)} tasks; struck while {stages}"
    )


def write(case: Case, logs: Iterable[Path]) -> None:
    """Append the case to the record, if there is to be one, with the ends of `logs` if it failed."""
    wanted = os.environ.get(RECORD_VARIABLE)
    if not wanted:
        return
    folder = Path(wanted)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "results.jsonl").open("ab") as file:
        file.write(msgspec.json.encode(case) + b"\n")
    if case.outcome == "failed":
        kept = folder / "logs" / f"{case.fault}-{case.seed}"
        kept.mkdir(parents=True, exist_ok=True)
        for log in logs:
            (kept / log.name).write_bytes(log.read_bytes()[-_LOG_BYTES:])
