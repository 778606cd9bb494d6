"""Who has not beaten for how long."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from deploy.embedded.standstill import Pulses, Standstill

PATIENCE_S = 20.0


@given(st.lists(st.floats(0.0, PATIENCE_S), min_size=1), st.integers(-(10**18), 10**18))
def test_one_that_beats_between_two_looks_never_stands_still(gaps_s: list[float], jump_ns: int) -> None:
    """However its clock jumps."""
    standstill = Standstill(PATIENCE_S)
    now_s = 0.0
    for number, gap_s in enumerate(gaps_s):
        now_s += gap_s
        assert standstill.longest({"7": number * (1 + abs(jump_ns))}, now_s) is None


def test_one_of_two_is_told() -> None:
    standstill = Standstill(PATIENCE_S)
    told = [standstill.longest({"7": 1, "8": second}, float(second)) for second in range(23)]
    assert told == [None] * 21 + ["7"] * 2


def test_the_one_that_stood_still_for_longest_is_told() -> None:
    standstill = Standstill(PATIENCE_S)
    standstill.longest({"8": 1}, 0.0)
    standstill.longest({"7": 1, "8": 1}, 1.0)
    assert standstill.longest({"7": 1, "8": 1}, 30.0) == "8"


def test_one_that_has_gone_is_forgotten() -> None:
    standstill = Standstill(PATIENCE_S)
    standstill.longest({"7": 1}, 0.0)
    standstill.longest({}, 10.0)
    assert standstill.longest({"7": 1}, 25.0) is None


def test_beats_are_the_times_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "7").touch()
    assert Pulses(folder=tmp_path).beats() == {"7": (tmp_path / "7").stat().st_mtime_ns}
    assert Pulses(folder=tmp_path / "none").beats() == {}
