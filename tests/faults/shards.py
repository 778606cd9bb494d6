"""The faults in processes side by side, each with a cluster: `make test-faults SEEDS=20 SHARDS=13`."""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults import records
from tests.faults.parts import PART_VARIABLE
from tests.faults.records import RECORD_VARIABLE, Case
from tests.faults.table import read, table

SEEDS_VARIABLE = "MAREY_FAULT_SEEDS"
"""`5`: every fault with seeds 0 to 4; `5-9`: with these. Unset: a few faults, once."""
ROOT = Path(__file__).parents[2]
_START_INTERVAL_S = 1.0
"""Starting a cluster is the most work; not all at once."""
_LOOK_INTERVAL_S = 15.0
_END_TIMEOUT_S = 90.0
"""To end the case under way and stop a cluster."""


def start(part: int, parts: int, record: Path) -> subprocess.Popen[bytes]:
    """One of `parts` processes; what it says goes to `record/shard-<part>.log`."""
    shard = record / f"shard-{part}"
    environment = {PART_VARIABLE: f"{part}/{parts}", RECORD_VARIABLE: str(shard)}
    with shard.with_suffix(".log").open("wb") as log:
        return subprocess.Popen(
            (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/faults/test_faults.py"),
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def wait(shards: Sequence[subprocess.Popen[bytes]], record: Path, budget_s: float) -> None:
    """Until all have ended, or the time is over: then they are broken off in good order."""
    over_s = time.monotonic() + budget_s
    while running := [shard for shard in shards if shard.poll() is None]:
        cases = found(record)
        failed = sum(case.outcome == "failed" for case in cases)
        say(f"{len(cases)} cases, {failed} failed, {len(running)} processes, load {os.getloadavg()[0]:.0f}")
        if time.monotonic() > over_s:
            return
        time.sleep(min(_LOOK_INTERVAL_S, max(0.1, over_s - time.monotonic())))


def break_off(shards: Sequence[subprocess.Popen[bytes]]) -> None:
    """As Ctrl-C does."""
    for shard in shards:
        if shard.poll() is None:
            shard.send_signal(signal.SIGINT)
    for shard in shards:
        try:
            shard.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            shard.kill()


def found(record: Path) -> list[Case]:
    """The cases so far."""
    return read(sorted(record.glob("shard-*/results.jsonl")))


def say(line: str) -> None:
    """At once, also through a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run all; 0 if every case passed and none was broken off."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shards", type=int, help="processes; about one per core, each takes 1.1 GB")
    parser.add_argument("--record", type=Path, default=ROOT / "results" / "faults", help="folder, made anew")
    parser.add_argument("--budget-s", type=float, default=24 * 3600.0, help="break off after so long")
    options = parser.parse_args()
    options.record.mkdir(parents=True)
    shards: list[subprocess.Popen[bytes]] = []
    try:
        for part in range(options.shards):
            shards.append(start(part, options.shards, options.record))
            time.sleep(_START_INTERVAL_S)
        wait(shards, options.record, options.budget_s)
    finally:
        is_whole = all(shard.poll() == 0 for shard in shards)
        break_off(shards)
    cases = found(options.record)
    for case in cases:
        if case.outcome == "failed":
            say(f"{case}; {case.error.strip().splitlines()[-1]}")
    say(f"{table(cases)}\n\n{records.totals(cases)}")
    return 0 if is_whole else 1


if __name__ == "__main__":
    sys.exit(main())
