"""Published networks of other sizes than the shipped ones, from checkpoint files to result files."""

import csv
import tempfile
from collections.abc import Iterator
from pathlib import Path

import marey
import numpy as np
import onnxruntime
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from core.skeletons import COCO_17
from deploy.embedded.options import StackOptions
from deploy.embedded.stack import running_stack
from deploy.models import models
from model_repository.glue.boxes import DetectionLimits, letterbox_scale
from model_repository.glue.devices import HOST
from model_repository.glue.heatmaps import joints_of
from model_repository.glue.people import PeopleCropper
from model_repository.glue.pixels import letterbox
from orchestrator.triton import TritonClient
from tests.golden.fill import make_image
from tests.media import Clip, write_clip
from tests.services.triton import TritonServer, serving

pytestmark = [pytest.mark.torch, pytest.mark.timeout(600)]

DETECTOR_HW, CROP_HW = (640, 640), (384, 288)
LESS_OBJECTNESS = 5.9
"""With the golden weights, logits: a few people in the picture instead of hundreds."""
LIMITS = DetectionLimits(score_min=0.25, iou_max=0.45, people_max=16)


@pytest.fixture(scope="module")
def own_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """YOLOX-s and HRNet-W32 384x288 with the golden weights, imported as a user does."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from tests.golden.networks import filled
    from trt_build.importers import WEIGHT_KINDS, build

    root = tmp_path_factory.mktemp("own")
    for kind in ("yolox_s", "hrnet_w32_384x288"):
        weights = root / f"{kind}.pth"
        state = filled(build(WEIGHT_KINDS[kind].spec)).state_dict()
        for key in (key for key in state if key.startswith("head.obj_preds") and key.endswith("bias")):
            state[key] -= LESS_OBJECTNESS
        torch.save({"model": state}, weights)
        result = CliRunner().invoke(models, ["import", kind, str(weights), "--into", str(root / "models")])
        assert result.exit_code == 0, result.output
    return root / "models"


@pytest.fixture(scope="module")
def own_triton(own_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    """Triton with those networks."""
    with serving(tmp_path_factory.mktemp("own_triton"), own_models) as server:
        yield server


def run_network(file: Path, rows: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The first output of an ONNX file, row by row."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (name,) = [each.name for each in session.get_inputs()]
    return np.concatenate([session.run(None, {name: row[None]})[0] for row in rows])


async def test_the_ensemble_is_the_two_files_with_the_glue_between(
    own_triton: TritonServer, own_models: Path
) -> None:
    frames = make_image(360, 480)[None]
    async with await TritonClient.open(own_triton.url) as client:
        await client.check_contract()
        await client.canary()
        found = await client.infer_pose_2d(frames)
    predictions = run_network(own_models / "yolo" / "1" / "model.onnx", letterbox(frames, DETECTOR_HW))
    scales = np.array([letterbox_scale((360, 480), DETECTOR_HW)], np.float32)
    cropper = PeopleCropper(crop_hw=CROP_HW, frames_max=1, limits=LIMITS, device=HOST)
    crops, boxes, frame_index = cropper.cut(frames, scales, predictions)
    assert frame_index[0] == 0
    np.testing.assert_allclose(found.boxes_px, boxes, atol=0.01)
    heatmaps = run_network(own_models / "hrnet" / "1" / "model.onnx", crops)
    joints = joints_of(HOST.read_peaks(heatmaps), boxes)
    assert joints.shape[1:] == (len(COCO_17.joints), 3)
    np.testing.assert_allclose(found.keypoints_px, joints, atol=0.05)


def test_results_have_the_joints_of_the_users_network(own_models: Path, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=2))
    with (
        tempfile.TemporaryDirectory(prefix="marey-test-") as home,
        running_stack(StackOptions(home=Path(home), models=own_models)) as stack,
        marey.Client(stack.api_url, stack.api_key) as client,
    ):
        snapshot = client.wait(client.submit([clip]).id, timeout_s=240)
        assert snapshot.job.status == "completed"
        client.download_results(snapshot.job.id, tmp_path / "results")
    with (tmp_path / "results" / "clip" / "keypoints.csv").open(newline="") as file:
        columns = csv.DictReader(file).fieldnames or []
    joints = [name.removesuffix("_confidence") for name in columns if name.endswith("_confidence")]
    assert tuple(joints) == COCO_17.joints
