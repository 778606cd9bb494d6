"""Rendered scenes as files: an H.264 video and its ground truth beside it.

python -m ingest.rendered.clips 7 clips/seven.mp4
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import click
import msgspec
import numpy as np

from core.skeletons import HALPE_26
from ingest.encoder import VideoWriter
from ingest.rendered.scene import SceneRequest, sample_scene
from ingest.rendered.staging import Scene
from ingest.rendered.truth import FrameTruth, RenderedFrame


class PersonTruth(msgspec.Struct, frozen=True):
    """One person in one frame. Pixels have centres at index + 0.5."""

    person: int
    box_px: list[float]
    """x1 y1 x2 y2, clipped to the picture."""
    visible_fraction: float
    keypoints_px: list[tuple[float, float, int]]
    """x, y and whether the joint is visible, in the order of the clip's joints."""
    keypoints_mm: list[tuple[int, int, int]]
    """Camera frame: x right, y down, z forward."""


class ClipTruth(msgspec.Struct, frozen=True, kw_only=True):
    """Ground truth of a clip, as stored in <name>.truth.json."""

    seed: int
    size_px: tuple[int, int]
    frame_rate: str
    skeleton: str
    joints: tuple[str, ...]
    intrinsics_px: tuple[float, float, float, float]
    """fx, fy, cx, cy."""
    frames: list[list[PersonTruth]]
    """People of each frame, those out of the picture left out."""


def truth_path(video: Path) -> Path:
    """Where the truth of a clip lies."""
    return video.with_suffix(".truth.json")


def frame_pts_ns(index: int, frame_rate: Fraction) -> int:
    """Presentation time of a frame; the first is at 0."""
    return round(index * 1_000_000_000 / frame_rate)


def write_clip(scene: Scene, video: Path) -> None:
    """Render a scene to `video` (mp4) and its truth to `truth_path(video)`."""
    frames: list[list[PersonTruth]] = []
    intrinsics = scene.render(0).truth.intrinsics_px
    with VideoWriter(video, scene.size, scene.frame_rate) as writer:
        for index, rendered in enumerate(rendered_frames(scene)):
            writer.write(rendered.image, frame_pts_ns(index, scene.frame_rate))
            frames.append(_people(rendered.truth))
    truth = ClipTruth(
        seed=scene.seed,
        size_px=scene.size,
        frame_rate=str(scene.frame_rate),
        skeleton=HALPE_26.name,
        joints=HALPE_26.joints,
        intrinsics_px=intrinsics,
        frames=frames,
    )
    truth_path(video).write_bytes(msgspec.json.encode(truth) + b"\n")


def read_truth(video: Path) -> ClipTruth:
    """The truth beside a clip."""
    return msgspec.json.decode(truth_path(video).read_bytes(), type=ClipTruth)


def rendered_frames(scene: Scene) -> Iterator[RenderedFrame]:
    """All frames of a scene in order."""
    return (scene.render(index) for index in range(scene.frame_count))


def _people(truth: FrameTruth) -> list[PersonTruth]:
    """Rounded to a tenth of a pixel and a millimetre."""
    people = []
    for person in np.flatnonzero(truth.visible_fraction > 0):
        pixels = truth.keypoints_px[person].round(1).tolist()
        visible = truth.visible[person].astype(int).tolist()
        people.append(
            PersonTruth(
                person=int(truth.identities[person]),
                box_px=truth.boxes_px[person].round(1).tolist(),
                visible_fraction=round(float(truth.visible_fraction[person]), 3),
                keypoints_px=[(x, y, seen) for (x, y), seen in zip(pixels, visible, strict=True)],
                keypoints_mm=truth.keypoints_mm[person].round().astype(int).tolist(),
            )
        )
    return people


@click.command()
@click.argument("seed", type=int)
@click.argument("video", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--frames", default=150, show_default=True, help="Number of frames.")
@click.option("--rate", default="30", show_default=True, help="Frames per second, such as 30000/1001.")
def main(seed: int, video: Path, frames: int, rate: str) -> None:
    """Render the scene of SEED to VIDEO (mp4), with the truth beside it."""
    request = SceneRequest(frame_count=frames, frame_rate=Fraction(rate))
    write_clip(sample_scene(seed, request), video)


if __name__ == "__main__":
    main()
