"""Clips as files: frames, times and truth."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from core.skeletons import HALPE_26
from ingest.rendered.clips import frame_pts_ns, read_truth, write_clip
from ingest.rendered.scene import SceneRequest, sample_scene


def test_clip_has_all_frames_at_their_times_and_truth_beside_it(tmp_path: Path) -> None:
    rate = Fraction(30000, 1001)
    scene = sample_scene(3, SceneRequest(size=(320, 180), frame_rate=rate, frame_count=5))
    video = tmp_path / "clip.mp4"
    write_clip(scene, video)
    with av.open(str(video)) as container:
        frames = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    times = [time for time, _ in frames]
    np.testing.assert_allclose(times, [frame_pts_ns(i, rate) / 1e9 for i in range(5)], atol=1e-4)
    difference = np.abs(frames[2][1].astype(int) - scene.render(2).image).mean()
    assert difference < 8
    truth = read_truth(video)
    assert truth.frame_rate == "30000/1001"
    assert truth.joints == HALPE_26.joints
    assert len(truth.frames) == 5
    expected = scene.render(4).truth
    for person in truth.frames[4]:
        joints = np.array(person.keypoints_px)
        np.testing.assert_allclose(joints[:, :2], expected.keypoints_px[person.person], atol=0.06)


def test_example_clips_are_complete() -> None:
    folder = Path(__file__).parents[4] / "examples" / "clips"
    videos = sorted(folder.glob("*.mp4"))
    assert len(videos) >= 4
    rates = set()
    for video in videos:
        truth = read_truth(video)
        with av.open(str(video)) as container:
            stream = container.streams.video[0]
            assert (stream.width, stream.height) == truth.size_px == (1280, 720)
            assert stream.frames == len(truth.frames)
            assert stream.average_rate == Fraction(truth.frame_rate)
            assert 5 <= stream.frames / stream.average_rate <= 10
        rates.add(truth.frame_rate)
    assert rates == {"25", "30000/1001", "50", "60"}
