"""The whole service against a hand-written script on this machine's CPU: `make bench-cpu`.

Frames per second from POST /job to completed, over the example clips, next to `bench/hand_script.py` on the
same clips, with the same ONNX files and the same outputs. Rounds alternate (script, service), so that both
meet the same machine; the ratio is that of the medians.
"""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import marey
import msgspec

from bench.record import Machine, machine, write_record
from deploy.embedded.options import StackOptions
from deploy.embedded.stack import running_stack
from ingest.rendered.clips import read_truth

ROOT = Path(__file__).parents[1]
CLIPS = ROOT / "examples" / "clips"
DEADLINE_S = 1800.0


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What `bench/results/cpu.json` keeps."""

    machine: Machine
    clips: list[str]
    frames: int
    service_fps: float
    script_fps: float
    ratio: float
    rounds_service_s: list[float]
    rounds_script_s: list[float]


def script_round(clips: Sequence[Path], out: Path) -> float:
    """Seconds that the script needs; the interpreter's start and its imports are not counted."""
    command = [sys.executable, str(ROOT / "bench" / "hand_script.py"), str(out), *map(str, clips)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(answer.split(" in ")[1].split(" s:")[0])


def service_round(client: marey.Client, clips: Sequence[Path]) -> float:
    """Seconds from the posted to the completed job by the service's own clock."""
    submitted = client.submit(list(clips), "pose_2d", {"overlay": "full"})
    job = client.wait(submitted.id, DEADLINE_S).job
    if job.status != "completed" or job.finished_at is None:
        raise click.ClickException(f"expected job {job.id} to be completed, got {job.status}")
    return (job.finished_at - job.created_at).total_seconds()


def compare(clips: Sequence[Path], rounds: int, folder: Path) -> Record:
    """Alternate rounds of both, after one of the service that is not counted."""
    service_s, script_s = [], []
    options = StackOptions(home=folder / "home")
    with running_stack(options) as stack, marey.Client(stack.api_url, stack.api_key) as client:
        service_round(client, clips)
        for _ in range(rounds):
            script_s.append(script_round(clips, folder / "script"))
            service_s.append(service_round(client, clips))
            click.echo(f"script {script_s[-1]:.1f} s, service {service_s[-1]:.1f} s")
    frames = sum(_frames(clip) for clip in clips)
    service_fps, script_fps = (frames / statistics.median(seconds) for seconds in (service_s, script_s))
    return Record(
        machine=machine(),
        clips=[clip.name for clip in clips],
        frames=frames,
        service_fps=round(service_fps, 2),
        script_fps=round(script_fps, 2),
        ratio=round(service_fps / script_fps, 3),
        rounds_service_s=[round(value, 2) for value in service_s],
        rounds_script_s=[round(value, 2) for value in script_s],
    )


def _frames(clip: Path) -> int:
    return len(read_truth(clip).frames)


@click.command()
@click.option("--rounds", default=3, show_default=True, help="Rounds of each.")
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "bench" / "results" / "cpu.json")
def main(rounds: int, out: Path) -> None:
    """Compare, print the ratio and write the record."""
    with tempfile.TemporaryDirectory(prefix="marey-bench-") as name:
        record = compare(sorted(CLIPS.glob("*.mp4")), rounds, Path(name))
    write_record(out, record)
    click.echo(f"service {record.service_fps} f/s, script {record.script_fps}, x{record.ratio}")


if __name__ == "__main__":
    main()
