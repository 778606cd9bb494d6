"""Triton under NVIDIA's perf_analyzer: `make bench-perf`. bench/README.md says how to read it."""

import contextlib
import os
import subprocess
import sysconfig
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from bench.perf_analyzer import Memory, Point, Sweep, measure
from bench.perf_inputs import ROWS_PER_REQUEST, workloads
from bench.perf_plot import plot
from bench.record import Machine, machine, write_record
from deploy.embedded.machine import gpu_names
from deploy.embedded.ports import choose_ports

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results"
CLIP = ROOT / "examples" / "clips" / "sprint_race.mp4"
START_TIMEOUT_S = 600.0
"""Target `cuda` compiles its networks at the first start."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What `bench/results/perf.json` keeps, and `perf_gpu.json` of a machine with a GPU."""

    machine: Machine
    gpus: list[str]
    load_average: float
    """Of the machine over the minute before the start: other work."""
    clip: str
    rows_per_request: int
    points: list[Point]


@contextlib.contextmanager
def running_triton(home: Path, models: Path | None) -> Iterator[str]:
    """`marey triton` on the target that this machine gets; yields host:port of its gRPC endpoint."""
    ports = choose_ports(("http", "grpc", "metrics"), home / "ports.json", {})
    command = [str(Path(sysconfig.get_path("scripts"), "marey")), "triton", "--home", str(home / "triton")]
    for name, port in ports.items():
        command += [f"--{name}-port", str(port)]
    if models is not None:
        command += ["--models", str(models)]
    log = home / "triton.log"
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            _wait_ready(process, f"http://127.0.0.1:{ports['http']}/v2/health/ready", log)
            yield f"127.0.0.1:{ports['grpc']}"
        finally:
            process.terminate()


def markdown(points: list[Point]) -> str:
    """The points as a table."""
    head = "| model | memory | concurrency | rows/s | p50 ms | p99 ms | queue ms | compute ms |"
    rows = [
        f"| {point.model} | {point.memory} | {point.concurrency} | {point.rows_per_s:g} | {point.p50_ms:g} "
        f"| {point.p99_ms:g} | {point.queue_ms:g} | {point.compute_ms:g} |"
        for point in points
    ]
    return "\n".join([head, "|---|---|---|---|---|---|---|---|", *rows])


def _wait_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline_s and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.2)
    raise click.ClickException(f"expected Triton to be ready, got: {log.read_text()[-800:]}")


@click.command()
@click.option("--window-ms", default=3000, show_default=True, help="A point is the mean of three windows.")
@click.option("--concurrency", default=4, show_default=True, help="Up to so many requests at a time.")
@click.option("--models", type=click.Path(path_type=Path), help="Folder of your own networks.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=RESULTS, help="Folder of the record and the plot."
)
def main(concurrency: int, window_ms: int, models: Path | None, out: Path) -> None:
    """Measure the ensemble and each network, print the table, write the record and the plot."""
    gpus, load_average = gpu_names(), os.getloadavg()[0]
    memories: tuple[Memory, ...] = ("none", "system", "cuda") if gpus else ("none", "system")
    points: list[Point] = []
    with tempfile.TemporaryDirectory(prefix="marey-perf-") as name, running_triton(Path(name), models) as url:
        for work in workloads(CLIP, models):
            for memory in memories:
                click.echo(f"{work.model}, {work.unit}, memory {memory}", err=True)
                sweep = Sweep(memory=memory, concurrency_max=concurrency, window_ms=window_ms)
                points += measure(work, url, sweep, Path(name))
    record = Record(
        machine=machine(),
        gpus=gpus,
        load_average=round(load_average, 1),
        clip=CLIP.name,
        rows_per_request=ROWS_PER_REQUEST,
        points=points,
    )
    name = "perf_gpu" if gpus else "perf"
    write_record(out / f"{name}.json", record)
    where = ", ".join(gpus) or f"{record.machine.cores} cores"
    title = f"Triton under perf_analyzer, {where}, {record.machine.date}"
    (out / f"{name}.svg").write_text(plot(points, title))
    click.echo(markdown(points))


if __name__ == "__main__":
    main()
