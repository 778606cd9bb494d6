"""`marey demo` as a user runs it."""

import signal
from pathlib import Path

import pytest

from tests.media import Clip, truncate, write_clip
from tests.services import stacks

pytestmark = pytest.mark.timeout(300)


def test_a_demo_delivers_files_and_leaves_nothing(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "my jump.mp4", Clip(frames=12))
    with stacks.marey(["demo", "--video", str(clip), "--out", "delivered"], tmp_path, tmp_path) as demo:
        assert demo.ended(150) == 0, demo
    results = tmp_path / "delivered" / "my jump"
    assert {path.name for path in results.iterdir()} == {
        "keypoints.csv",
        "keypoints.parquet",
        "overlay.mp4",
        "summary.json",
    }
    assert "my jump.mp4" in demo.output
    assert f"Results: {tmp_path / 'delivered'}" in demo.output
    assert list(tmp_path.glob("marey-demo-*")) == []


def test_a_demo_with_a_bad_video_says_why_and_delivers_the_others(tmp_path: Path) -> None:
    good = write_clip(tmp_path / "good.mp4", Clip(frames=6))
    bad = truncate(write_clip(tmp_path / "bad.mp4", Clip(frames=30)), 0.5)
    arguments = ["demo", "--video", f"{good} {bad}", "--out", "delivered"]
    with stacks.marey(arguments, tmp_path, tmp_path) as demo:
        assert demo.ended(150) == 1, demo
    assert "bad.mp4 failed: " in demo.output
    assert (tmp_path / "delivered" / "good" / "keypoints.csv").exists()


@pytest.mark.parametrize("moment", ["triton        starting", "inferring"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing(tmp_path: Path, moment: str, number: signal.Signals) -> None:
    clip = write_clip(tmp_path / "long.mp4", Clip(frames=900, size_px=(1280, 720)))
    with stacks.marey(["demo", "--video", str(clip)], tmp_path, tmp_path) as demo:
        demo.until_says(moment)
        demo.process.send_signal(number)
        assert demo.ended() == 130
        assert stacks.processes_of(tmp_path) == {}
    assert list(tmp_path.glob("marey-demo-*")) == []
