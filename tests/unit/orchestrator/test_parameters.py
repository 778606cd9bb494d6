"""Parameters of a job."""

import pytest

from core.errors import InvalidParameterError
from orchestrator.levers import Levers
from orchestrator.parameters import JobParameters, lever_parameters, resolve_parameters


def test_the_request_wins_over_the_set() -> None:
    resolved = resolve_parameters({"overlay": "off", "batches_per_run": 9}, {"overlay": "half"})
    assert (resolved.overlay, resolved.batches_per_run) == ("half", 9)


def test_nothing_given_means_defaults() -> None:
    assert resolve_parameters({}, {}) == JobParameters()


def test_levers_that_cut_work_are_parameters() -> None:
    stored = {"batches_per_run": 9, "frame_batch_frames": 8, "max_attempts": 7}
    assert set(stored) <= set(Levers.__struct_fields__)
    assert lever_parameters(stored) == {"batches_per_run": 9, "frame_batch_frames": 8}


@pytest.mark.parametrize(
    ("requested", "said"),
    [
        ({"overlay": "huge"}, "parameters.overlay: expected one of full, half, off, got 'huge'"),
        ({"frame_batch_frames": 0}, "frame_batch_frames"),
        ({"batches_per_run": 2.5}, "batches_per_run"),
        ({"person_score": 1.5}, "person_score"),
        ({"people_cap": 17}, "people_cap"),
        ({"detector_interval": 8}, "detector_interval"),
        ({"smoothing_cutoff_hz": 0.5}, "smoothing_cutoff_hz: expected number from 1 to 120 or null, got 0.5"),
        ({"colour": "red"}, "smoothing_cutoff_hz, got 'colour'"),
    ],
)
def test_what_is_not_allowed_is_named(requested: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidParameterError, match=said):
        resolve_parameters({}, requested)
