"""What the parameter `detector_interval` gains and costs: `python -m bench.detector_interval`.

Clips are rendered once. For each interval, in turns, they go through the embedded service: the time from the
posted to the completed job, the processor time, and the scores against the truth.
"""

import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import click
import marey
import msgspec

from bench.record import Machine, machine, write_record
from bench.usage import cpu_s
from deploy.embedded.options import StackOptions
from deploy.embedded.stack import RunningStack, running_stack
from trt_build.evaluation.rendered import ClipRequest, render_clips
from trt_build.evaluation.service import ScoredJob, score_clips

ROOT = Path(__file__).parents[1]
INTERVALS = (1, 2, 3)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Of one interval."""

    interval: int
    rounds_s: list[float]
    """From posted to completed."""
    rounds_cpu_s: list[float]
    """Processor time of all services meanwhile: what a machine with other work tells best."""
    cpu_ratio: float
    """Of the median processor time to that of interval 1."""
    scores: dict[str, object]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What `bench/results/detector_interval.json` keeps."""

    machine: Machine
    seeds: str
    frames_per_clip: int
    frame_rate: int
    outcomes: list[Outcome]


def measure(
    stack: RunningStack, client: marey.Client, clips: Sequence[Path], rounds: int, folder: Path
) -> list[Outcome]:
    """The outcome of each interval, after a job that is not counted."""
    jobs: dict[int, list[ScoredJob]] = {interval: [] for interval in INTERVALS}
    cpu: dict[int, list[float]] = {interval: [] for interval in INTERVALS}
    score_clips(client, clips[:2], folder / "first", 1)
    for number in range(rounds):
        for interval in INTERVALS:
            before_s = _cpu_s(stack)
            jobs[interval].append(score_clips(client, clips, folder / f"{number}_{interval}", interval))
            cpu[interval].append(round(_cpu_s(stack) - before_s, 2))
            click.echo(f"interval {interval}: {cpu[interval][-1]} s of processor, {jobs[interval][-1]}")
    return [
        Outcome(
            interval=interval,
            rounds_s=[round(job.seconds, 2) for job in jobs[interval]],
            rounds_cpu_s=cpu[interval],
            cpu_ratio=round(statistics.median(cpu[interval]) / statistics.median(cpu[1]), 3),
            scores=asdict(jobs[interval][-1].scores),
        )
        for interval in INTERVALS
    ]


def _cpu_s(stack: RunningStack) -> float:
    return sum(cpu_s(stack.supervisor.pids()).values())


@click.command()
@click.option("--seeds", nargs=2, type=int, default=(1000, 1019), show_default=True, help="First and last.")
@click.option("--frames", default=40, show_default=True, help="Of each clip.")
@click.option("--frame-rate", default=30, show_default=True, help="Of the clips.")
@click.option("--rounds", default=2, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "bench/results/detector_interval.json")
def main(seeds: tuple[int, int], frames: int, frame_rate: int, rounds: int, out: Path) -> None:
    """Measure, print and write the record."""
    with tempfile.TemporaryDirectory(prefix="marey-interval-") as name:
        folder = Path(name)
        request = ClipRequest(frame_count=frames, frame_rate=Fraction(frame_rate))
        clips = list(render_clips(range(seeds[0], seeds[1] + 1), folder, request))
        options = StackOptions(home=folder / "home")
        with running_stack(options) as stack, marey.Client(stack.api_url, stack.api_key) as client:
            outcomes = measure(stack, client, clips, rounds, folder)
    record = Record(
        machine=machine(),
        seeds=f"{seeds[0]}-{seeds[1]}",
        frames_per_clip=frames,
        frame_rate=frame_rate,
        outcomes=outcomes,
    )
    write_record(out, record)
    click.echo(msgspec.json.encode(record).decode())


if __name__ == "__main__":
    main()
