"""What is noted of each case: a line at the end of the run and, if asked for, a line of JSON and the logs."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.faults.invariants import Counts
from tests.faults.jobs import ALL_FRAMES

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
    frames_before: int | None = None
    """Frames done when the fault came."""
    detail: str = ""
    recovery_s: float | None = None
    """From the fault's end to the job's."""
    job_s: float | None = None
    """What a whole job takes without a fault."""
    counts: Counts | None = None
    error: str = ""
    """The end of what pytest says."""

    def __str__(self) -> str:
        head = f"{self.fault} seed {self.seed}: {self.outcome}"
        before = f"after {self.frames_before} of {ALL_FRAMES} frames"
        ended = "" if self.recovery_s is None else f"ended {self.recovery_s:.1f} s after"
        counts = "" if self.counts is None else str(self.counts)
        return "; ".join(part for part in (head, before, self.detail, ended, counts) if part)

    def failed(self, error: str) -> None:
        """Note what pytest says of it."""
        self.outcome, self.error = "failed", error[-_ERROR_CHARACTERS:]


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
