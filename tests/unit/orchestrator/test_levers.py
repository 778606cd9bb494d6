"""Levers of a project."""

import pytest

from core.errors import InvalidParameterError
from orchestrator.levers import DEFAULTS, Levers, change_levers, may_take, read_levers


def test_what_is_not_set_has_its_default() -> None:
    assert read_levers({}) == DEFAULTS
    assert read_levers({"partitions": 3}) == Levers(partitions=3)


def test_a_lever_set_wrong_by_hand_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    assert read_levers({"partitions": "many"}) == DEFAULTS
    assert "partitions" in caplog.text


def test_changes_leave_the_other_levers_alone() -> None:
    assert change_levers({"partitions": 3, "lease_s": 60}, {"lease_s": 90}) == {
        "partitions": 3,
        "lease_s": 90,
    }


def test_none_brings_the_default_back() -> None:
    assert change_levers({"partitions": 3}, {"partitions": None, "lease_s": None}) == {}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"partition": 3},
            "expected names among frame_batch_frames, .*, got 'partition'; did you mean",
        ),
        ({"partitions": 0}, "levers.partitions: expected integer from 1 to 1000, got 0"),
        ({"max_attempts": 2.5}, "levers.max_attempts: expected integer from 1 to 100, got 2.5"),
        ({"dedicated": "yes"}, "levers.dedicated: expected true or false, got 'yes'"),
        ({"lease_s": 0.5}, "levers.lease_s: expected number from 1 to 3600 or null, got 0.5"),
    ],
)
def test_what_is_not_allowed_is_named(changes: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidParameterError, match=said):
        change_levers({}, changes)


@pytest.mark.parametrize(
    ("levers", "in_flight", "is_dedicated", "allowed"),
    [
        (Levers(), 100, False, True),
        (Levers(runs_in_flight=2), 1, False, True),
        (Levers(runs_in_flight=2), 2, False, False),
        (Levers(runs_in_flight=2), 2, True, False),
        (Levers(dedicated=True), 0, False, False),
        (Levers(dedicated=True), 0, True, True),
    ],
)
def test_who_may_take_a_run(levers: Levers, in_flight: int, is_dedicated: bool, allowed: bool) -> None:
    assert may_take(levers, in_flight, is_dedicated=is_dedicated) is allowed
