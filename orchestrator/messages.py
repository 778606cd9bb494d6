"""What a message of JetStream carries."""

import logging

import msgspec

_logger = logging.getLogger(__name__)


class TaskMessage(msgspec.Struct, frozen=True):
    """A task may have work at an epoch."""

    task_id: int
    epoch: int
    frames: int = 0
    """What a run is charged for; 0 for other steps."""


NO_TASK = TaskMessage(task_id=0, epoch=0)
"""Stands for a message that cannot be read: ids start at 1, so nobody gets a lease for it."""


def message_id(message: TaskMessage) -> str:
    """JetStream drops a second message of this id: each epoch of a task is sent once."""
    return f"{message.task_id}:{message.epoch}"


def encode(message: TaskMessage) -> bytes:
    """As it is stored."""
    return msgspec.json.encode(message)


def decode(data: bytes) -> TaskMessage:
    """The inverse of `encode`; NO_TASK for anything else."""
    try:
        return msgspec.json.decode(data, type=TaskMessage)
    except msgspec.DecodeError as error:
        _logger.warning("unreadable message: %s", error, extra={"action": "drop_message"})
        return NO_TASK
