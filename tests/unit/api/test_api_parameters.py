"""Refused job parameters."""

import pytest

from api.jobs.parameters import check_parameters
from core.errors import InvalidParameterError


def test_good_parameters_pass() -> None:
    check_parameters({"overlay": "half", "frame_batch_frames": 16})


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"overlay": "tiny"}, "parameters.overlay: expected one of full, half, off, got 'tiny'"),
        ({"overlay": 3}, "parameters.overlay: expected one of full, half, off, got 3"),
        (
            {"frame_batch_frames": 0},
            "parameters.frame_batch_frames: expected integer from 1 to 256, got 0",
        ),
        ({"person_score": 2}, "parameters.person_score: expected number from 0 to 1, got 2"),
    ],
)
def test_a_wrong_value_is_told_apart_from_what_is_expected(
    parameters: dict[str, object], sentence: str
) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        check_parameters(parameters)
    assert str(caught.value) == sentence


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InvalidParameterError, match=r"overlay, .*got 'overlays'"):
        check_parameters({"overlays": "full"})


def test_a_long_value_is_cut() -> None:
    with pytest.raises(InvalidParameterError) as caught:
        check_parameters({"overlay": "x" * 10_000})
    assert len(str(caught.value)) < 200
