"""Triton's statistics as figures, and the way from the bare computation to the whole service."""

import pytest
from tritonclient.grpc.service_pb2 import ModelStatistics

from bench.gpu_statistics import ModelTotals, fixed_part, losses_us, model_figures

MS = 1_000_000


def statistics(executions: int, compute_ms: int) -> ModelTotals:
    """Of a model whose executions serve two requests of 32 rows each; Triton counts their time twice."""
    stats = ModelStatistics(name="hrnet", execution_count=executions, inference_count=64 * executions)
    stats.inference_stats.success.count = 2 * executions
    stats.inference_stats.compute_infer.ns = 2 * executions * compute_ms * MS
    stats.inference_stats.queue.ns = 2 * executions * 7 * MS
    batch = stats.batch_stats.add(batch_size=64)
    batch.compute_input.ns = executions * MS
    batch.compute_infer.ns = executions * compute_ms * MS
    batch.compute_output.ns = executions * 2 * MS
    return ModelTotals.of(stats)


def test_an_execution_counts_once_and_only_what_came_between() -> None:
    figures = model_figures({"hrnet": statistics(10, 20)}, {"hrnet": statistics(110, 20)}, seconds=4.6)
    assert figures == {
        "hrnet": {
            "executions": 100,
            "rows": 64,
            "input_ms": 1,
            "compute_ms": 20,
            "output_ms": 2,
            "queue_ms": 7,
            "busy": 0.5,
        }
    }


def test_a_model_that_did_nothing_has_figures() -> None:
    idle = {"yolo": statistics(3, 10)}
    assert set(model_figures(idle, idle, 1.0)["yolo"].values()) == {0}


def test_losses_add_up_from_the_computation_to_the_service() -> None:
    losses = losses_us(compute_fps=2500, ensemble_fps=2000, steady_fps=1600, service_fps=1250)
    assert losses.pop("triton_share") == pytest.approx(100 / 400)
    assert losses == {
        "compute_us": 400,
        "triton_us": 100,
        "decode_and_record_us": 125,
        "fixed_part_us": 175,
    }
    assert sum(losses.values()) == pytest.approx(1e6 / 1250)


def test_a_service_that_loses_nothing_has_no_share_of_it() -> None:
    losses = losses_us(compute_fps=1000, ensemble_fps=1000, steady_fps=1000, service_fps=1000)
    assert "triton_share" not in losses


def test_the_part_of_a_job_that_does_not_grow() -> None:
    assert fixed_part((14_400, 28_800), (10.0, 18.0)) == {"fixed_s": 2.0, "steady_fps": 1800}
    assert fixed_part((14_400, 28_800), (10.0, 9.0)) == {}
