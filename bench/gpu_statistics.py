"""What Triton's models did in a while, and which part of a service's time is Triton's."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

import tritonclient.grpc as grpc
from tritonclient.grpc.service_pb2 import ModelStatistics


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTotals:
    """Of one model since its start. An execution counts once, whatever number of requests it served."""

    executions: int
    requests: int
    rows: int
    queue_ns: int
    """Of all requests."""
    input_ns: int
    infer_ns: int
    output_ns: int

    @classmethod
    def of(cls, stats: ModelStatistics) -> Self:
        """By `batch_stats`: `inference_stats` counts an execution's time once for each of its requests."""
        return cls(
            executions=stats.execution_count,
            requests=stats.inference_stats.success.count,
            rows=stats.inference_count,
            queue_ns=stats.inference_stats.queue.ns,
            input_ns=sum(batch.compute_input.ns for batch in stats.batch_stats),
            infer_ns=sum(batch.compute_infer.ns for batch in stats.batch_stats),
            output_ns=sum(batch.compute_output.ns for batch in stats.batch_stats),
        )

    def since(self, before: Self) -> "ModelTotals":
        """What came after `before`."""
        return ModelTotals(
            executions=self.executions - before.executions,
            requests=self.requests - before.requests,
            rows=self.rows - before.rows,
            queue_ns=self.queue_ns - before.queue_ns,
            input_ns=self.input_ns - before.input_ns,
            infer_ns=self.infer_ns - before.infer_ns,
            output_ns=self.output_ns - before.output_ns,
        )

    def figures(self, seconds: float) -> dict[str, float]:
        """Per execution, per request in the queue, and the share of `seconds` that executions took; it may
        reach the number of the model's instances."""
        executions, requests = max(self.executions, 1), max(self.requests, 1)
        spent_ns = self.input_ns + self.infer_ns + self.output_ns
        return {
            "executions": float(self.executions),
            "rows": round(self.rows / executions, 1),
            "input_ms": round(self.input_ns / executions / 1e6, 2),
            "compute_ms": round(self.infer_ns / executions / 1e6, 2),
            "output_ms": round(self.output_ns / executions / 1e6, 2),
            "queue_ms": round(self.queue_ns / requests / 1e6, 2),
            "busy": round(spent_ns / 1e9 / seconds, 2),
        }


def totals(url: str) -> dict[str, ModelTotals]:
    """Of each model that the server has."""
    statistics: Iterable[ModelStatistics] = (
        grpc.InferenceServerClient(url).get_inference_statistics().model_stats
    )
    return {stats.name: ModelTotals.of(stats) for stats in statistics}


def model_figures(
    before: Mapping[str, ModelTotals], after: Mapping[str, ModelTotals], seconds: float
) -> dict[str, dict[str, float]]:
    """What each model did between two looks, so many seconds apart."""
    return {name: after[name].since(before[name]).figures(seconds) for name in after}


def losses_us(
    *, compute_fps: float, ensemble_fps: float, steady_fps: float, service_fps: float
) -> dict[str, float]:
    """Microseconds per frame, from the bare computation to the whole service, and Triton's share of the loss.

    `ensemble_fps` has frames that lie in GPU memory already: what it lacks to `compute_fps` is Triton's.
    `steady_fps` is the service without a job's fixed part.
    """
    bare, triton, steady, whole = (1e6 / fps for fps in (compute_fps, ensemble_fps, steady_fps, service_fps))
    found = {
        "compute_us": bare,
        "triton_us": triton - bare,
        "decode_and_record_us": steady - triton,
        "fixed_part_us": whole - steady,
    }
    rounded = {name: round(us, 1) for name, us in found.items()}
    return (
        {**rounded, "triton_share": round((triton - bare) / (whole - bare), 2)} if whole > bare else rounded
    )


def fixed_part(frames: tuple[int, int], seconds: tuple[float, float]) -> dict[str, float]:
    """Of two jobs, the smaller one first: seconds that do not grow with the frames, and the rate without
    them. Nothing where the larger job did not take longer."""
    if seconds[1] <= seconds[0]:
        return {}
    steady_fps = (frames[1] - frames[0]) / (seconds[1] - seconds[0])
    return {"fixed_s": round(seconds[1] - frames[1] / steady_fps, 2), "steady_fps": round(steady_fps)}
