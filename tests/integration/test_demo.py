"""`marey demo` as a user runs it."""

import signal
import subprocess
import sysconfig
import time
from pathlib import Path

import pytest

from tests.media import Clip, truncate, write_clip
from tests.services import stacks

pytestmark = pytest.mark.timeout(300)

_ROOT = Path(__file__).resolve().parents[2]
# The environment of these tests, taken as set up.
_MAKE = ("make", "-o", ".venv/.setup-done", f"BIN={sysconfig.get_path('scripts')}", "demo")


def test_a_demo_delivers_files_says_what_was_bad_and_leaves_nothing(tmp_path: Path) -> None:
    good = write_clip(tmp_path / "my jump.mp4", Clip(frames=6))
    bad = truncate(write_clip(tmp_path / "bad.mp4", Clip(frames=30)), 0.5)
    arguments = ["demo", "--video", str(good), "--video", str(bad), "--out", "delivered"]
    with stacks.marey(arguments, tmp_path, tmp_path) as demo:
        assert demo.ended(150) == 1, demo
        assert stacks.processes_of(tmp_path) == {}
    results = {path.name for path in (tmp_path / "delivered" / "my jump").iterdir()}
    assert results == {"keypoints.csv", "keypoints.parquet", "overlay.mp4", "summary.json"}
    assert "my jump.mp4" in demo.output
    assert "bad.mp4 failed: " in demo.output
    assert f"Results: {tmp_path / 'delivered'}" in demo.output
    assert list(tmp_path.glob("marey-demo-*")) == []


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("triton        starting", signal.SIGTERM),
        ("worker        starting", signal.SIGHUP),
        ("inferring", signal.SIGINT),
    ],
)
def test_an_interrupted_demo_leaves_nothing_also_when_interrupted_twice(
    tmp_path: Path, moment: str, number: signal.Signals
) -> None:
    clip = write_clip(tmp_path / "long.mp4", Clip(frames=1500))
    with stacks.marey(["demo", "--video", str(clip)], tmp_path, tmp_path) as demo:
        demo.until_says(moment)
        demo.process.send_signal(number)
        time.sleep(0.3)
        demo.process.send_signal(signal.SIGINT)
        assert demo.ended() == 130
        assert stacks.processes_of(tmp_path) == {}
    assert list(tmp_path.glob("marey-demo-*")) == []


def test_make_passes_names_on_as_they_are(tmp_path: Path) -> None:
    name = tmp_path / "it's gone.mp4"
    made = subprocess.run(
        [*_MAKE, f"VIDEO={name}", f"OUT={tmp_path}"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert made.returncode != 0
    assert f"{str(name)!r}: no such file" in made.stderr
