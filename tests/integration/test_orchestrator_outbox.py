"""The outbox on real Postgres and NATS: what is sent, how much of it, and how often."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import asyncpg
import nats
import pytest
from nats.js.api import DiscardPolicy

from core.errors import BusError, InvalidParameterError, NotFoundError
from core.jobs import Tier
from orchestrator.bus import STREAM
from orchestrator.lanes import Lane, Queue
from orchestrator.messages import TaskMessage
from orchestrator.store import JobRequest
from orchestrator.store.tasks import ReadyTask, Sent, Windows
from tests.services.orchestrator import DEFAULT_TENANT, System

WINDOW = 3
WINDOWS = Windows(runs=WINDOW, steps=WINDOW)


async def make_jobs(system: System, count: int) -> list[int]:
    """Jobs whose packages nobody will look for."""
    request = JobRequest(pipeline_name="pose_2d", input_key="uploads/none.zip")
    return [await system.store.create_job(request) for _ in range(count)]


def noting(sent: list[ReadyTask]) -> Callable[[Sequence[ReadyTask]], Awaitable[Sent]]:
    """A sender that only takes notes."""

    async def send(tasks: Sequence[ReadyTask]) -> Sent:
        await asyncio.sleep(0.05)
        sent.extend(tasks)
        return Sent(stored=[task.id for task in tasks], duplicate=[])

    return send


async def test_the_backlog_stays_in_postgres(system: System) -> None:
    await make_jobs(system, 10)
    tasks, sent = system.store.tasks, list[ReadyTask]()
    assert len(await tasks.send_ready(WINDOWS, noting(sent))) == WINDOW
    assert await tasks.send_ready(WINDOWS, noting(sent)) == []
    assert await tasks.lease(sent[0].id, sent[0].epoch, "w", 30) is not None
    assert len(await tasks.send_ready(WINDOWS, noting(sent))) == 1
    assert [task.id for task in sent] == sorted(task.id for task in sent)


async def test_tiers_have_windows_of_their_own(system: System) -> None:
    await make_jobs(system, 5)
    connection = await asyncpg.connect(system.settings.database_url)
    await connection.execute("UPDATE project SET project_queue = 'high_priority'")
    await connection.close()
    await make_jobs(system, 1)
    sent = list[ReadyTask]()
    await system.store.tasks.send_ready(WINDOWS, noting(sent))
    assert [task.tier for task in sent].count(Tier.HIGH_PRIORITY) == 1
    assert [task.tier for task in sent].count(Tier.STANDARD) == WINDOW


async def test_two_relays_share_the_work(system: System) -> None:
    await make_jobs(system, 6)
    sent = list[ReadyTask]()
    send = system.store.tasks.send_ready
    await asyncio.gather(*(send(Windows(runs=6, steps=6), noting(sent)) for _ in range(2)))
    assert sorted(task.id for task in sent) == list(range(1, 7))


async def test_what_was_not_sent_stays_ready(system: System) -> None:
    await make_jobs(system, 1)

    async def vain(_: Sequence[ReadyTask]) -> Sent:
        return Sent(stored=[], duplicate=[])

    async def broken(_: Sequence[ReadyTask]) -> Sent:
        raise BusError

    assert await system.store.tasks.send_ready(WINDOWS, vain) == []
    with pytest.raises(BusError):
        await system.store.tasks.send_ready(WINDOWS, broken)
    assert len(await system.store.tasks.send_ready(WINDOWS, noting([]))) == 1


async def test_a_message_id_that_was_used_is_not_used_again(system: System) -> None:
    await make_jobs(system, 1)
    epochs = list[int]()

    async def known(tasks: Sequence[ReadyTask]) -> Sent:
        epochs.extend(task.epoch for task in tasks)
        return Sent(stored=[], duplicate=[task.id for task in tasks])

    for _ in range(3):
        await system.store.tasks.send_ready(WINDOWS, known)
    assert epochs == [0, 1, 2]


async def test_jetstream_knows_a_message_id(system: System) -> None:
    await system.bus.provision()
    lane = Lane(queue=Queue.RUNS, tier=Tier.PRIORITY, project_id=1)
    assert await system.bus.publish(lane, TaskMessage(task_id=5, epoch=1))
    assert not await system.bus.publish(lane, TaskMessage(task_id=5, epoch=1))
    assert await system.bus.publish(lane, TaskMessage(task_id=5, epoch=2))
    for other in ({"tier": Tier.STANDARD}, {"project_id": 2}, {"queue": Queue.STEPS}):
        assert await system.bus.take(replace(lane, **other)) is None
    deliveries = [await system.bus.take(lane) for _ in range(3)]
    assert [delivery and delivery.task.epoch for delivery in deliveries] == [1, 2, None]


async def test_without_a_stream_nothing_is_taken(system: System) -> None:
    assert await system.bus.take(Lane(queue=Queue.RUNS, tier=Tier.PRIORITY, project_id=1)) is None


async def test_a_stream_of_other_subjects_is_replaced(system: System) -> None:
    client = await nats.connect(system.settings.nats_url)
    await client.jetstream().add_stream(name=STREAM, subjects=["marey.frames.>", "marey.jobs.>"])
    await client.close()
    assert await system.bus.provision()
    assert not await system.bus.provision()


async def test_provisioning_twice_changes_nothing(system: System) -> None:
    assert await system.bus.provision()
    assert not await system.bus.provision()


async def test_a_job_needs_a_known_pipeline_and_user(system: System) -> None:
    create = system.store.create_job
    with pytest.raises(InvalidParameterError, match="pipeline: expected one of pose_2d, got 'pose_9d'"):
        await create(JobRequest(pipeline_name="pose_9d", input_key="k"))
    with pytest.raises(NotFoundError, match="no user 99"):
        await system.store.jobs.create(
            replace(DEFAULT_TENANT, user_id=99), JobRequest(pipeline_name="pose_2d", input_key="k")
        )
    with pytest.raises(NotFoundError, match="no job 1"):
        await system.store.job(1)


async def test_a_stream_of_other_bounds_is_changed_and_keeps_its_messages(system: System) -> None:
    client = await nats.connect(system.settings.nats_url)
    jetstream = client.jetstream()
    try:
        assert await system.bus.provision()
        wanted = (await jetstream.stream_info(STREAM)).config
        await jetstream.update_stream(wanted.evolve(discard=DiscardPolicy.OLD, max_bytes=1 << 20))
        lane = Lane(queue=Queue.RUNS, tier=Tier.STANDARD, project_id=1)
        assert await system.bus.publish(lane, TaskMessage(task_id=1, epoch=1))
        assert not await system.bus.provision()
        info = await jetstream.stream_info(STREAM)
        assert (info.config.discard, info.config.max_bytes) == (DiscardPolicy.NEW, wanted.max_bytes)
        assert info.state.messages == 1
    finally:
        await client.close()
