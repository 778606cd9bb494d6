"""The examples, run as their users would, against real servers."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from tritonclient.grpc import InferenceServerClient

from deploy.embedded.options import StackOptions
from deploy.embedded.stack import running_stack
from tests.services.triton import TritonServer

ROOT = Path(__file__).parents[2]
CLIP = ROOT / "examples" / "clips" / "squat.mp4"
CLIP_FRAMES = 150
FRAMES = 8
NOSE_TOLERANCE_PX = 10
REGION = "example_frames_"


def run(script: str, *arguments: str, **environment: str) -> str:
    """What an example prints."""
    command = [sys.executable, str(ROOT / "examples" / script), *arguments]
    result = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=200, env=os.environ | environment
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def table_of(output: str) -> np.ndarray:
    """The numbers that `pose_2d.py` prints."""
    return np.array([[float(cell) for cell in line.split()] for line in output.splitlines()[1:]])


def test_triton_answers_its_own_client_with_and_without_shared_memory(triton: TritonServer) -> None:
    arguments = (triton.url, str(CLIP), "--frames", str(FRAMES))
    body = table_of(run("triton/pose_2d.py", *arguments))
    shared = table_of(run("triton/pose_2d.py", *arguments, "--shared-memory"))
    np.testing.assert_array_equal(shared, body)
    athlete = body[body[:, 1] > 0.5]
    assert athlete[:, 0].tolist() == list(range(FRAMES))
    errors_px = np.linalg.norm(athlete[:, 2:4] - true_noses_px(), axis=1)
    assert np.median(errors_px) < NOSE_TOLERANCE_PX
    assert not regions_known_to(triton)
    assert not list(Path("/dev/shm").glob(f"{REGION}*"))


def true_noses_px() -> np.ndarray:
    """[FRAMES, 2] of the one athlete."""
    truth = json.loads(CLIP.with_suffix(".truth.json").read_text())
    return np.array([people[0]["keypoints_px"][0][:2] for people in truth["frames"][:FRAMES]])


def regions_known_to(triton: TritonServer) -> list[str]:
    with InferenceServerClient(triton.url) as client:
        names = client.get_system_shared_memory_status().regions
    return [name for name in names if name.startswith(REGION)]


@pytest.mark.timeout(300)
def test_poses_come_over_grpc_while_they_are_made() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="marey-test-") as home,
        running_stack(StackOptions(home=Path(home))) as stack,
    ):
        arguments = (stack.layout.grpc_address, str(CLIP))
        lines = run("grpc/stream_poses.py", *arguments, MAREY_API_KEY=stack.api_key).splitlines()
    assert len(lines) == CLIP_FRAMES
    assert lines[0] == "   0.000 s  1 people"
    assert lines[-1].startswith("   5.960 s")
