"""What a user may set for a job."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from core.errors import InvalidParameterError
from orchestrator.detection import GROUP_FRAMES_MAX
from orchestrator.levers import DEFAULTS, BatchesPerRun, FrameBatchFrames
from orchestrator.refusals import refusal_of

PEOPLE_PER_FRAME_MAX = 16
"""So many the ensemble finds."""


class JobParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of pipeline `pose_2d`, complete and checked."""

    overlay: Literal["full", "half", "off"] = "full"
    """Size of the overlay video against its source."""
    frame_batch_frames: FrameBatchFrames = DEFAULTS.frame_batch_frames
    """Frames whose poses are committed together."""
    batches_per_run: BatchesPerRun = DEFAULTS.batches_per_run
    """Frame batches that one worker takes at a time; a run ends at the next keyframe."""
    person_score: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.25
    """People that the detector scores lower are left out of the results."""
    people_cap: Annotated[int, msgspec.Meta(ge=1, le=PEOPLE_PER_FRAME_MAX)] = PEOPLE_PER_FRAME_MAX
    """Of each frame, those that the detector scores best are in the results."""
    detector_interval: Annotated[int, msgspec.Meta(ge=1, le=GROUP_FRAMES_MAX - 1)] = 1
    """People are looked for in every so many-th frame; in between they are where their neighbours say. Joints
    are found in every frame."""
    smoothing_cutoff_hz: Annotated[float, msgspec.Meta(ge=1, le=120)] | None = None
    """Joints in the results are low-passed over time; None: they stay as they were found."""


def lever_parameters(levers: Mapping[str, object]) -> dict[str, object]:
    """The levers of a project that are parameters of its new jobs."""
    return {name: value for name, value in levers.items() if name in JobParameters.__struct_fields__}


def resolve_parameters(defaults: Mapping[str, object], requested: Mapping[str, object]) -> JobParameters:
    """The requested values on top of the defaults, which are those of the parameter set and the project.

    Raises InvalidParameterError for an unknown name or a value out of range.
    """
    chosen = {**defaults, **requested}
    if refusal := refusal_of(chosen, JobParameters, "parameters"):
        raise InvalidParameterError(refusal)
    return msgspec.convert(chosen, JobParameters)
