"""Scores of the models that a running service has, on clips rendered for the occasion."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from marey import Client

from core.errors import InferenceError
from core.skeletons import HALPE_26
from trt_build.evaluation.metrics import Scores, score
from trt_build.evaluation.rendered import ClipRequest, compare, render_clips

DEADLINE_S = 1800.0

OnClip = Callable[[Path], None]
"""Called with each clip once it is rendered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredJob:
    """A job over clips whose truth is known."""

    scores: Scores
    seconds: float
    """From posted to completed, by the service's clock."""


def evaluate_pose_2d(
    client: Client, seeds: range, folder: Path, detector_interval: int, on_clip: OnClip
) -> Scores:
    """Render the seeds' clips into `folder`, send them through the service and compare.

    Raises what `score_clips` raises.
    """
    clips = []
    for clip in render_clips(seeds, folder, ClipRequest()):
        on_clip(clip)
        clips.append(clip)
    return score_clips(client, clips, folder / "results", detector_interval).scores


def score_clips(client: Client, clips: Sequence[Path], results: Path, detector_interval: int) -> ScoredJob:
    """Send rendered clips, which have their truth beside them, through the service, and compare.

    Raises InferenceError if the service does not complete the job, and marey.errors.MareyError.
    """
    job = client.submit(clips, "pose_2d", {"overlay": "off", "detector_interval": detector_interval})
    ended = client.wait(job.id, DEADLINE_S)
    if ended.job.status != "completed" or ended.job.finished_at is None:
        raise InferenceError(f"expected job {job.id} to be completed, got {ended.job.status}")
    client.download_results(job.id, results)
    frames = [
        frame
        for clip in clips
        for frame in compare(clip, results / clip.stem / "keypoints.parquet", HALPE_26)
    ]
    seconds = (ended.job.finished_at - ended.job.created_at).total_seconds()
    return ScoredJob(scores=score(frames, HALPE_26), seconds=seconds)
