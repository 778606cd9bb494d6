"""Frames of `ingest.rendered`'s own scenes, through H.264 and the service's own letterbox and crop.

What is drawn on the GPU (`scenes`, `crops`) is more varied; this is what the product itself renders.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from core.video import FrameSpan
from ingest.decoder import DecoderSettings, decode_span
from ingest.encoder import VideoWriter
from ingest.probe import MediaLimits, probe_video
from ingest.rendered.clips import frame_pts_ns
from ingest.rendered.scene import SceneRequest, sample_scene
from ingest.rendered.truth import FrameTruth
from model_repository.glue.boxes import Size, letterbox_scale
from model_repository.glue.crops import PIXEL_CENTRE, crop_transforms
from model_repository.glue.pixels import letterbox, warp_crops
from trt_build.evaluation.metrics import MIN_VISIBLE_FRACTION
from trt_build.training.crops import HIDDEN_WEIGHT
from trt_build.training.scenes import MAX_PEOPLE

Pixels = NDArray[np.uint8]
Arrays = dict[str, NDArray[np.generic]]
"""Rows of one length by the names of DetectorBatch or PoseBatch; pictures uint8 [N, 3, h, w]."""

FRAMES_PER_CLIP = 6
FRAMES_APART = 4
"""Every fourth frame of a scene: neighbours teach little."""
CROPS_PER_PERSON = 2
BOX_ERROR, LARGEST_BOX_ERROR = (0.03, 0.012), 0.35
"""How far the shipped detector's box edges are off, as shares of width and height: Student's t with two
degrees of freedom, because a few are off by a third (2,996 boxes on evaluation clips)."""
_REQUEST = SceneRequest(frame_count=FRAMES_PER_CLIP * FRAMES_APART, frame_rate=Fraction(8))
LINED_UP_PEOPLE = (2, 3, 4)


def scene_request(seed: int) -> SceneRequest:
    """Even seeds are scenes as they are evaluated; in odd ones people stand one behind another."""
    if seed % 2 == 0:
        return _REQUEST
    people = LINED_UP_PEOPLE[seed // 2 % len(LINED_UP_PEOPLE)]
    return replace(_REQUEST, people=people, lined_up=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FootageFrame:
    """One decoded frame."""

    image: Pixels
    """[height, width, 3] RGB."""
    truth: FrameTruth


def clip_frames(seed: int) -> Iterator[FootageFrame]:
    """Some frames of the scene of `seed`, encoded and decoded."""
    scene = sample_scene(seed, scene_request(seed))
    truths = []
    with TemporaryDirectory() as folder:
        video = Path(folder) / "scene.mp4"
        with VideoWriter(video, scene.size, scene.frame_rate, threads=1) as writer:
            for place in range(FRAMES_PER_CLIP):
                rendered = scene.render(place * FRAMES_APART)
                writer.write(rendered.image, frame_pts_ns(place, scene.frame_rate))
                truths.append(rendered.truth)
        info = probe_video(video, MediaLimits())
        span = FrameSpan(0, info.frame_count)
        for frame in decode_span(video, info, span, settings=DecoderSettings(threads=1)):
            yield FootageFrame(image=frame.image, truth=truths[frame.index])


def detector_rows(frame: FootageFrame, network_hw: Size) -> Arrays:
    """The letterboxed picture, one row."""
    height, width, _ = frame.image.shape
    scale = letterbox_scale((height, width), network_hw)
    present = np.flatnonzero(frame.truth.visible_fraction > 0)[:MAX_PEOPLE]
    asked = frame.truth.visible_fraction[present] >= MIN_VISIBLE_FRACTION
    boxes, counts, ignored = np.zeros((1, MAX_PEOPLE, 4), np.float32), *np.zeros((2, 1, MAX_PEOPLE), bool)
    boxes[0, : len(present)] = frame.truth.boxes_px[present] * scale
    counts[0, : len(present)], ignored[0, : len(present)] = asked, ~asked
    images = letterbox(frame.image[None], network_hw).transpose(0, 3, 1, 2)
    return {"images": images, "boxes_px": boxes, "counts": counts, "ignored": ignored}


def pose_rows(frame: FootageFrame, crop_hw: Size, rng: np.random.Generator) -> Arrays:
    """Crops of everyone who is a third visible or more, about boxes that are a little off."""
    people = np.flatnonzero(frame.truth.visible_fraction >= MIN_VISIBLE_FRACTION).repeat(CROPS_PER_PERSON)
    boxes = _inexact(frame.truth.boxes_px[people], rng)
    transforms = crop_transforms(boxes, crop_hw)
    crops = warp_crops(frame.image[None], [0] * len(people), transforms, crop_hw)
    points = frame.truth.keypoints_px[people]
    return {
        "images": crops.transpose(0, 3, 1, 2),
        "joints_px": _moved(points - PIXEL_CENTRE, transforms).astype(np.float32),
        "weights": _weights(points, frame.truth.visible[people], frame.image.shape[:2]),
    }


def _inexact(boxes_px: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float32]:
    size = boxes_px[:, 2:] - boxes_px[:, :2]
    error = rng.standard_t(2, boxes_px.shape) * np.tile(BOX_ERROR, 2)
    error = error.clip(-LARGEST_BOX_ERROR, LARGEST_BOX_ERROR) * np.tile(size, 2)
    return (boxes_px + error).astype(np.float32)


def _moved(points: NDArray[np.float64], transforms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points [P, K, 2] by their person's affine transform [P, 2, 3]."""
    return points @ transforms[:, :, :2].transpose(0, 2, 1) + transforms[:, None, :, 2]


def _weights(
    points_px: NDArray[np.float64], visible: NDArray[np.bool_], picture_hw: tuple[int, ...]
) -> NDArray[np.float32]:
    """[P, K]: 1 for visible joints, less for hidden ones in the picture, 0 outside it."""
    limits = np.array(picture_hw[::-1])
    inside = ((points_px >= 0) & (points_px < limits)).all(axis=-1)
    return (inside * np.where(visible, 1.0, HIDDEN_WEIGHT)).astype(np.float32)
