"""The frame's whole computation in one process, and the script that a user would write around it."""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.decode_rate import BATCH
from bench.gpu_networks import random_predictions
from deploy.embedded.cuda_probe import probe_cuda
from deploy.embedded.packages import compile_networks
from model_repository.contract import NETWORKS, ModelConfig, read_config
from model_repository.cuda_target import CudaTarget, batches_of
from model_repository.glue.boxes import DetectionLimits, letterbox_scale
from model_repository.glue.gpu import gpu
from model_repository.glue.heatmaps import joints_of
from model_repository.glue.people import PeopleCropper
from model_repository.runners.torch_cuda.graphs import GraphedNetwork
from model_repository.runners.torch_cuda.packages import open_package
from model_repository.targets import MODEL_FILE

Floats = NDArray[np.float32]
LIMITS = DetectionLimits(score_min=0.25, iou_max=0.45, people_max=16)
CROP_HW = (256, 192)
SMALLEST_CROPS = 16
DEVICE = torch.device("cuda", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What went through."""

    frames: int
    people: int
    seconds: float

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.frames / self.seconds


def compile_all(models: Path) -> dict[str, Path]:
    """Folders of both networks' packages; what is missing is compiled."""
    cuda = probe_cuda()
    target = CudaTarget(gpu=cuda.gpu, torch=cuda.torch)
    batches = {onnx_file(models, name): batches_of(config_of(models, name)) for name in NETWORKS}
    folders = compile_networks(batches, target)
    return {name: folders[onnx_file(models, name)] for name in NETWORKS}


def open_processes(models: Path, count: int, *, fixed_people: bool) -> "Iterator[OneProcess]":
    """So many times all that one thread and its stream need, each opened when it is asked for."""
    folders = compile_all(models)
    configs = {name: config_of(models, name) for name in NETWORKS}
    for _ in range(count):
        yield OneProcess(configs, folders, fixed_people=fixed_people)


def onnx_file(models: Path, name: str) -> Path:
    """The file of a network in a folder of the user's networks."""
    return (models / name / "1" / MODEL_FILE).resolve()


def config_of(models: Path, name: str) -> ModelConfig:
    """Its configuration."""
    return read_config(models / name / "config.pbtxt")


def _worthwhile(name: str, config: ModelConfig) -> tuple[int, ...]:
    """Batch sizes that a script opens: frames come in batches of one size, their people in any number."""
    return (
        (BATCH,) if name == "yolo" else tuple(size for size in batches_of(config) if size >= SMALLEST_CROPS)
    )


class OneProcess:
    """letterbox -> detector -> crops -> pose -> joints, with the product's kernels and compiled networks."""

    def __init__(
        self, configs: Mapping[str, ModelConfig], folders: Mapping[str, Path], *, fixed_people: bool
    ) -> None:
        self.networks = {
            name: GraphedNetwork(
                {batch: open_package(folders[name], batch) for batch in _worthwhile(name, config)},
                tuple(config.input[0].dims),
                DEVICE,
            )
            for name, config in configs.items()
        }
        self._detector_hw = tuple(configs["yolo"].input[0].dims[:2])
        self._glue = gpu(0)
        self._cropper = PeopleCropper(crop_hw=CROP_HW, frames_max=BATCH, limits=LIMITS, device=self._glue)
        self._fixed = fixed_people

    def joints(self, frames: Tensor) -> Floats:
        """Joints [M, K, 3] of the people of some frames."""
        scale = letterbox_scale(frames.shape[1:3], self._detector_hw)
        predictions = self.networks["yolo"](self._glue.letterbox(frames, self._detector_hw))
        if self._fixed:
            predictions = random_predictions(len(frames), predictions.shape[1])
        scales = np.full(len(frames), scale, np.float32)
        found, boxes, _ = self._cropper.cut(frames, scales, predictions)
        crops = torch.as_tensor(found, device=DEVICE)
        return joints_of(self._glue.read_peaks(self.networks["hrnet"](crops)), boxes)


def run_batches(processes: Sequence[OneProcess], batches: Iterable[Tensor]) -> Work:
    """A thread and a stream for each of `processes`: while one looks at boxes, the GPU works for another."""
    taking, waiting = threading.Lock(), iter(batches)
    frames, people = [0] * len(processes), [0] * len(processes)

    def work(number: int) -> None:
        torch.cuda.set_device(DEVICE)
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            while True:
                with taking:
                    batch = next(waiting, None)
                if batch is None:
                    return
                batch.record_stream(stream)
                people[number] += len(processes[number].joints(batch))
                frames[number] += len(batch)

    start_s = time.perf_counter()
    with ThreadPoolExecutor(len(processes)) as pool:
        list(pool.map(work, range(len(processes))))
    return Work(frames=sum(frames), people=sum(people), seconds=time.perf_counter() - start_s)


def to_gpu(batches: Sequence[NDArray[np.uint8]]) -> list[Tensor]:
    """Batches of frames [N, H, W, 3], there before anything is measured."""
    frames = [torch.as_tensor(batch, device=DEVICE) for batch in batches]
    torch.cuda.synchronize()
    return frames


def compute_alone(processes: Sequence[OneProcess], frames: Sequence[Tensor], seconds: float) -> Work:
    """The same frames over and over."""

    def endless() -> Iterable[Tensor]:
        end_s = time.perf_counter() + seconds
        while time.perf_counter() < end_s:
            yield from frames

    run_batches(processes, frames)
    return run_batches(processes, endless())


def network_rates(process: OneProcess) -> dict[str, float]:
    """Rows per second of each network alone, by batch size."""
    rates: dict[str, float] = {}
    for name, network in process.networks.items():
        for batch, recorded in network._graphs.items():
            torch.cuda.synchronize()
            start_s = time.perf_counter()
            for _ in range(30):
                recorded._graph.replay()
            torch.cuda.synchronize()
            rates[f"{name} b{batch}"] = round(30 * batch / (time.perf_counter() - start_s))
    return rates
