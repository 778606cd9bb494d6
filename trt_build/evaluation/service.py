"""Scores of the models that a running service has, on clips rendered for the occasion."""

from collections.abc import Callable
from pathlib import Path

from marey import Client

from core.errors import InferenceError
from core.skeletons import HALPE_26
from trt_build.evaluation.metrics import Scores, score
from trt_build.evaluation.rendered import ClipRequest, compare, render_clips

DEADLINE_S = 1800.0

OnClip = Callable[[Path], None]
"""Called with each clip once it is rendered."""


def evaluate_pose_2d(client: Client, seeds: range, folder: Path, on_clip: OnClip) -> Scores:
    """Render the seeds' clips into `folder`, send them through the service and compare.

    Raises InferenceError if the service does not complete the job, and marey.errors.MareyError.
    """
    clips = []
    for clip in render_clips(seeds, folder, ClipRequest()):
        on_clip(clip)
        clips.append(clip)
    job = client.submit(clips, "pose_2d", {"overlay": "off"})
    ended = client.wait(job.id, DEADLINE_S)
    if ended.job.status != "completed":
        raise InferenceError(f"expected job {job.id} to be completed, got {ended.job.status}")
    results = folder / "results"
    client.download_results(job.id, results)
    frames = [
        frame
        for clip in clips
        for frame in compare(clip, results / clip.stem / "keypoints.parquet", HALPE_26)
    ]
    return score(frames, HALPE_26)
