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
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click
import msgspec

from bench.gpu_clips import long_clips
from bench.gpu_networks import RANDOM, write_models
from bench.phases import run_phase, say
from bench.record import write_record
from deploy.embedded.machine import driver_version, gpu_names

ROOT = Path(__file__).parents[1]
PHASES = ("prepare", "nvdec", "compute", "script", "service", "mps", "overlay", "two")
THREADS = 12
STREAMS = 2
"""Threads that compute, in (b) and (c)."""
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


def phase_prepare(folder: Path) -> dict[str, object]:
    """Compilation, and what a start with everything compiled takes."""
    from bench.gpu_compute import OneProcess, compile_all

    taken_s = {}
    for name, work in (("compile", compile_all), ("open", OneProcess)):
        start_s = time.monotonic()
        work(folder / "models")
        taken_s[f"{name}_s"] = round(time.monotonic() - start_s, 1)
        say(taken_s)
    return dict(taken_s)


def phase_nvdec(folder: Path) -> dict[str, object]:
    """Decoding alone: PyNvVideoCodec's threads, as many of ours, and as many as a worker has."""
    from bench.gpu_decode import decode_fps
    from bench.gpu_own_decode import own_decode_fps

    videos = list(_videos(folder))
    found: dict[str, object] = {}
    for name, fps, counts in (("", decode_fps, (8, THREADS)), ("own_", own_decode_fps, (THREADS, 14))):
        fps(videos[:2], 2)
        for threads in counts:
            found[f"{name}{threads}"] = round(fps(videos, threads))
            say(found)
    return found


def phase_compute(folder: Path) -> dict[str, object]:
    """The computation alone."""
    from bench.gpu_compute import OneProcess, compute_alone, network_rates

    processes = [OneProcess(folder / "models", fixed_people=_is_random(folder)) for _ in range(STREAMS)]
    work = compute_alone(processes, next(iter(_videos(folder))), 8.0)
    alone = compute_alone(processes[:1], next(iter(_videos(folder))), 4.0)
    figures: dict[str, object] = {
        "fps": round(work.fps),
        "fps_one_stream": round(alone.fps),
        "people": work.people / work.frames,
        "rates": network_rates(processes[0]),
    }
    say(figures)
    return figures


def phase_script(folder: Path) -> dict[str, object]:
    """The hand-written script."""
    from bench.gpu_compute import OneProcess, hand_script

    processes = [OneProcess(folder / "models", fixed_people=_is_random(folder)) for _ in range(STREAMS)]
    videos = list(_videos(folder))
    hand_script(processes, videos[:4], 4, folder / "script.json")
    work = hand_script(processes, videos, THREADS, folder / "script.json")
    figures: dict[str, object] = {
        "fps": round(work.fps),
        "frames": work.frames,
        "people": work.people / work.frames,
    }
    say(figures)
    return figures


def phase_mps(folder: Path) -> dict[str, object]:
    """The service where all processes share the GPU by NVIDIA's Multi-Process Service."""
    from bench.gpu_mps import mps

    with mps(folder / "mps"):
        return phase_service(folder)


def phase_overlay(folder: Path) -> dict[str, object]:
    """What an overlay costs."""
    from bench.gpu_service import gpu_stack, job_seconds, overlay_ms

    video, frames = next(iter(_videos(folder).items()))
    with gpu_stack(folder / "home_overlay", folder / "models") as stack:
        job_seconds(stack, {video: frames})
        return {"ms_per_frame": overlay_ms(stack, video, frames)}


def phase_service(folder: Path) -> dict[str, object]:
    """The service, and one frame's latency."""
    import av
    import numpy as np

    from bench.gpu_ensemble import ensemble_fps, frame_latency_ms, model_statistics
    from bench.gpu_service import busy_cores, gpu_stack, job_seconds, results_of

    videos = _videos(folder)
    with tempfile.TemporaryDirectory(dir=folder) as home, gpu_stack(Path(home), folder / "models") as stack:
        url = stack.environment["MAREY_TRITON_URL"]
        first = dict(list(videos.items())[:2])
        job_seconds(stack, first)
        with busy_cores(stack) as cores:
            seconds = [job_seconds(stack, videos) for _ in range(2)]
        results = results_of(Path(home))
        models = model_statistics(url)
        with av.open(str(next(iter(videos)))) as container:
            frame = np.asarray(next(container.decode(video=0)).to_ndarray(format="rgb24"), np.uint8)
        latency = frame_latency_ms(url, frame)
        ensemble = {
            f"{frames} x {flight}": round(ensemble_fps(url, np.stack([frame] * frames), flight, 4.0))
            for frames, flight in ((8, 8), (32, 2), (32, 4))
        }
    fps = [round(sum(videos.values()) / each) for each in seconds]
    return {
        "fps": max(fps),
        "rounds": fps,
        "seconds": seconds,
        "latency_ms": latency,
        "ensemble_fps": ensemble,
        "models": models,
        "busy_cores": cores,
        "results": results,
    }


def phase_two(folder: Path) -> dict[str, object]:
    """Two GPUs: a Triton and a worker for each."""
    from bench.gpu_service import gpu_stack, job_seconds, second_gpu

    videos = _videos(folder)
    with (
        gpu_stack(folder / "home2", folder / "models") as stack,
        second_gpu(stack, folder / "second", folder / "models"),
    ):
        job_seconds(stack, dict(list(videos.items())[:4]))
        seconds = job_seconds(stack, videos)
    return {"fps": round(sum(videos.values()) / seconds), "seconds": seconds}


def _videos(folder: Path) -> dict[Path, int]:
    return {Path(name): frames for name, frames in json.loads((folder / "videos.json").read_text()).items()}


def _is_random(folder: Path) -> bool:
    return (folder / "weights").read_text() == RANDOM


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
@click.option("--only", multiple=True, type=click.Choice(PHASES), help="Phases to run. Default: all.")
@click.option("--commit", default="", help="Where this is no git checkout.")
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "bench/results/gpu_pipeline.json")
@click.option("--phase", type=click.Choice(PHASES), hidden=True)
@click.option("--folder", type=click.Path(path_type=Path), hidden=True)
def main(**options: object) -> None:
    """Measure all phases over CLIPS, of 1080p, and write the record."""
    if options["phase"]:
        phase: Callable[[Path], dict[str, object]] = globals()[f"phase_{options['phase']}"]
        say(phase(Path(str(options["folder"]))))
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
    chosen = chosen or (PHASES if len(gpu_names()) > 1 else PHASES[:-1])
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
        script_fps=_figure(found, "script", "fps"),
        service_fps=_figure(found, "service", "fps"),
        two_gpu_fps=_figure(found, "two", "fps"),
        latency_ms=msgspec.convert(
            found.get("service", {}).get("latency_ms"), dict[str, dict[str, float]] | None
        ),
        details=dict(found),
    )
    write_record(Path(str(options["out"])), record)
    click.echo(msgspec.json.encode(record).decode())


if __name__ == "__main__":
    main()
