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
import numpy as np

from bench.record import Machine, machine, write_record
from core.skeletons import HALPE_26
from deploy.embedded.options import StackOptions
from deploy.embedded.stack import running_stack
from ingest.rendered.clips import read_truth
from model_repository.cpu_target import Precision
from trt_build.evaluation.rendered import found_people

ROOT = Path(__file__).parents[1]
CLIPS = ROOT / "examples" / "clips"
DEADLINE_S = 1800.0
MATCH_PX = 60.0
"""Two runs' people are the same when the corners of their boxes are on average closer than this."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One precision of the service against the script."""

    precision: str
    service_fps: float
    script_fps: float
    ratio: float
    rounds_service_s: list[float]
    rounds_script_s: list[float]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What `bench/results/cpu.json` keeps."""

    machine: Machine
    clips: list[str]
    frames: int
    comparisons: list[Comparison]
    fast_against_fp32_mean_joint_px: float


def script_round(clips: Sequence[Path], out: Path) -> float:
    """Seconds that the script needs; the interpreter's start and its imports are not counted."""
    command = [sys.executable, str(ROOT / "bench" / "hand_script.py"), str(out), *map(str, clips)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(answer.split(" in ")[1].split(" s:")[0])


def service_round(client: marey.Client, clips: Sequence[Path]) -> tuple[float, int]:
    """Seconds from the posted to the completed job by the service's own clock, and the job's id."""
    submitted = client.submit(list(clips), "pose_2d", {"overlay": "full"})
    job = client.wait(submitted.id, DEADLINE_S).job
    if job.status != "completed" or job.finished_at is None:
        raise click.ClickException(f"expected job {job.id} to be completed, got {job.status}")
    return (job.finished_at - job.created_at).total_seconds(), job.id


def compare(
    precision: Precision, clips: Sequence[Path], rounds: int, folder: Path
) -> tuple[Comparison, dict[str, Path]]:
    """Alternate rounds; returns the comparison and the service's tables by clip."""
    frames = sum(_frames(clip) for clip in clips)
    results = folder / precision.value
    service_s, script_s = [], []
    options = StackOptions(home=folder / f"home-{precision.value}", precision=precision)
    with running_stack(options) as stack, marey.Client(stack.api_url, stack.api_key) as client:
        service_round(client, clips)
        for _ in range(rounds):
            script_s.append(script_round(clips, folder / "script"))
            seconds, job_id = service_round(client, clips)
            service_s.append(seconds)
            click.echo(f"{precision.value}: script {script_s[-1]:.1f} s, service {service_s[-1]:.1f} s")
        client.download_results(job_id, results)
    service_fps, script_fps = (frames / statistics.median(seconds) for seconds in (service_s, script_s))
    comparison = Comparison(
        precision=precision.value,
        service_fps=round(service_fps, 2),
        script_fps=round(script_fps, 2),
        ratio=round(service_fps / script_fps, 3),
        rounds_service_s=[round(value, 2) for value in service_s],
        rounds_script_s=[round(value, 2) for value in script_s],
    )
    return comparison, {clip.stem: results / clip.stem / "keypoints.parquet" for clip in clips}


def mean_joint_difference_px(first: Path, second: Path) -> tuple[float, int]:
    """Sum of joint distances between two tables of one clip, over matched people, and their number."""
    others = found_people(second, HALPE_26)
    total, count = 0.0, 0
    for frame, people in found_people(first, HALPE_26).items():
        if frame not in others:
            continue
        other = others[frame]
        for box, joints in zip(people.boxes_px, people.keypoints_px, strict=True):
            gaps = np.abs(other.boxes_px[:, :4] - box[:4]).mean(axis=-1)
            if gaps.min() < MATCH_PX:
                offset = joints[:, :2] - other.keypoints_px[gaps.argmin()][:, :2]
                distance = np.linalg.norm(offset, axis=-1)
                total += float(distance.sum())
                count += len(distance)
    return total, count


def _frames(clip: Path) -> int:
    return len(read_truth(clip).frames)


@click.command()
@click.option("--rounds", default=3, show_default=True, help="Rounds of each.")
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "bench" / "results" / "cpu.json")
def main(rounds: int, out: Path) -> None:
    """Compare, print the ratios and write the record."""
    clips = sorted(CLIPS.glob("*.mp4"))
    with tempfile.TemporaryDirectory(prefix="marey-bench-") as name:
        measured = [compare(precision, clips, rounds, Path(name)) for precision in Precision]
        tables = [table for _, table in measured]
        sums = [mean_joint_difference_px(tables[0][clip.stem], tables[1][clip.stem]) for clip in clips]
    record = Record(
        machine=machine(),
        clips=[clip.name for clip in clips],
        frames=sum(_frames(clip) for clip in clips),
        comparisons=[comparison for comparison, _ in measured],
        fast_against_fp32_mean_joint_px=round(sum(s for s, _ in sums) / max(sum(n for _, n in sums), 1), 3),
    )
    write_record(out, record)
    for row in record.comparisons:
        click.echo(f"{row.precision}: service {row.service_fps} f/s, script {row.script_fps}, x{row.ratio}")
    click.echo(f"fast against fp32: joints differ by {record.fast_against_fp32_mean_joint_px} px on average")


if __name__ == "__main__":
    main()
