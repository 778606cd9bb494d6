"""Footage made by processes beside the training, and kept on the training's device."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, Queue

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from model_repository.glue.boxes import Size
from trt_build.training.draws import Draws
from trt_build.training.footage import Arrays, FootageFrame, clip_frames, detector_rows, pose_rows
from trt_build.training.replay import Replay, Rows

FIRST_SEED = 20_000_000
"""Of training's scenes; evaluations use small seeds."""
SEEDS_PER_WORKER = 100_000
CLIPS_WAITING = 8
FIRST_ROWS = 48

ToRows = Callable[[FootageFrame, Size, np.random.Generator], Arrays]


@dataclass(frozen=True, slots=True, kw_only=True)
class FootageSupply:
    """How much footage a training gets."""

    share: float = 0.0
    """Of each batch."""
    workers: int = 0
    memory: int = 20_000
    """Pictures kept on the device; the oldest make room."""


def for_detector(frame: FootageFrame, network_hw: Size, rng: np.random.Generator) -> Arrays:
    """`detector_rows`, which draws no random numbers."""
    del rng
    return detector_rows(frame, network_hw)


def for_pose(frame: FootageFrame, crop_hw: Size, rng: np.random.Generator) -> Arrays:
    """`pose_rows`."""
    return pose_rows(frame, crop_hw, rng)


class Clips(IterableDataset[Rows]):
    """Rows of one clip after the other, without end; each process has seeds of its own."""

    def __init__(self, to_rows: ToRows, network_hw: Size, seed: int) -> None:
        self._to_rows, self._network_hw, self._seed = to_rows, network_hw, seed

    def __iter__(self) -> Iterator[Rows]:
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        worker = get_worker_info()
        first = FIRST_SEED + (self._seed * 1000 + (worker.id if worker else 0)) * SEEDS_PER_WORKER
        for seed in range(first, first + SEEDS_PER_WORKER):
            rng = np.random.default_rng((seed, 2))
            parts = [self._to_rows(frame, self._network_hw, rng) for frame in clip_frames(seed)]
            yield {name: torch.from_numpy(np.concatenate([p[name] for p in parts])) for name in parts[0]}


class Footage:
    """Rows to train on, taken in as they come and seen again until newer ones need their place."""

    def __init__(self, clips: Clips, supply: FootageSupply, device: torch.device) -> None:
        self._replay = Replay(supply.memory, device)
        self._waiting: Queue[Rows] = Queue(CLIPS_WAITING)
        loader = DataLoader(
            clips, batch_size=None, num_workers=supply.workers, multiprocessing_context="spawn",
            prefetch_factor=CLIPS_WAITING, pin_memory=device.type == "cuda",
        )  # fmt: skip
        threading.Thread(target=self._fetch, args=(loader,), name="footage", daemon=True).start()

    def rows(self, count: int, draws: Draws) -> Rows:
        """`count` rows at random; waits for the first ones."""
        while len(self._replay) < FIRST_ROWS:
            self._replay.add(self._waiting.get())
        self._take_in()
        return self._replay.sample(count, draws)

    def _fetch(self, loader: DataLoader[Rows]) -> None:
        for rows in loader:
            self._waiting.put(rows)

    def _take_in(self) -> None:
        try:
            while True:
                self._replay.add(self._waiting.get_nowait())
        except Empty:
            return
