"""How good detections and poses are, against known truth. Pure functions of arrays.

Matching follows COCO (cocoeval): detections in order of falling score take the best free person at or
above the threshold; people who do not count (`counts` false) absorb detections without credit or blame.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.skeletons import Skeleton

Floats = NDArray[np.float64]

MIN_VISIBLE_FRACTION = 1 / 3
BODY_SHARE_OF_BOX = 0.53
"""COCO's OKS scales with the segment's area: usually 0.53 of the box (CrowdPose, AI Challenger)."""
OKS_THRESHOLDS = np.arange(0.5, 0.96, 0.05)
RECALL_POINTS = np.linspace(0, 1, 101)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TruePeople:
    """Truth of one frame: P people, K joints."""

    boxes_px: Floats
    """[P, 4] x1 y1 x2 y2."""
    keypoints_px: Floats
    """[P, K, 2]."""
    visible: NDArray[np.bool_]
    """[P, K] joints inside the picture that nothing else hides: only these count."""
    head_size_px: Floats
    """[P] length from neck to top of the head, seen from the side."""
    counts: NDArray[np.bool_]
    """[P] whether the person is visible enough to count."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoundPeople:
    """What the service found in the same frame: M people."""

    boxes_px: Floats
    """[M, 5] x1 y1 x2 y2 score."""
    keypoints_px: Floats
    """[M, K, 3] x y confidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Figures over a set of frames; shares are 0..1."""

    frames: int
    people: int
    recall: float
    precision: float
    oks_ap: float
    pckh: float
    mean_error_of_box_height: float


def pairwise_iou(a: Floats, b: Floats) -> Floats:
    """Overlap of boxes a [P, 4+] with b [M, 4+] (x1 y1 x2 y2) -> [P, M], 0..1."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:4], b[None, :, 2:4])
    shared = np.clip(high - low, 0, None).prod(axis=-1)
    areas = [np.clip(x[:, 2:4] - x[:, :2], 0, None).prod(axis=-1) for x in (a, b)]
    union = areas[0][:, None] + areas[1][None] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def pairwise_oks(truth: TruePeople, found: FoundPeople, skeleton: Skeleton) -> Floats:
    """Object keypoint similarity (cocoeval `computeOks`) over visible joints -> [P, M], 0..1."""
    variances = (2 * np.asarray(skeleton.oks_sigmas)) ** 2
    size = np.clip(truth.boxes_px[:, 2:4] - truth.boxes_px[:, :2], 1, None)
    area = size.prod(axis=-1) * BODY_SHARE_OF_BOX
    offset = truth.keypoints_px[:, None] - found.keypoints_px[None, ..., :2]
    exponent = (offset**2).sum(axis=-1) / (2 * variances * area[:, None, None])
    weight = truth.visible[:, None].astype(np.float64)
    seen = np.maximum(weight.sum(axis=-1), 1)
    return (np.exp(-exponent) * weight).sum(axis=-1) / seen


def match(
    similarity: Floats, scores: Floats, counts: NDArray[np.bool_], threshold: float
) -> NDArray[np.int64]:
    """For each of M detections: its person's index, -1 (false), or -2 (absorbed by one who does not count).

    similarity [P, M], scores [M], counts [P].
    """
    result = np.full(len(scores), -1, np.int64)
    free = np.ones(len(counts), bool)
    for m in np.argsort(-scores, kind="stable"):
        for counted in (True, False):
            candidates = np.flatnonzero(free & (counts == counted) & (similarity[:, m] >= threshold))
            if len(candidates):
                best = candidates[similarity[candidates, m].argmax()]
                free[best] = not counted
                result[m] = best if counted else -2
                break
    return result


def average_precision(is_true: NDArray[np.bool_], scores: Floats, people: int) -> float:
    """COCO's 101-point interpolated average precision of detections pooled over all frames."""
    if people == 0:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    true = np.cumsum(is_true[order])
    recall = true / people
    precision = np.maximum.accumulate((true / np.arange(1, len(true) + 1))[::-1])[::-1]
    places = np.searchsorted(recall, RECALL_POINTS - 1e-12)
    return float(np.concatenate([precision, [0.0]])[np.minimum(places, len(precision))].mean())


def _oks_ap(frames: Sequence[tuple[TruePeople, FoundPeople]], skeleton: Skeleton) -> float:
    people = sum(int(truth.counts.sum()) for truth, _ in frames)
    similarities = [pairwise_oks(truth, found, skeleton) for truth, found in frames]
    precisions = []
    for threshold in OKS_THRESHOLDS:
        hits, scores = [np.empty(0, bool)], [np.empty(0)]
        for (truth, found), oks in zip(frames, similarities, strict=True):
            score = found.boxes_px[:, 4] * found.keypoints_px[..., 2].mean(axis=-1)
            matched = match(oks, score, truth.counts, float(threshold))
            hits.append(matched[matched != -2] >= 0)
            scores.append(score[matched != -2])
        precisions.append(average_precision(np.concatenate(hits), np.concatenate(scores), people))
    return float(np.mean(precisions))


def _joint_errors(truth: TruePeople, found: FoundPeople, matched: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Distances of matched visible joints, over the head's size and over the box height."""
    rows = np.flatnonzero(matched >= 0)
    people = matched[rows]
    offset = truth.keypoints_px[people] - found.keypoints_px[rows][..., :2]
    distance = np.linalg.norm(offset, axis=-1)
    height = truth.boxes_px[people, 3] - truth.boxes_px[people, 1]
    seen = truth.visible[people]
    return (distance / truth.head_size_px[people, None])[seen], (distance / height[:, None])[seen]


def score(frames: Sequence[tuple[TruePeople, FoundPeople]], skeleton: Skeleton) -> Scores:
    """Figures of the service over some frames.

    Recall and precision at box IoU 0.5; PCKh@0.5 (MPII: within half a head) and the mean distance over
    the visible joints of the people matched there; OKS AP (COCO, 0.50:0.95).
    """
    people = true = false = 0
    of_head, of_height = [np.empty(0)], [np.empty(0)]
    for truth, found in frames:
        overlap = pairwise_iou(truth.boxes_px, found.boxes_px)
        matched = match(overlap, found.boxes_px[:, 4], truth.counts, 0.5)
        people += int(truth.counts.sum())
        true += int((matched >= 0).sum())
        false += int((matched == -1).sum())
        errors = _joint_errors(truth, found, matched)
        of_head.append(errors[0])
        of_height.append(errors[1])
    heads = np.concatenate(of_head)
    return Scores(
        frames=len(frames),
        people=people,
        recall=true / people if people else float("nan"),
        precision=true / (true + false) if true + false else float("nan"),
        oks_ap=_oks_ap(frames, skeleton),
        pckh=float((heads < 0.5).mean()) if len(heads) else float("nan"),
        mean_error_of_box_height=float(np.concatenate(of_height).mean()) if len(heads) else float("nan"),
    )
