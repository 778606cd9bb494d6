"""Figures for Prometheus."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest

from core.jobs import TaskKind, Tier
from orchestrator.metrics import MAX_PROJECTS, OTHERS, Metrics, Outcome, with_few_projects
from orchestrator.store.figures import TaskCount, TierFigures
from tests.services.prometheus import samples, value

ROW = TierFigures(
    tier=Tier.PRIORITY,
    project="club",
    waiting_runs=3,
    waiting_frames=300,
    in_flight_runs=1,
    dwell_p50_s=0.5,
    dwell_p99_s=4.0,
    frames_per_s=25.0,
)


@given(st.lists(st.integers(0, 10**6), max_size=3 * MAX_PROJECTS))
def test_many_projects_become_few_and_nothing_is_lost(waiting_frames: list[int]) -> None:
    rows = [
        replace(ROW, project=f"project {number}", waiting_frames=frames)
        for number, frames in enumerate(waiting_frames)
    ]
    few = with_few_projects(rows)
    named = [row.waiting_frames for row in few if row.project != OTHERS]
    assert len(named) == min(len(rows), MAX_PROJECTS)
    assert sorted(named) == sorted(waiting_frames)[len(rows) - len(named) :]
    assert sum(row.waiting_frames for row in few) == sum(waiting_frames)


def test_the_queue_is_shown_as_it_is_now() -> None:
    metrics = Metrics()
    metrics.show_queue([replace(ROW, project="gone"), ROW, replace(ROW, project=None)], [])
    metrics.show_queue([ROW], [TaskCount(kind=TaskKind.INFER, state="set_aside", count=2)])
    found = samples(generate_latest(metrics.registry).decode())
    labels = {"tier": "priority", "project": "club"}
    assert value(found, "marey_queue_runs", **labels, state="waiting") == 3
    assert value(found, "marey_queue_runs", **labels, state="in_flight") == 1
    assert value(found, "marey_queue_frames", **labels) == 300
    assert value(found, "marey_queue_dwell_seconds", **labels, quantile="0.99") == 4.0
    assert value(found, "marey_tasks", kind="infer", state="set_aside") == 2
    assert not any("gone" in str(key) or key[0] == "marey_tier_dwell_seconds" for key in found)


def test_attempts_and_batches_are_counted() -> None:
    metrics = Metrics()
    metrics.begin_attempt(TaskKind.INFER)
    metrics.begin_attempt(TaskKind.INFER)
    metrics.end_attempt(TaskKind.INFER, Tier.STANDARD, Outcome.RETRIED, 2.0)
    metrics.count_batch(Tier.STANDARD, frames=32, decoded=30, poses=90, duration_s=0.2)
    found = samples(generate_latest(metrics.registry).decode())
    assert value(found, "marey_tasks_under_way", kind="infer") == 1
    retried = {"kind": "infer", "tier": "standard", "outcome": "retried"}
    assert value(found, "marey_task_attempts_total", **retried) == 1
    assert value(found, "marey_frames_total", tier="standard", decoded="no") == 2
    assert value(found, "marey_frame_batch_duration_seconds_sum", tier="standard") == 0.2
