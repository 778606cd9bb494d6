"""A frame kills Triton, or the process of a model, each time: it is found, and no other job pays for it."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import KillingFrameError
from tests.faults.invariants import check
from tests.faults.jobs import Subject, ended, submit
from tests.media import Clip, numbered_picture, write_clip
from tests.services.orchestrator import zip_of

pytestmark = pytest.mark.timeout(400)
FRAMES = 40
END_TIMEOUT_S = 240.0
"""Some restarts of Triton."""
COLOURS = {"server": (0, 255, 0), "model": (0, 0, 255)}
"""What `killing_letterbox` dies of."""


def test_a_frame_that_kills_triton_is_found(
    seed: int, subject: Subject, tmp_path: Path, report: Callable[[str], None]
) -> None:
    cluster, random = subject.cluster, Random(f"killing-{seed}")
    frame, victim = random.randrange(FRAMES), random.choice(list(COLOURS))
    seen = len(cluster.events)
    innocent_id = submit(cluster, subject.package)
    killing_id = submit(cluster, _package(tmp_path, frame, COLOURS[victim]))
    late_id = submit(cluster, subject.package)
    snapshot = ended(cluster, killing_id, END_TIMEOUT_S)
    assert snapshot.job.status == "completed_with_errors", snapshot
    (video,) = snapshot.videos
    named = [(failed.first_frame, failed.last_frame, failed.error_code) for failed in video.failed_ranges]
    assert named == [(frame, frame, KillingFrameError.code)]
    assert (video.frames_done, video.frames_missing) == (FRAMES, 1)
    for job_id in (innocent_id, late_id):
        check(cluster, ended(cluster, job_id), subject.expected)
    deaths = sum((event.service, event.kind) == ("triton", "died") for event in cluster.events[seen:])
    report(f"killing frame {frame}, seed {seed}: {deaths} deaths of the {victim}, two other jobs unhurt")


def _package(folder: Path, frame: int, colour: tuple[int, int, int]) -> Path:
    def picture(index: int, width_px: int, height_px: int) -> NDArray[np.uint8]:
        numbered = numbered_picture(index, width_px, height_px)
        return np.full_like(numbered, np.array(colour, np.uint8)) if index == frame else numbered

    clip = write_clip(folder / "killing.mp4", Clip(frames=FRAMES, picture=picture))
    return zip_of(folder / "killing.zip", {"killing.mp4": clip})
