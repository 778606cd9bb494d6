"""Peak memory of the worker and the orchestrator for a video and for one that is many times as long.

    python -m bench.memory [--clip examples/clips/squat.mp4] [--short 4] [--times 20]

All jobs go through one stack, whose Triton answers without computing (`bench/noop`), so that minutes suffice
for a long video; the two processes do all that they do otherwise: decode, share frames, commit, write tables
and overlays. The first job warms up and is reported for itself. The short video is long enough to fill what
is bounded: two runs at a time, every slot of shared memory. Peaks are the kernel's (VmHWM), set back before
each job. They include the pages of shared memory that the process has touched.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import av
import click
import marey
import msgspec

from bench.noop_stack import Noop, noop_stack
from bench.record import Machine, machine, write_record
from bench.usage import forget_peak, memory_mb, service_pid

ROOT = Path(__file__).parents[1]
PROCESSES = ("worker", "orchestrator")
DEADLINE_S = 3600.0


class Peaks(msgspec.Struct, frozen=True, kw_only=True):
    """Peak resident memory over one job."""

    frames: int
    peak_mb: dict[str, float]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What `bench/results/memory.json` keeps."""

    machine: Machine
    method: str
    clip: str
    first: Peaks
    short: Peaks
    long: Peaks
    ratios: dict[str, float]
    """Of `long` to `short`."""


def repeat_clip(source: Path, times: int, target: Path) -> None:
    """The clip `times` over, packet by packet, without encoding again."""
    with av.open(str(source)) as reader, av.open(str(target), "w") as writer:
        stream = reader.streams.video[0]
        copy = writer.add_stream_from_template(stream)
        packets = [packet for packet in reader.demux(stream) if packet.dts is not None]
        length = max(packet.pts or 0 for packet in packets) + (packets[0].duration or 1)
        for turn in range(times):
            reader.seek(0)
            for packet in reader.demux(stream):
                if packet.dts is not None and packet.pts is not None:
                    packet.pts += turn * length
                    packet.dts += turn * length
                    packet.stream = copy
                    writer.mux(packet)


def measure(client: marey.Client, video: Path, pids: Mapping[str, int]) -> Peaks:
    """One job."""
    for pid in pids.values():
        forget_peak(pid)
    ended = client.wait(client.submit([video]).id, DEADLINE_S)
    if ended.job.status != "completed":
        raise click.ClickException(f"expected a completed job, got {ended.job.status}")
    peaks = Peaks(
        frames=ended.videos[0].frames_done,
        peak_mb={name: round(memory_mb(pid, "VmHWM"), 1) for name, pid in pids.items()},
    )
    click.echo(f"{peaks.frames} frames: {peaks.peak_mb}")
    return peaks


@click.command()
@click.option(
    "--clip", type=click.Path(exists=True, path_type=Path), default=ROOT / "examples/clips/squat.mp4"
)
@click.option(
    "--short", "repeats", default=4, show_default=True, help="The clip so often is the short video."
)
@click.option("--times", default=20, show_default=True, help="The long video against the short one.")
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "bench/results/memory.json")
def main(clip: Path, repeats: int, times: int, out: Path) -> None:
    """Measure both lengths, print the ratios and write the record."""
    with tempfile.TemporaryDirectory(prefix="marey-bench-") as name:
        folder = Path(name)
        shorter, longer = folder / f"short{clip.suffix}", folder / f"long{clip.suffix}"
        repeat_clip(clip, repeats, shorter)
        repeat_clip(clip, repeats * times, longer)
        with (
            noop_stack(folder, Noop()) as running,
            marey.Client(running.stack.api_url, running.stack.api_key) as client,
        ):
            guards = running.pids()
            pids = {name: service_pid(guards[name]) for name in PROCESSES}
            first, short, long = (measure(client, video, pids) for video in (shorter, shorter, longer))
    ratios = {name: round(long.peak_mb[name] / short.peak_mb[name], 3) for name in PROCESSES}
    method = " ".join((__doc__ or "").split("\n\n")[2].split())
    record = Record(
        machine=machine(), method=method, clip=clip.name, first=first, short=short, long=long, ratios=ratios
    )
    write_record(out, record)
    for name in PROCESSES:
        click.echo(f"{name}: {times} times as long, {ratios[name]} times the memory")


if __name__ == "__main__":
    main()
