"""Real footage and trained weights beside the checkout: the ensemble finds the official boxes."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from core.video import FrameSpan
from ingest.decoder import decode_span
from ingest.probe import MediaLimits, probe_video
from model_repository.contract import CHECKOUT
from model_repository.glue.boxes import overlaps
from orchestrator.triton import TritonClient
from tests.services.triton import TritonServer, serving

MEDIA = CHECKOUT.parent / "shared" / "media"
WEIGHTS = MEDIA / "yolox_nano_legacy" / "yolox_nano_legacy_from_ncnn.npz"
DETECTIONS = MEDIA / "yolox_nano_legacy" / "official_detections.npz"
PERSON = 0

pytestmark = [
    pytest.mark.media,
    pytest.mark.torch,
    pytest.mark.skipif(not MEDIA.exists(), reason="no real footage beside the checkout"),
]


@pytest.fixture(scope="module")
def nano_triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    """Triton whose detector is the official YOLOX-nano of July 2021."""
    pytest.importorskip("torch", reason="PyTorch is not installed")
    from trt_build.importers import import_weights

    root = tmp_path_factory.mktemp("nano")
    import_weights("yolox_nano_legacy", WEIGHTS, root / "models" / "yolo")
    with serving(root, root / "models") as server:
        yield server


def official_people(key: str) -> NDArray[np.float32]:
    """People that the official code finds in a frame: boxes [P, 5], x1 y1 x2 y2 score."""
    with np.load(DETECTIONS) as arrays:
        rows = arrays[key]
    people = rows[rows[:, 6] == PERSON]
    return np.column_stack([people[:, :4], people[:, 4] * people[:, 5]]).astype(np.float32)


def listed_frames() -> list[str]:
    """Keys of the official detections, `file#frame` with | for /."""
    if not DETECTIONS.exists():
        return []
    with np.load(DETECTIONS) as arrays:
        return list(arrays.files)


def picture(key: str) -> NDArray[np.uint8]:
    """The frame of a key, [1, height, width, 3]."""
    name, number = key.replace("|", "/").split("#")
    info = probe_video(MEDIA / name, MediaLimits())
    frame = next(decode_span(MEDIA / name, info, FrameSpan(int(number), int(number) + 1)))
    return frame.image[None]


@pytest.mark.parametrize("key", listed_frames())
async def test_boxes_are_the_official_ones(nano_triton: TritonServer, key: str) -> None:
    async with await TritonClient.open(nano_triton.url) as client:
        found = (await client.infer_pose_2d(picture(key))).boxes_px
    expected = official_people(key)
    assert len(found) == len(expected)
    for person in expected:
        best = overlaps(person, found).argmax()
        assert overlaps(person, found)[best] >= 0.95
        assert found[best, 4] == pytest.approx(person[4], abs=0.1)
