"""Levers: how the work of a project is cut and how much of it is under way. They may change at any time."""

import logging
from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from core.errors import InvalidParameterError
from orchestrator.refusals import refusal_of, refusal_of_names

FrameBatchFrames = Annotated[int, Meta(ge=1, le=256)]
BatchesPerRun = Annotated[int, Meta(ge=1, le=64)]
_logger = logging.getLogger(__name__)


class Levers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Levers of one project. The two that cut work hold for new jobs, the others from the next run on."""

    frame_batch_frames: FrameBatchFrames = 32
    """Frames whose poses are committed together, where a job's parameters do not say."""
    batches_per_run: BatchesPerRun = 4
    """Frame batches that a worker takes at a time, where a job's parameters do not say."""
    runs_in_flight: Annotated[int, Meta(ge=1, le=256)] | None = None
    """Runs of the project that one worker works on at a time; None: as many as it has slots."""
    partitions: Annotated[int, Meta(ge=1, le=1000)] = 256
    """Runs of the project that are under way at a time per tier, on all workers together."""
    dedicated: bool = False
    """Whether only workers that were started for the project take its runs."""
    max_attempts: Annotated[int, Meta(ge=1, le=100)] = 5
    """Of each new task, before it is set aside."""
    lease_s: Annotated[float, Meta(ge=1, le=3600)] | None = None
    """A silent worker's task is another's after so long; None: what the installation is set to (30 s)."""


DEFAULTS = Levers()


def read_levers(stored: Mapping[str, object]) -> Levers:
    """What a project has set, on top of the defaults. One that was set wrong by hand leaves the defaults."""
    try:
        return msgspec.convert(stored, Levers)
    except msgspec.ValidationError as error:
        _logger.error("expected levers, got %s: %s", dict(stored), error, extra={"action": "read_levers"})
        return DEFAULTS


def change_levers(stored: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """What a project has set once `changes` are made; None brings a lever back to its default.

    Raises InvalidParameterError for an unknown name or a value out of range.
    """
    if refusal := refusal_of_names(changes, Levers.__struct_fields__, "levers"):
        raise InvalidParameterError(refusal)
    changed = {name: value for name, value in {**stored, **changes}.items() if value is not None}
    if refusal := refusal_of(changed, Levers, "levers"):
        raise InvalidParameterError(refusal)
    return changed


def may_take(levers: Levers, in_flight: int, *, is_dedicated: bool) -> bool:
    """Whether a worker with `in_flight` runs of a project may take another one."""
    if levers.dedicated and not is_dedicated:
        return False
    return levers.runs_in_flight is None or in_flight < levers.runs_in_flight
