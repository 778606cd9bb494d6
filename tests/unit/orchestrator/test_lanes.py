"""Lanes and their subjects."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.jobs import Tier
from orchestrator.lanes import Lane, Queue

LANES = st.builds(
    Lane, queue=st.sampled_from(Queue), tier=st.sampled_from(Tier), project_id=st.integers(1, 1 << 62)
)


@given(LANES)
def test_a_subject_tells_its_lane(lane: Lane) -> None:
    assert Lane.at(lane.subject) == lane


@pytest.mark.parametrize("subject", ["marey.jobs.standard", "marey.frames.gold.1", "marey.jobs.standard.x"])
def test_a_subject_of_somebody_else_tells_none(subject: str) -> None:
    assert Lane.at(subject) is None
