"""Letterbox and normalisation of 1080p frames on a GPU: DALI against PyTorch's compiler.

Frames lie in the GPU's memory, as a decoder leaves them; the result is fp16 [N, 320, 544, 3] in 0..1. Rounds
alternate, so that both meet the same machine. Needs a GPU, PyTorch and DALI (`--group dali`).
"""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import click
import msgspec
import torch
from nvidia.dali import fn, types
from nvidia.dali.backend import TensorListGPU
from nvidia.dali.pipeline import Pipeline
from torch import Tensor
from torch.nn import functional

from bench.record import write_record
from model_repository.glue.boxes import letterboxed_hw
from model_repository.glue.pixels import GREY
from trt_build.dali import letterboxed

ROOT = Path(__file__).parents[1]
NETWORK_HW = (320, 544)
FRAME_HW = (1080, 1920)
ROUND_S = 1.0
LEVELS = 255.0


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What `bench/results/letterbox_gpu.json` keeps."""

    date: str
    gpu: str
    torch: str
    dali: str
    frames_per_call: int
    dali_fps: float
    torch_fps: float
    ratio: float
    """DALI over PyTorch."""
    largest_difference: float
    """Between both results, of 1."""
    rounds_dali_fps: list[float]
    rounds_torch_fps: list[float]


def torch_letterbox(frames: Tensor) -> Tensor:
    """UINT8 [N, H, W, 3] -> fp16 [N, 320, 544, 3]; compiled, the pixels pass the memory once."""
    fitted_hw = letterboxed_hw(FRAME_HW, NETWORK_HW)
    planes = frames.permute(0, 3, 1, 2).float()
    fitted = functional.interpolate(planes, fitted_hw, mode="bilinear", align_corners=False, antialias=False)
    below, right = (whole - part for whole, part in zip(NETWORK_HW, fitted_hw, strict=True))
    images = functional.pad(fitted.round(), (0, right, 0, below), value=GREY)
    return (images / LEVELS).half().permute(0, 2, 3, 1).contiguous()


def dali_letterbox(frames: Tensor) -> Callable[[], TensorListGPU]:
    """A function that runs DALI's pipeline once over `frames` and returns its pictures."""
    pipeline = Pipeline(batch_size=len(frames), num_threads=4, device_id=0, prefetch_queue_depth=2)
    samples = list(frames.unbind())
    with pipeline:
        pictures = fn.external_source(
            source=lambda: samples, device="gpu", layout="HWC", ndim=3, dtype=types.UINT8, no_copy=True
        )
        images = letterboxed(pictures, NETWORK_HW)
        normalised = fn.crop_mirror_normalize(
            images, dtype=types.FLOAT16, output_layout="HWC", mean=[0.0], std=[LEVELS]
        )
        pipeline.set_outputs(normalised)
    pipeline.build()
    return lambda: pipeline.run()[0]


def calls_per_s(call: Callable[[], object], least_s: float) -> float:
    """Calls per second over `least_s`, the GPU's work included."""
    for _ in range(10):
        call()
    torch.cuda.synchronize()
    began_s, count = time.perf_counter(), 0
    while time.perf_counter() - began_s < least_s:
        for _ in range(10):
            call()
        count += 10
        torch.cuda.synchronize()
    return count / (time.perf_counter() - began_s)


def compare(frames: Tensor, rounds: int) -> Record:
    """Alternate rounds of both."""
    compiled = torch.compile(torch_letterbox, mode="max-autotune-no-cudagraphs")
    through_dali = dali_letterbox(frames)
    dali_images = torch.from_dlpack(through_dali().as_tensor()).clone()
    difference = float((dali_images.float() - compiled(frames).float()).abs().max())
    rates: dict[str, list[float]] = {"dali": [], "torch": []}
    for _ in range(rounds):
        rates["dali"].append(len(frames) * calls_per_s(through_dali, ROUND_S))
        rates["torch"].append(len(frames) * calls_per_s(lambda: compiled(frames), ROUND_S))
    dali_fps, torch_fps = (statistics.median(rates[name]) for name in ("dali", "torch"))
    return Record(
        date=datetime.now(UTC).date().isoformat(),
        gpu=torch.cuda.get_device_name(),
        torch=str(torch.__version__),
        dali=version("nvidia-dali-cuda130"),
        frames_per_call=len(frames),
        dali_fps=round(dali_fps),
        torch_fps=round(torch_fps),
        ratio=round(dali_fps / torch_fps, 3),
        largest_difference=round(difference, 5),
        rounds_dali_fps=[round(rate) for rate in rates["dali"]],
        rounds_torch_fps=[round(rate) for rate in rates["torch"]],
    )


@click.command()
@click.option("--frames", "count", default=32, show_default=True, help="Frames per call.")
@click.option("--rounds", default=5, show_default=True, help="Rounds of each.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=ROOT / "bench" / "results" / "letterbox_gpu.json",
)
def main(count: int, rounds: int, out: Path) -> None:
    """Compare, print both rates and write the record."""
    generator = torch.Generator(device="cuda").manual_seed(7)
    frames = torch.randint(
        0, 256, (count, *FRAME_HW, 3), dtype=torch.uint8, device="cuda", generator=generator
    )
    record = compare(frames, rounds)
    write_record(out, record)
    click.echo(msgspec.json.format(msgspec.json.encode(record), indent=2).decode())


if __name__ == "__main__":
    main()
