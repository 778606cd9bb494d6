"""NVIDIA's perf_analyzer: its command line, and what its CSV says. The only file that speaks to it."""

import csv
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click
import msgspec

from bench.perf_inputs import ROWS_PER_REQUEST, Workload

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".perf"
"""Where `perf_setup.sh` puts it."""
Memory = Literal["none", "system", "cuda"]
"""How tensors reach Triton: in the request's body, or in POSIX or CUDA shared memory."""
OUTPUT_BYTES = 8 << 20
"""Shared memory for one output of one request: more than four rows of heatmaps."""
ANY_SPREAD_PERCENT = 999
"""It else repeats windows until three agree, which on a shared machine they need not."""
TIMEOUT_S = 300.0


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement."""

    model: str
    memory: Memory
    concurrency: int
    """Requests under way at a time."""
    rows_per_s: float
    p50_ms: float
    p99_ms: float
    queue_ms: float
    """Of a request, by Triton's statistics of that model, like what follows."""
    compute_ms: float
    """Of an ensemble: all its models, with their queues."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What is asked of Triton: one request at a time, then two, up to `concurrency_max`."""

    memory: Memory
    concurrency_max: int
    window_ms: int
    """A point is the mean of three."""


def measure(work: Workload, url: str, sweep: Sweep, folder: Path) -> list[Point]:
    """The points of a sweep. Raises ClickException with perf_analyzer's words if it fails."""
    data, table = folder / f"{work.model}.json", folder / f"{work.model}.{sweep.memory}.csv"
    if not data.exists():
        data.write_bytes(work.data())
    command = [*analyzer_command(work, url, sweep, data), "-f", str(table)]
    environment = {**os.environ, "LD_LIBRARY_PATH": str(FOLDER / "lib")}
    result = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
    )
    if result.returncode != 0 or not table.exists():
        said = (result.stderr or result.stdout)[-800:]
        raise click.ClickException(f"perf_analyzer on {work.model}: {said}")
    return read_points(table.read_text(), work, sweep.memory)


def analyzer_command(work: Workload, url: str, sweep: Sweep, data: Path) -> list[str]:
    """The command; `url` is host:port of Triton's gRPC endpoint, `data` has the pictures."""
    shape = ",".join(map(str, work.shape))
    command = [
        *(str(FOLDER / "bin" / "perf_analyzer"), "-m", work.model, "-u", url, "-i", "grpc"),
        *("--input-data", str(data), "--shape", f"{work.tensor}:{shape}"),
        *("--shared-memory", sweep.memory, "--concurrency-range", f"1:{sweep.concurrency_max}"),
        *("--measurement-interval", str(sweep.window_ms), "--stability-percentage", str(ANY_SPREAD_PERCENT)),
    ]
    if sweep.memory != "none":
        command += ["--output-shared-memory-size", str(OUTPUT_BYTES)]
    if work.is_batching:
        command += ["-b", str(ROWS_PER_REQUEST)]
    return command


def read_points(table: str, work: Workload, memory: Memory) -> list[Point]:
    """The rows of perf_analyzer's CSV, which counts in microseconds, by concurrency.

    It counts requests of a model that takes whole tensors, and rows of one that Triton batches.
    """
    rows_per_inference = 1 if work.is_batching else ROWS_PER_REQUEST
    points = [
        Point(
            model=work.model,
            memory=memory,
            concurrency=int(row["Concurrency"]),
            rows_per_s=round(float(row["Inferences/Second"]) * rows_per_inference, 2),
            p50_ms=_ms(row["p50 latency"]),
            p99_ms=_ms(row["p99 latency"]),
            queue_ms=_ms(row["Server Queue"]),
            compute_ms=_ms(row["Server Compute Infer"]),
        )
        for row in csv.DictReader(table.splitlines())
    ]
    return sorted(points, key=lambda point: point.concurrency)


def _ms(microseconds: str) -> float:
    return round(float(microseconds) / 1000, 2)
