"""Jobs end right whatever is killed, stopped, emptied or taken back: real processes, seeded instants."""

import time
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from tests.faults.cluster import READY_TIMEOUT_S
from tests.faults.faults import FAULTS
from tests.faults.instants import reach, wanted
from tests.faults.invariants import check
from tests.faults.jobs import ALL_FRAMES, Subject, ended, last_job_id, redriven, submit
from tests.faults.records import Case
from tests.services.orchestrator import QUICK

pytestmark = pytest.mark.timeout(300)
REDRIVEN = {"broken_model", "misshapen_model"}
"""Where it lasts longer than the attempts, the job says which frames are missing, and a redrive mends it."""
RECOVERY_S = 10.0
"""Beside a lease, and what a whole job takes."""


def test_a_job_ends_as_without_a_fault(case: Case, hurt_subject: Subject) -> None:
    subject, cluster = hurt_subject, hurt_subject.cluster
    random = Random(f"{case.fault}-{case.seed}")
    # What the case before has hurt may still be on its way back after its job has ended.
    cluster.readiness.until_ready(time.monotonic(), READY_TIMEOUT_S)
    last_id = last_job_id(cluster)
    with ThreadPoolExecutor() as client:
        submitted = client.submit(submit, cluster, subject.package)
        instant = wanted(case.fault, case.seed, random, ALL_FRAMES)
        job_id, case.instant = reach(cluster.layout.database_url, last_id, instant)
        began_s = time.monotonic()
        case.detail = FAULTS[case.fault](cluster, random) or ""
        over_s = time.monotonic()
        snapshot = ended(cluster, job_id)
        case.recovery_s, case.job_s = time.monotonic() - over_s, subject.job_s
        assert submitted.result() == job_id == last_job_id(cluster), (
            "other jobs than the one that was submitted"
        )
    if snapshot.job.status == "completed_with_errors" and case.fault in REDRIVEN:
        snapshot = redriven(cluster, job_id)
    case.noticed = cluster.readiness.noticed(began_s, over_s, QUICK.lease_s + RECOVERY_S)
    case.counts = check(cluster, snapshot, subject.expected)
    assert case.recovery_s <= QUICK.lease_s + RECOVERY_S + subject.job_s
