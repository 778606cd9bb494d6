"""What a frame batch costs beside its inference: `make bench-orchestrator`.

The real stack, but Triton's ensembles are a model that computes nothing (`bench/noop`), and frame batches are
one frame of 64x64 px, so that decoding costs little: what is left is the way of a batch through Postgres,
JetStream, worker, shared memory, Triton, object store and collection. 64 batches per run, two runs at a time,
eight frames per request to Triton, be they of one frame batch or of several.

- drain: `--queued` frame batches in videos of 1,000; cost of each tenth, and resident memory after it.
- usual: the same for the default levers, 32 frames per batch and 4 batches per run, so with 32 times the
  decoding and the rows of results per batch.
- depth: cost at full depth is that of the first fifth once everything is queued. Cost at 100 queued is the
  difference between jobs of 200 and of 100 batches on an otherwise idle stack, divided by 100: what a job
  costs whatever its size falls out.
- urgency: every request takes `--answer` seconds. While one-batch runs of `standard` wait, jobs of one
  `high_priority` batch come one by one; their wait is from the run's row to its lease, as Postgres has it, in
  units of the median time that a run of `standard` takes.

CPU times are those of the processes (10 ms steps); rates suffer from whatever else the machine does, so the
load average stands beside them.
"""

import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import click
import marey
import msgspec

from bench.noop_stack import Noop, noop_stack
from bench.record import Machine, machine, write_record
from bench.service_load import Cost, Reading, ServiceLoad, cost
from orchestrator.levers import DEFAULTS

ROOT = Path(__file__).parents[1]
BATCHES_PER_VIDEO = 1000
SHALLOW_JOBS = 20
USUAL_VIDEOS, USUAL_BATCHES = 25, 40
_WAITS = """SELECT extract(epoch FROM started_at - created_at)::float8 AS s FROM task
    WHERE kind = 'infer' AND tier = 'high_priority' AND status = 'done'"""
_RUN_TIMES = """SELECT extract(epoch FROM finished_at - started_at)::float8 AS s FROM task
    WHERE kind = 'infer' AND tier = 'standard' AND status = 'done'"""


class Tenth(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the drain."""

    queued: int
    """Frame batches that waited when it began."""
    cost: Cost
    resident_mb: dict[str, float]
    """At its end."""


class Depth(msgspec.Struct, frozen=True, kw_only=True):
    """Cost per batch over the length of the queue."""

    shallow: Cost
    deep_queued: int
    deep: Cost
    ratio: float


class Urgency(msgspec.Struct, frozen=True, kw_only=True):
    """Waits of urgent jobs beside a saturated `standard`."""

    jobs: int
    batch_time_s: float
    """Median time of a run of `standard`, which is one batch."""
    wait_p50_s: float
    wait_p99_s: float
    wait_p99_in_batch_times: float
    load_average: float


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What `bench/results/orchestrator.json` keeps."""

    machine: Machine
    method: str
    drain: list[Tenth]
    whole_drain: Cost
    usual: Cost
    depth: Depth
    urgency: Urgency


@contextmanager
def loaded_stack(noop: Noop) -> Iterator[ServiceLoad]:
    """A warm stack of its own; nothing of it is left afterwards."""
    with tempfile.TemporaryDirectory(prefix="marey-bench-") as name:
        folder = Path(name)
        with (
            noop_stack(folder, noop) as running,
            marey.Client(running.stack.api_url, running.stack.api_key) as client,
        ):
            load = ServiceLoad(running, client, folder)
            load.wait(load.submit(BATCHES_PER_VIDEO if noop.answer_s == 0 else 4))
            yield load


def shallow_cost(load: ServiceLoad) -> Cost:
    """Of 100 batches more in a job of 100."""
    readings = [load.read()]
    for number in range(2 * SHALLOW_JOBS):
        load.wait(load.submit(100 if number % 2 == 0 else 200))
        readings.append(load.read())
    spans = list(pairwise(readings))
    return cost(_sum(spans[0::2]), _sum(spans[1::2]), 100 * SHALLOW_JOBS, os.getloadavg()[0])


def _sum(spans: list[tuple[Reading, Reading]]) -> Reading:
    """Time and CPU time of some spans together."""
    names = spans[0][0].cpu_s
    return Reading(
        sum(after.at_s - before.at_s for before, after in spans),
        {name: sum(after.cpu_s[name] - before.cpu_s[name] for before, after in spans) for name in names},
    )


def drain(load: ServiceLoad, queued: int) -> tuple[list[Tenth], Cost, Cost, int]:
    """The tenths, the whole, the first fifth and how many batches were queued when it began.

    What is done while the videos are still being cut is not counted, and made up for by more of them.
    """
    job_id = load.submit(BATCHES_PER_VIDEO, videos=queued // BATCHES_PER_VIDEO * 11 // 10)
    while (now := load.progress(job_id)).submitted < now.videos or not now.videos:
        time.sleep(0.5)
    marks, tenths = [(now.done, load.read())], []
    start = now
    while now.done < now.total:
        time.sleep(0.5)
        now = load.progress(job_id)
        if now.done - marks[-1][0] >= queued // 10 or now.done == now.total:
            reading, (done, before) = load.read(), marks[-1]
            part = cost(before, reading, now.done - done, os.getloadavg()[0])
            tenths.append(Tenth(queued=now.total - done, cost=part, resident_mb=load.resident_mb()))
            marks.append((now.done, reading))
            click.echo(
                f"{tenths[-1].queued} queued: {part.cpu_ms} ms, {part.batches_per_s}/s, "
                f"{tenths[-1].resident_mb} MB, load {part.load_average}"
            )
    load.wait(job_id)
    whole = cost(marks[0][1], load.read(), now.total - start.done, os.getloadavg()[0])
    fifth = cost(marks[0][1], marks[2][1], marks[2][0] - marks[0][0], tenths[1].cost.load_average)
    return tenths, whole, fifth, start.total - start.done


def usual_cost(load: ServiceLoad) -> Cost:
    """Of a frame batch as long as it is by default."""
    before = load.read()
    load.wait(load.submit(USUAL_BATCHES, USUAL_VIDEOS, DEFAULTS.batches_per_run, DEFAULTS.frame_batch_frames))
    return cost(before, load.read(), USUAL_BATCHES * USUAL_VIDEOS, os.getloadavg()[0])


def urgency(answer_s: float, jobs: int) -> Urgency:
    """Urgent jobs one by one while `standard` has more than it can do."""
    with loaded_stack(Noop(answer_s=answer_s, instances=4)) as load:
        long = load.submit(int(jobs * 20), batches_per_run=1)
        while not load.progress(long).done:
            time.sleep(0.2)
        load.sql("UPDATE project SET project_queue = 'high_priority'")
        for _ in range(jobs):
            load.wait(load.submit(1, batches_per_run=1))
            time.sleep(random.random() * answer_s)
        if load.progress(long).done == load.progress(long).total:
            raise click.ClickException("expected `standard` to be saturated, got an empty queue")
        waits = sorted(row["s"] for row in load.sql(_WAITS))
        batch_time_s = statistics.median(row["s"] for row in load.sql(_RUN_TIMES))
        p50, p99 = (waits[min(len(waits) - 1, int(len(waits) * share))] for share in (0.5, 0.99))
    return Urgency(
        jobs=len(waits),
        batch_time_s=round(batch_time_s, 3),
        wait_p50_s=round(p50, 3),
        wait_p99_s=round(p99, 3),
        wait_p99_in_batch_times=round(p99 / batch_time_s, 2),
        load_average=round(os.getloadavg()[0], 1),
    )


@click.command()
@click.option("--queued", default=100_000, show_default=True, help="Frame batches to drain.")
@click.option("--answer", "answer_s", default=0.3, show_default=True, help="Of each request, for the waits.")
@click.option("--jobs", default=120, show_default=True, help="Urgent jobs.")
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "bench/results/orchestrator.json")
def main(queued: int, answer_s: float, jobs: int, out: Path) -> None:
    """Measure, print and write the record."""
    with loaded_stack(Noop()) as load:
        shallow = shallow_cost(load)
        click.echo(f"100 queued: {shallow.cpu_ms} ms CPU per batch {shallow.cpu_ms_per_batch}")
        usual = usual_cost(load)
        click.echo(f"usual batches: {usual.cpu_ms} ms CPU per batch {usual.cpu_ms_per_batch}")
        tenths, whole, deep, deep_queued = drain(load, queued)
    click.echo(f"whole drain: {whole.cpu_ms} ms {whole.cpu_ms_per_batch}, {whole.batches_per_s}/s")
    waits = urgency(answer_s, jobs)
    click.echo(f"urgent: p99 wait {waits.wait_p99_s} s = {waits.wait_p99_in_batch_times} batch times")
    record = Record(
        machine=machine(),
        method=" ".join((__doc__ or "").split()),
        drain=tenths,
        whole_drain=whole,
        usual=usual,
        depth=Depth(
            shallow=shallow, deep_queued=deep_queued, deep=deep, ratio=round(deep.cpu_ms / shallow.cpu_ms, 3)
        ),
        urgency=waits,
    )
    write_record(out, record)
    click.echo(f"deep / shallow: {record.depth.ratio}")


if __name__ == "__main__":
    main()
