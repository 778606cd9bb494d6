"""Peak memory of the worker and the orchestrator for a clip and for the same clip many times as long.

    python -m bench.memory [--clip examples/clips/squat.mp4] [--times 20]

Each length gets a stack of its own; the peak is the kernel's (VmHWM) at the end of the job. It includes the
pages of shared memory that the process has touched.
"""

import re
import tempfile
from pathlib import Path

import av
import click
import marey
import msgspec
import psutil

from bench.record import Machine, machine, write_record
from deploy.embedded.options import StackOptions
from deploy.embedded.stack import running_stack

ROOT = Path(__file__).parents[1]
PROCESSES = ("worker", "orchestrator")
DEADLINE_S = 1800.0


class Peaks(msgspec.Struct, frozen=True, kw_only=True):
    """Peak resident memory over one job."""

    frames: int
    peak_mb: dict[str, float]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What `bench/results/memory.json` keeps."""

    machine: Machine
    clip: str
    times: int
    short: Peaks
    long: Peaks
    ratios: dict[str, float]


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


def peak_mb(name: str) -> float:
    """Peak resident memory of this process's descendant `marey NAME`."""
    for child in psutil.Process().children(recursive=True):
        command = child.cmdline()
        if command[-2:] and command[-1] == name and command[-2].endswith("/marey"):
            status = Path(f"/proc/{child.pid}/status").read_text(encoding="utf-8")
            found = re.search(r"VmHWM:\s+(\d+) kB", status)
            if found:
                return int(found.group(1)) / 1024
    raise click.ClickException(f"expected a running process `marey {name}`, got none")


def measure(video: Path) -> Peaks:
    """One job on a fresh stack."""
    with (
        tempfile.TemporaryDirectory(prefix="marey-bench-") as home,
        running_stack(StackOptions(home=Path(home))) as stack,
        marey.Client(stack.api_url, stack.api_key) as client,
    ):
        ended = client.wait(client.submit([video]).id, DEADLINE_S)
        if ended.job.status != "completed":
            raise click.ClickException(f"expected a completed job, got {ended.job.status}")
        return Peaks(
            frames=ended.videos[0].frames_done,
            peak_mb={name: round(peak_mb(name), 1) for name in PROCESSES},
        )


@click.command()
@click.option(
    "--clip", type=click.Path(exists=True, path_type=Path), default=ROOT / "examples/clips/squat.mp4"
)
@click.option("--times", default=20, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "bench/results/memory.json")
def main(clip: Path, times: int, out: Path) -> None:
    """Measure both lengths, print the ratios and write the record."""
    with tempfile.TemporaryDirectory() as folder:
        longer = Path(folder) / f"long{clip.suffix}"
        repeat_clip(clip, times, longer)
        short, long = measure(clip), measure(longer)
    ratios = {name: round(long.peak_mb[name] / short.peak_mb[name], 3) for name in PROCESSES}
    record = Record(machine=machine(), clip=clip.name, times=times, short=short, long=long, ratios=ratios)
    write_record(out, record)
    for name in PROCESSES:
        click.echo(
            f"{name}: {short.peak_mb[name]} MB, x{times}: {long.peak_mb[name]} MB, ratio {ratios[name]}"
        )


if __name__ == "__main__":
    main()
