"""Subjects and ids of messages; the client's errors."""

import nats.errors
import nats.js.errors
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BusError, leaves
from core.jobs import TaskKind, Tier
from orchestrator.bus import bus_errors
from orchestrator.lanes import Lane
from orchestrator.messages import TaskMessage, message_id


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        (TaskKind.INFER, "marey.frames.priority.7"),
        (TaskKind.SUBMIT, "marey.jobs.priority.7"),
        (TaskKind.COLLECT_VIDEO, "marey.jobs.priority.7"),
    ],
)
def test_subjects(kind: TaskKind, subject: str) -> None:
    assert Lane.of(kind, Tier.PRIORITY, project_id=7).subject == subject


@given(st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)), unique=True, max_size=50))
def test_message_ids_differ_when_task_or_epoch_do(pairs: list[tuple[int, int]]) -> None:
    ids = {message_id(TaskMessage(task_id=task, epoch=epoch)) for task, epoch in pairs}
    assert len(ids) == len(pairs)


@pytest.mark.parametrize(
    "error",
    [
        nats.errors.TimeoutError(),
        nats.errors.ConnectionClosedError(),
        nats.js.errors.NoStreamResponseError(),
        nats.js.errors.NotFoundError(),
        ConnectionRefusedError(),
    ],
)
def test_errors_of_the_client_become_ours(error: Exception) -> None:
    with pytest.raises(BusError) as caught, bus_errors():
        raise error
    assert caught.value.__cause__ is error
    assert type(caught.value) in leaves()
