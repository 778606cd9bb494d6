"""Whose turn it is, on real Postgres and NATS. Counted in runs, never in seconds."""

from collections import Counter
from dataclasses import replace

import asyncpg
import nats
import pytest

from core.jobs import Tier
from orchestrator.bus import STREAM
from orchestrator.lanes import Lane, Queue
from orchestrator.metrics import Metrics
from orchestrator.reconciler import Reconciler
from tests.services.backlogs import add_runs, make_project, relaying, until_sent, worker
from tests.services.nats import stored_messages
from tests.services.orchestrator import System


@pytest.mark.parametrize("slots", [1, 3])
async def test_a_high_priority_job_overtakes_a_saturated_standard_tier(system: System, slots: int) -> None:
    crowd = [await make_project(system, f"crowd {number}", Tier.STANDARD) for number in range(3)]
    for project in crowd:
        await add_runs(system, project, runs=100)
    urgent = await make_project(system, "urgent", Tier.HIGH_PRIORITY)
    async with relaying(system), worker(system, slots) as turns:
        await turns.has_begun(slots)
        await turns.work(20)
        before = len(turns.begun)
        job_id = await add_runs(system, urgent, runs=1)
        await until_sent(system, job_id)
        await turns.work(5)
    assert turns.jobs().index(job_id) == before, "only the runs that were under way came before it"


async def test_ten_thousand_batches_do_not_delay_another_project(system: System) -> None:
    large, small = [await make_project(system, name, Tier.STANDARD) for name in ("large", "small")]
    await add_runs(system, large, runs=10_000)
    async with relaying(system), worker(system) as turns:
        await turns.has_begun(1)
        await turns.work(10)
        before = len(turns.begun)
        job_id = await add_runs(system, small, runs=1)
        await until_sent(system, job_id)
        await turns.work(5)
    waited = turns.jobs().index(job_id) - before + 1
    assert waited <= 2, "the one under way, and at most one more"


async def test_projects_of_a_tier_take_turns(system: System) -> None:
    frames = {"long runs": 96, "short runs": 32}
    jobs = {}
    for name, each in frames.items():
        project = await make_project(system, name, Tier.PRIORITY)
        jobs[await add_runs(system, project, 100, each)] = each
    async with relaying(system):
        await until_sent(system, *jobs)
        async with worker(system) as turns:
            await turns.has_begun(1)
            await turns.work(60)
    served = Counter[int]()
    for job_id in turns.jobs()[:60]:
        served[job_id] += jobs[job_id]
    few, many = sorted(served.values())
    assert many - few <= 2 * max(frames.values())


async def test_tiers_share_one_to_three_to_eight(system: System) -> None:
    jobs = {}
    for tier in Tier:
        jobs[await add_runs(system, await make_project(system, tier, tier), 200)] = tier
    async with relaying(system):
        await until_sent(system, *jobs)
        async with worker(system) as turns:
            await turns.has_begun(1)
            await turns.work(120)
    served = Counter(jobs[job_id] for job_id in turns.jobs()[:120])
    for tier, share in {Tier.STANDARD: 10, Tier.PRIORITY: 30, Tier.HIGH_PRIORITY: 80}.items():
        assert abs(served[tier] - share) <= 1


def impatient(system: System) -> Reconciler:
    """A reconciler that looks for a message as soon as it is sent."""
    return Reconciler(system.store, system.bus, replace(system.settings.lease, sent_timeout_s=0), Metrics())


async def test_waiting_for_a_turn_is_not_being_lost(system: System) -> None:
    """However long nobody takes from a lane, its messages do not grow more."""
    job_id = await add_runs(system, await make_project(system, "lab", Tier.STANDARD), runs=3)
    async with relaying(system):
        await until_sent(system, job_id, runs=3)
        for _ in range(3):
            await impatient(system).mend()
            await until_sent(system, job_id, runs=3)
    assert await stored_messages(system.settings.nats_url) == 3


async def test_a_lost_message_is_missed_while_others_come(system: System) -> None:
    project = await make_project(system, "lab", Tier.STANDARD)
    async with relaying(system):
        lost = await add_runs(system, project, runs=1)
        await until_sent(system, lost)
        await delete_first_message(system, project.project_id)
        other = await add_runs(system, project, runs=1)
        await until_sent(system, other)
        await impatient(system).mend()
        async with worker(system) as turns:
            turns.permit(1)
            await turns.has_begun(2)
    assert turns.jobs() == [other, lost]


async def test_messages_go_once_their_lane_has_no_open_task(system: System) -> None:
    """Such as that of a worker which was killed between its commit and its acknowledgement."""
    over, open_ = [await make_project(system, name, Tier.STANDARD) for name in ("over", "open")]
    async with relaying(system):
        jobs = [await add_runs(system, project, runs=2) for project in (over, open_)]
        for job_id in jobs:
            await until_sent(system, job_id, runs=2)
    await impatient(system).mend()
    assert await stored_messages(system.settings.nats_url) == 4
    await end_runs(system, jobs[0], count=2)
    await impatient(system).mend()
    assert await stored_messages(system.settings.nats_url) == 2
    await end_runs(system, jobs[1], count=1)
    await impatient(system).mend()
    assert await stored_messages(system.settings.nats_url) == 2


async def end_runs(system: System, job_id: int, count: int) -> None:
    """Some runs are over, and nobody has told JetStream."""
    connection = await asyncpg.connect(system.settings.database_url)
    try:
        runs = "SELECT id FROM task WHERE job_id = $1 AND status = 'sent' LIMIT $2"
        await connection.execute(f"UPDATE task SET status = 'done' WHERE id IN ({runs})", job_id, count)
    finally:
        await connection.close()


async def delete_first_message(system: System, project_id: int) -> None:
    """Of a project's standard runs."""
    lane = Lane(queue=Queue.RUNS, tier=Tier.STANDARD, project_id=project_id)
    client = await nats.connect(system.settings.nats_url)
    try:
        jetstream = client.jetstream()
        first = await jetstream.get_msg(STREAM, seq=1, subject=lane.subject, next=True)
        assert first.seq is not None
        await jetstream.delete_msg(STREAM, first.seq)
    finally:
        await client.close()


async def test_a_hint_tells_of_a_new_lane(system: System) -> None:
    first, second = [await make_project(system, name, Tier.STANDARD) for name in ("first", "second")]
    await add_runs(system, first, runs=1)
    async with relaying(system), worker(system, look_interval_s=3600) as turns:
        await turns.has_begun(1)
        job_id = await add_runs(system, second, runs=1)
        await turns.work(1)
    assert turns.jobs()[1] == job_id
