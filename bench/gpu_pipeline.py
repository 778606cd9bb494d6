"""From video to joints on one GPU, measured in one run: bench/gpu.md says what the figures mean.

    python -m bench.gpu_pipeline --detector yolox_s.npz --pose hrnet_w32.npz CLIP...

`prepare` compiles what is not in the cache, with a limit of its own, so that the other phases only measure.
Each phase runs in a process of its own and prints its figures as JSON; one that fails leaves its field empty.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click
import msgspec

from bench.gpu_clips import long_clips
from bench.gpu_networks import RANDOM, write_models
from bench.gpu_phases import BY_NAME_ONLY, PHASES, THREADS
from bench.gpu_statistics import losses_us
from bench.phases import run_phase, say
from bench.record import write_record
from deploy.embedded.machine import driver_version, gpu_names

ROOT = Path(__file__).parents[1]
PACKAGES = ("torch", "nvidia-pytriton", "pynvvideocodec", "numpy")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What `bench/results/gpu_pipeline.json` keeps; None was not measured."""

    date: str
    git_commit: str
    gpu: list[str]
    driver: str
    versions: dict[str, str]
    target: str = "cuda"
    batch: int = 32
    clips: list[str]
    frames: int
    weights: str
    nvdec_fps: float | None
    compute_fps: float | None
    script_fps: float | None
    service_fps: float | None
    two_gpu_fps: float | None
    latency_ms: dict[str, dict[str, float]] | None
    """p50 and p99 of one frame, by the way that it travels."""
    details: dict[str, object]


def _run_phase(name: str, folder: Path, timeout_s: float) -> dict[str, object]:
    """The figures of a phase, or its error."""
    start_s = time.monotonic()
    python = [sys.executable, "-X", "faulthandler", "-m", "bench.gpu_pipeline"]
    command = [*python, "--phase", name, "--folder", str(folder)]
    figures = run_phase(command, folder / f"{name}.log", timeout_s)
    print(f"{name} ({time.monotonic() - start_s:.0f} s): {figures}", flush=True)
    return figures


def _figure(found: Mapping[str, Mapping[str, object]], phase: str, key: str) -> float | None:
    value = found.get(phase, {}).get(key)
    return float(value) if isinstance(value, int | float) else None


def _best(*measured: float | None) -> float | None:
    return max((fps for fps in measured if fps is not None), default=None)


def _losses(found: Mapping[str, Mapping[str, object]]) -> dict[str, float] | None:
    """From (b) to (d), where all on the way was measured."""
    bare = _figure(found, "compute", "fps")
    triton, steady, whole = (_figure(found, "service", key) for key in ("ensemble_fps", "steady_fps", "fps"))
    if bare is None or triton is None or steady is None or whole is None:
        return None
    return losses_us(compute_fps=bare, ensemble_fps=triton, steady_fps=steady, service_fps=whole)


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return result.stdout.strip()


@click.command()
@click.argument("clips", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--detector", help="State dict of YOLOX-s (.npz or .pth), or `random` for a dry run.")
@click.option("--pose", help="State dict of HRNet-W32, or `random`.")
@click.option("--videos", default=16, show_default=True, help="Videos per job.")
@click.option("--times", default=6, show_default=True, help="Repetitions of a clip in each video.")
@click.option("--timeout-s", default=200.0, show_default=True, help="For each phase but prepare.")
@click.option("--prepare-timeout-s", default=1200.0, show_default=True, help="For prepare.")
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(list(PHASES)),
    help=f"Phases to run. Default: all but {', '.join(sorted(BY_NAME_ONLY))}.",
)
@click.option("--commit", default="", help="Where this is no git checkout.")
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "bench/results/gpu_pipeline.json")
@click.option("--phase", type=click.Choice(list(PHASES)), hidden=True)
@click.option("--folder", type=click.Path(path_type=Path), hidden=True)
def main(**options: object) -> None:
    """Measure all phases over CLIPS, of 1080p, and write the record."""
    if options["phase"]:
        say(PHASES[str(options["phase"])](Path(str(options["folder"]))))
        return
    with tempfile.TemporaryDirectory(prefix="marey-gpu-") as name:
        _measure(Path(name), options)


def _measure(folder: Path, options: dict[str, object]) -> None:
    clips, detector, pose = options["clips"], options["detector"], options["pose"]
    if not (isinstance(clips, tuple) and clips and isinstance(detector, str) and isinstance(pose, str)):
        raise click.UsageError("expected --detector, --pose and at least one clip")
    write_models(detector, pose, folder / "models")
    (folder / "weights").write_text(RANDOM if detector == RANDOM else "trained")
    videos = long_clips(clips, int(str(options["videos"])), int(str(options["times"])), folder / "videos")
    (folder / "videos.json").write_text(json.dumps({str(path): frames for path, frames in videos.items()}))
    chosen = tuple(map(str, options["only"] or ())) if isinstance(options["only"], tuple) else ()
    chosen = chosen or tuple(
        phase for phase in PHASES if phase not in BY_NAME_ONLY and (phase != "two" or len(gpu_names()) > 1)
    )
    limits_s = {"prepare": float(str(options["prepare_timeout_s"]))}
    found = {
        phase: _run_phase(phase, folder, limits_s.get(phase, float(str(options["timeout_s"]))))
        for phase in PHASES
        if phase in chosen
    }
    record = Record(
        date=datetime.now(UTC).isoformat(timespec="minutes"),
        git_commit=str(options["commit"]) or _commit(),
        gpu=gpu_names(),
        driver=driver_version() or "none",
        versions=_versions(),
        clips=[clip.name for clip in clips],
        frames=sum(videos.values()),
        weights=(folder / "weights").read_text(),
        nvdec_fps=_figure(found, "nvdec", str(THREADS)),
        compute_fps=_figure(found, "compute", "fps"),
        script_fps=_best(_figure(found, "script", "fps"), _figure(found, "script_own", "fps")),
        service_fps=_figure(found, "service", "fps"),
        two_gpu_fps=_figure(found, "two", "fps"),
        latency_ms=msgspec.convert(
            found.get("service", {}).get("latency_ms"), dict[str, dict[str, float]] | None
        ),
        details={**found, "losses": _losses(found)},
    )
    write_record(Path(str(options["out"])), record)
    click.echo(msgspec.json.encode(record).decode())


if __name__ == "__main__":
    main()
