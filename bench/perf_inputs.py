"""Real pictures for perf_analyzer: frames of the example clips, and what the networks get of them."""

import base64
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.rendered.clips import read_truth
from model_repository.contract import NETWORKS, configs_with, read_config
from model_repository.glue.crops import crop_transforms
from model_repository.glue.pixels import letterbox, warp_crops

Pixels = NDArray[np.uint8]
ROWS_PER_REQUEST = 4
REQUESTS = 4
"""Different ones, taken in turn."""
STRIDE = 10
"""Every tenth frame: neighbours look alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Requests for one model."""

    model: str
    tensor: str
    rows: Pixels
    """[REQUESTS, ROWS_PER_REQUEST, ...] of a model that takes whole tensors, else [rows, ...]."""
    is_batching: bool
    """Whether Triton batches the model: perf_analyzer then puts the rows of a request together itself."""
    unit: str
    """What a row is."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one element of the data, as `--shape` wants it."""
        return self.rows.shape[1:]

    def data(self) -> bytes:
        """The JSON file of `--input-data`."""
        contents = [base64.b64encode(row.tobytes()).decode() for row in self.rows]
        return msgspec.json.encode({"data": [{self.tensor: {"b64": content}} for content in contents]})


def workloads(clip: Path, models: Path | None) -> list[Workload]:
    """The ensemble's and each network's, from one clip with its truth beside it.

    `models` has networks in place of the shipped ones.
    """
    input_hw = {name: _input_hw(configs_with(models)[name]) for name in NETWORKS}
    frames = read_frames(clip, ROWS_PER_REQUEST * REQUESTS)
    boxes = first_boxes(clip, len(frames))
    images = letterbox(frames, input_hw["yolo"])
    crop_hw = input_hw["hrnet"]
    crops = warp_crops(frames, range(len(frames)), crop_transforms(boxes, crop_hw), crop_hw)
    whole = frames.reshape(REQUESTS, ROWS_PER_REQUEST, *frames.shape[1:])
    return [
        Workload(model="pose_2d", tensor="frames", rows=whole, is_batching=False, unit="frames"),
        Workload(model="yolo", tensor="images", rows=images, is_batching=True, unit="pictures"),
        Workload(model="hrnet", tensor="crops", rows=crops, is_batching=True, unit="crops"),
    ]


def read_frames(clip: Path, count: int) -> Pixels:
    """RGB [count, H, W, 3], every tenth frame."""
    with av.open(str(clip)) as container:
        chosen = islice(container.decode(video=0), 0, count * STRIDE, STRIDE)
        return np.stack([frame.to_ndarray(format="rgb24") for frame in chosen])


def first_boxes(clip: Path, count: int) -> NDArray[np.float32]:
    """Boxes [count, 4] x1 y1 x2 y2 px of the first person of the same frames."""
    people = read_truth(clip).frames[: count * STRIDE : STRIDE]
    return np.array([frame[0].box_px for frame in people], dtype=np.float32)


def _input_hw(config: Path) -> tuple[int, int]:
    height, width, _ = read_config(config).input[0].dims
    return height, width
