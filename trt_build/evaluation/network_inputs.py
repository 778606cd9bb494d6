"""What the networks see of rendered athletes, made without the service: letterboxed pictures and crops."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ingest.rendered.scene import SceneRequest, sample_scene
from ingest.rendered.truth import RenderedFrame
from model_repository.glue.boxes import Size
from model_repository.glue.crops import crop_transforms
from model_repository.glue.pixels import letterbox, warp_crops
from trt_build.evaluation.metrics import MIN_VISIBLE_FRACTION

Pixels = NDArray[np.uint8]


def letterboxed(seeds: range, network_hw: Size) -> Iterator[Pixels]:
    """One picture [1, *network_hw, 3] per seed."""
    for frame in _frames(seeds):
        yield letterbox(frame.image[None], network_hw)


def crops(seeds: range, crop_hw: Size) -> Iterator[Pixels]:
    """The people [P, *crop_hw, 3] of one picture per seed, cut out by their true boxes."""
    for frame in _frames(seeds):
        seen = frame.truth.visible_fraction >= MIN_VISIBLE_FRACTION
        boxes = frame.truth.boxes_px[seen].astype(np.float32)
        if len(boxes):
            yield warp_crops(frame.image[None], [0] * len(boxes), crop_transforms(boxes, crop_hw), crop_hw)


def _frames(seeds: range) -> Iterator[RenderedFrame]:
    for seed in seeds:
        yield sample_scene(seed, SceneRequest(frame_count=1)).render(0)
