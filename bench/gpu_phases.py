"""The phases of `bench.gpu_pipeline`, each for a process of its own: bench/gpu.md says what they measure."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from bench.gpu_networks import RANDOM
from bench.phases import say, say_and_end

if TYPE_CHECKING:
    from bench.gpu_batches import DecodeVideo
    from deploy.embedded.stack import RunningStack

THREADS = 12
STREAMS = 2
"""Threads that compute, in (b) and (c)."""
DETECTOR_INTERVALS = (1, 2, 3)
WORKERS = (1, 2, 3)
IN_FLIGHT = 14
"""Requests of the ensemble by itself; a worker has as many, two for each NVDEC engine."""


def prepare(folder: Path) -> dict[str, object]:
    """Compilation of what is not in the cache."""
    from bench.gpu_compute import compile_all

    start_s = time.monotonic()
    compile_all(folder / "models")
    return {"compile_s": round(time.monotonic() - start_s, 1)}


def nvdec(folder: Path) -> dict[str, object]:
    """Decoding alone, by PyNvVideoCodec and by ours."""
    from bench.gpu_decode_turns import decode_turns

    return decode_turns(list(_videos(folder)))


def compute(folder: Path) -> NoReturn:
    """The computation alone. No decoder is in its process."""
    from bench.gpu_batches import sampled_batches
    from bench.gpu_compute import compute_alone, network_rates, open_processes, run_batches, to_gpu
    from bench.gpu_kernels import kernel_times

    frames = to_gpu(sampled_batches(list(_videos(folder))))
    processes, fps, figures = [], [], {}
    for process in open_processes(folder / "models", STREAMS, fixed_people=_is_random(folder)):
        processes.append(process)
        work = compute_alone(processes, frames, 6.0)
        fps.append(round(work.fps))
        figures = {"fps": max(fps), "fps_by_streams": fps, "people": round(work.people / work.frames, 2)}
        say(figures)
    figures["rates"] = network_rates(processes[0])
    say(figures)
    figures["kernels"] = kernel_times(lambda: run_batches(processes[:1], frames).frames)
    say_and_end(figures)


def script(folder: Path) -> NoReturn:
    """The hand-written script with PyNvVideoCodec."""
    from bench.gpu_decode import decode_video

    _script(folder, decode_video)


def script_own(folder: Path) -> NoReturn:
    """The hand-written script with the product's decoder: no second CUDA runtime is in its process."""
    from bench.gpu_own_decode import own_decode_video

    _script(folder, own_decode_video())


def service(folder: Path) -> dict[str, object]:
    """The service, one frame's latency, and the ensemble by itself."""
    from bench.gpu_batches import sampled_batches
    from bench.gpu_ensemble import ensemble_fps, frame_latency_ms
    from bench.gpu_service import gpu_stack, opening_s, results_of

    videos = _videos(folder)
    batches = sampled_batches(list(videos))
    with tempfile.TemporaryDirectory(dir=folder) as home, gpu_stack(Path(home), folder / "models") as stack:
        url = stack.environment["MAREY_TRITON_URL"]
        figures = _jobs(stack, videos)
        say(figures)
        figures["ensemble_fps"] = round(ensemble_fps(url, batches, IN_FLIGHT, 6.0))
        say(figures)
        figures["latency_ms"] = frame_latency_ms(url, batches[0][0])
        figures["results"] = results_of(Path(home))
        figures["opening_s"] = opening_s(Path(home))
        say(figures)
    return figures


def mps(folder: Path) -> dict[str, object]:
    """The service where all processes share the GPU by NVIDIA's Multi-Process Service."""
    from bench.gpu_batches import sampled_batches
    from bench.gpu_ensemble import ensemble_fps
    from bench.gpu_mps import mps_daemon
    from bench.gpu_service import gpu_stack

    videos = _videos(folder)
    with mps_daemon(folder / "mps"), gpu_stack(folder / "home_mps", folder / "models") as stack:
        figures = _jobs(stack, videos)
        say(figures)
        url = stack.environment["MAREY_TRITON_URL"]
        figures["ensemble_fps"] = round(ensemble_fps(url, sampled_batches(list(videos)), IN_FLIGHT, 6.0))
        say(figures)
    return figures


def overlay(folder: Path) -> dict[str, object]:
    """What an overlay costs."""
    from bench.gpu_service import gpu_stack, job_seconds, overlay_ms

    video, frames = next(iter(_videos(folder).items()))
    with gpu_stack(folder / "home_overlay", folder / "models") as stack:
        job_seconds(stack, {video: frames})
        return {"ms_per_frame": overlay_ms(stack, video, frames)}


def interval(folder: Path) -> dict[str, object]:
    """The service where the detector looks at every frame, at every second and at every third one."""
    from bench.gpu_service import gpu_stack, job_seconds

    videos = _videos(folder)
    figures: dict[str, object] = {}
    with gpu_stack(folder / "home_interval", folder / "models") as stack:
        job_seconds(stack, dict(list(videos.items())[:2]))
        for every in DETECTOR_INTERVALS:
            seconds = job_seconds(stack, videos, detector_interval=every)
            figures[f"fps_{every}"] = round(sum(videos.values()) / seconds)
            say(figures)
    return figures


def workers(folder: Path) -> dict[str, object]:
    """The service where one, two and three workers share the GPU, each number in a stack of its own."""
    from bench.gpu_service import gpu_stack

    videos = _videos(folder)
    figures: dict[str, object] = {}
    for number in WORKERS:
        with gpu_stack(folder / f"home_workers_{number}", folder / "models", number) as stack:
            figures[str(number)] = _one_job(stack, videos)
        say(figures)
    return figures


def two(folder: Path) -> dict[str, object]:
    """Two GPUs, a Triton and a worker for each, on a job of twice the videos: it takes about as long as one
    GPU's job, so that the part of a job that is not computed weighs the same in both rates."""
    from bench.gpu_service import gpu_stack, job_seconds, second_gpu, twice

    videos = _videos(folder)
    doubled = twice(videos, folder / "videos_again")
    with (
        gpu_stack(folder / "home2", folder / "models") as stack,
        second_gpu(stack, folder / "second", folder / "models"),
    ):
        job_seconds(stack, dict(list(videos.items())[:4]))
        frames, seconds = sum(doubled.values()), job_seconds(stack, doubled)
        figures: dict[str, object] = {"fps": round(frames / seconds), "frames": frames, "seconds": seconds}
        say(figures)
        same_s = job_seconds(stack, videos)
        figures["same_job"] = {"fps": round(sum(videos.values()) / same_s), "seconds": same_s}
    return figures


PHASES: dict[str, Callable[[Path], dict[str, object]]] = {
    phase.__name__: phase
    for phase in (prepare, nvdec, compute, script, script_own, service, mps, overlay, interval, two, workers)
}
"""By name, in the order in which they run. Those that record CUDA graphs end their process themselves."""
BY_NAME_ONLY = frozenset({workers.__name__})
"""Experiments that are left out where no phases are named."""


def _script(folder: Path, decode: DecodeVideo) -> NoReturn:
    from bench.gpu_batches import DecodeThreads
    from bench.gpu_compute import open_processes, run_batches

    processes = list(open_processes(folder / "models", STREAMS, fixed_people=_is_random(folder)))
    videos = list(_videos(folder))
    run_batches(processes, DecodeThreads(videos[:4], 4, 4, decode).batches())
    work = run_batches(processes, DecodeThreads(videos, THREADS, THREADS, decode).batches())
    say_and_end(
        {"fps": round(work.fps), "frames": work.frames, "people": round(work.people / work.frames, 2)}
    )


def _jobs(stack: RunningStack, videos: Mapping[Path, int]) -> dict[str, object]:
    """A job to warm up, then all videos, half of them, and all again."""
    from bench.gpu_service import busy_cores, job_seconds
    from bench.gpu_statistics import fixed_part, model_figures, totals

    url = stack.environment["MAREY_TRITON_URL"]
    half = dict(list(videos.items())[: len(videos) // 2])
    job_seconds(stack, dict(list(videos.items())[:2]))
    before = totals(url)
    with busy_cores(stack) as cores:
        seconds = [job_seconds(stack, each) for each in (videos, half, videos)]
    models = model_figures(before, totals(url), sum(seconds))
    frames, whole_s = (sum(half.values()), sum(videos.values())), min(seconds[0], seconds[2])
    return {
        "fps": round(frames[1] / whole_s),
        "seconds": seconds,
        **fixed_part(frames, (seconds[1], whole_s)),
        "models": models,
        "busy_cores": cores,
    }


def _one_job(stack: RunningStack, videos: Mapping[Path, int]) -> dict[str, object]:
    """A job to warm up, then all videos."""
    from bench.gpu_service import busy_cores, job_seconds
    from bench.gpu_statistics import model_figures, totals

    url = stack.environment["MAREY_TRITON_URL"]
    job_seconds(stack, dict(list(videos.items())[:2]))
    before = totals(url)
    with busy_cores(stack) as cores:
        seconds = job_seconds(stack, videos)
    return {
        "fps": round(sum(videos.values()) / seconds),
        "seconds": seconds,
        "models": model_figures(before, totals(url), seconds),
        "busy_cores": cores,
    }


def _videos(folder: Path) -> dict[Path, int]:
    return {Path(name): frames for name, frames in json.loads((folder / "videos.json").read_text()).items()}


def _is_random(folder: Path) -> bool:
    return (folder / "weights").read_text() == RANDOM
