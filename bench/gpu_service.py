"""The whole service on the GPU: jobs from POST /job to completed, and one frame through the ensemble."""

import json
import os
import re
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import marey
import tritonclient.grpc as grpc

from bench.usage import cpu_s
from deploy.embedded.options import StackOptions
from deploy.embedded.stack import RunningStack, running_stack
from deploy.embedded.supervisor import ServiceEvent

DEADLINE_S = 300.0
_OPENED = re.compile(r"(\w+): \d+ batch sizes loaded in ([\d.]+) s, recorded in ([\d.]+) s")
MAREY = str(Path(sysconfig.get_path("scripts"), "marey"))


@contextmanager
def gpu_stack(home: Path, models: Path, workers: int = 1) -> Iterator[RunningStack]:
    """A stack on target `cuda`; tells how long each service took to start."""

    def tell(event: ServiceEvent) -> None:
        print(f"  {event.service} {event.kind} {event.detail[-300:]}", flush=True)

    options = StackOptions(home=home, models=models, target="cuda", workers=workers)
    with running_stack(options, tell) as stack:
        yield stack


def job_seconds(
    stack: RunningStack, videos: Mapping[Path, int], *, overlay: str = "off", detector_interval: int = 1
) -> float:
    """From the posted to the completed job by the service's own clock."""
    parameters = {"overlay": overlay, "detector_interval": detector_interval}
    with marey.Client(stack.api_url, stack.api_key) as client:
        submitted = client.submit(list(videos), "pose_2d", parameters)
        job = client.wait(submitted.id, DEADLINE_S).job
    if job.status != "completed" or job.finished_at is None:
        raise RuntimeError(f"expected job {job.id} to be completed, got {job.status}")
    return (job.finished_at - job.created_at).total_seconds()


def overlay_ms(stack: RunningStack, video: Path, frames: int) -> dict[str, float]:
    """Milliseconds per frame that the overlay adds to a job of one video, by its size."""
    seconds = {size: job_seconds(stack, {video: frames}, overlay=size) for size in ("off", "half", "full")}
    off_s = seconds.pop("off")
    return {size: round(1000 * (taken_s - off_s) / frames, 3) for size, taken_s in seconds.items()}


def results_of(home: Path) -> dict[str, object]:
    """What all jobs of a stack gave: a rate without people, or with the CPU's decoder, would tell nothing."""
    summaries = [json.loads(path.read_text()) for path in home.glob("objects/**/summary.json")]
    of_videos = [summary for summary in summaries if "frames_decoded" in summary]
    return {
        "frames": sum(summary["frames_decoded"] for summary in of_videos),
        "poses": sum(summary["poses"] for summary in of_videos),
        "decoded_on_cpu": [each for summary in of_videos for each in summary["decoded_on_cpu"]][:10],
    }


def opening_s(home: Path) -> dict[str, list[float]]:
    """What Triton's log says of each network's start: seconds to load its packages, and to record them."""
    log = (home / "logs" / "triton.log").read_text(errors="replace")
    return {name: [float(load_s), float(record_s)] for name, load_s, record_s in _OPENED.findall(log)}


def twice(videos: Mapping[Path, int], folder: Path) -> dict[Path, int]:
    """The videos and as many of the same content, under names of their own."""
    folder.mkdir()
    again = {}
    for video, frames in videos.items():
        copy = folder / f"again_{video.name}"
        copy.hardlink_to(video)
        again[copy] = frames
    return {**videos, **again}


@contextmanager
def busy_cores(stack: RunningStack) -> Iterator[dict[str, float]]:
    """Cores that each service keeps busy meanwhile; filled in at the end."""
    cores: dict[str, float] = {}
    before, start_s = cpu_s(stack.supervisor.pids()), time.monotonic()
    yield cores
    seconds = time.monotonic() - start_s
    for name, used_s in cpu_s(stack.supervisor.pids()).items():
        cores[name] = round((used_s - before[name]) / seconds, 2)


@contextmanager
def second_gpu(stack: RunningStack, home: Path, models: Path) -> Iterator[None]:
    """One more Triton and one more worker, on GPU 1."""
    ports = {"http": 18000, "grpc": 18001, "metrics": 18002}
    visible = {**os.environ, "CUDA_VISIBLE_DEVICES": "1"}
    triton = subprocess.Popen(
        [MAREY, "triton", "--home", str(home), "--models", str(models), "--target", "cuda"]
        + [f"--{kind}-port={port}" for kind, port in ports.items()],
        env=visible,
    )
    ready = home / "worker.ready"
    worker = None
    try:
        _until(lambda: _is_ready(ports["grpc"]), 120)
        environment = {
            **visible,
            **stack.environment,
            "MAREY_TRITON_URL": f"127.0.0.1:{ports['grpc']}",
            "MAREY_READY_FILE": str(ready),
            "MAREY_CACHE_DIR": str(home / "cache"),
        }
        worker = subprocess.Popen([MAREY, "worker"], env=environment)
        _until(ready.exists, 60)
        yield
    finally:
        for process in (worker, triton):
            if process is not None:
                process.terminate()
                process.wait(30)


def _is_ready(port: int) -> bool:
    try:
        return bool(grpc.InferenceServerClient(f"127.0.0.1:{port}").is_server_ready())
    except grpc.InferenceServerException:
        return False


def _until(condition: Callable[[], bool], timeout_s: float) -> None:
    end_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end_s:
            raise TimeoutError(f"expected it within {timeout_s:.0f} s")
        time.sleep(0.2)
