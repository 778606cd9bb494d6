"""Jobs end right whatever is killed, stopped, emptied or taken back: real processes, seeded instants."""

import asyncio
import time
from collections.abc import Callable
from random import Random

import pytest

from orchestrator.bus import STREAM
from tests.faults.cluster import Cluster
from tests.faults.faults import FAULTS
from tests.faults.invariants import check
from tests.faults.jobs import Subject, ended, redriven, submit, until_some_instant
from tests.faults.records import Case
from tests.services.orchestrator import QUICK

pytestmark = pytest.mark.timeout(300)
REDRIVEN = {"broken_model", "misshapen_model"}
"""Where it lasts longer than the attempts, the job says which frames are missing, and a redrive mends it."""
RECOVERY_S = 10.0
"""Beside a lease, and what a whole job takes."""
STREAM_TIMEOUT_S = 60.0


def test_a_job_ends_as_without_a_fault(case: Case, subject: Subject) -> None:
    cluster, random = subject.cluster, Random(f"{case.fault}-{case.seed}")
    # What the case before has hurt may still be on its way back after its job has ended.
    cluster.until_readiness(True)
    job_id = submit(cluster, subject.package)
    case.frames_before = until_some_instant(cluster, job_id, random)
    case.detail = FAULTS[case.fault](cluster, random) or ""
    over_s = time.monotonic()
    snapshot = ended(cluster, job_id)
    case.recovery_s, case.job_s = time.monotonic() - over_s, subject.job_s
    if snapshot.job.status == "completed_with_errors" and case.fault in REDRIVEN:
        snapshot = redriven(cluster, job_id)
    case.counts = check(cluster, snapshot, subject.expected)
    assert case.recovery_s <= QUICK.lease_s + RECOVERY_S + subject.job_s


def test_the_stream_is_empty_in_the_end(subject: Subject, report: Callable[[str], None]) -> None:
    """Messages of workers that were killed come again, when their lane is next taken from, and go."""
    cluster = subject.cluster
    deadline_s = time.monotonic() + STREAM_TIMEOUT_S
    while asyncio.run(_messages(cluster)):
        assert time.monotonic() < deadline_s
        ended(cluster, submit(cluster, subject.package))
    report("0 messages in JetStream")


async def _messages(cluster: Cluster) -> int:
    async with cluster.nats() as client:
        return int((await client.jetstream().stream_info(STREAM)).state.messages)
