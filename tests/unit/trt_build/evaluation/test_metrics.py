from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.skeletons import HALPE_26
from trt_build.evaluation.metrics import (
    FoundPeople,
    TruePeople,
    average_precision,
    match,
    pairwise_iou,
    pairwise_oks,
    score,
)

K = len(HALPE_26.joints)


def people(count: int, seed: int = 0, counts: list[bool] | None = None) -> TruePeople:
    random = np.random.default_rng(seed)
    corner = np.arange(count)[:, None] * [300.0, 0.0] + random.uniform(0, 20, (count, 2))
    keypoints = corner[:, None] + random.uniform(0, 1, (count, K, 2)) * [100, 200]
    return TruePeople(
        boxes_px=np.concatenate([corner, corner + [100, 200]], axis=1),
        keypoints_px=keypoints,
        visible=np.ones((count, K), bool),
        head_size_px=np.full(count, 25.0),
        counts=np.array(counts if counts is not None else [True] * count, bool),
    )


def as_found(truth: TruePeople, shift_px: float = 0.0) -> FoundPeople:
    count = len(truth.boxes_px)
    confidence = np.ones((count, K, 1))
    return FoundPeople(
        boxes_px=np.concatenate([truth.boxes_px, np.linspace(0.9, 0.5, count)[:, None]], axis=1),
        keypoints_px=np.concatenate([truth.keypoints_px + [shift_px, 0], confidence], axis=-1),
    )


def none_found() -> FoundPeople:
    return FoundPeople(boxes_px=np.empty((0, 5)), keypoints_px=np.empty((0, K, 3)))


def test_perfect_detections_score_one() -> None:
    truth = people(3)
    scores = score([(truth, as_found(truth))], HALPE_26)
    assert (scores.recall, scores.precision, scores.pckh) == (1, 1, 1)
    assert scores.oks_ap == pytest.approx(1)
    assert scores.mean_error_of_box_height == 0


def test_a_missed_person_costs_recall_and_a_false_one_precision() -> None:
    truth, ghost = people(4), people(5)
    scores = score([(truth, as_found(ghost)), (truth, none_found())], HALPE_26)
    assert scores.recall == 0.5
    assert scores.precision == pytest.approx(4 / 5)


def test_people_who_do_not_count_absorb_their_detections() -> None:
    truth = people(2, counts=[True, False])
    scores = score([(truth, as_found(truth))], HALPE_26)
    assert (scores.people, scores.recall, scores.precision) == (1, 1, 1)


def test_two_detections_of_one_person_are_one_hit_and_one_false() -> None:
    matched = match(np.array([[0.6, 0.9]]), np.array([0.4, 0.8]), np.array([True]), 0.5)
    assert matched.tolist() == [-1, 0]


@pytest.mark.parametrize(("shift_px", "expected"), [(12.0, 1.0), (13.0, 0.0)])
def test_pckh_counts_joints_within_half_a_head(shift_px: float, expected: float) -> None:
    truth = people(1)
    assert score([(truth, as_found(truth, shift_px))], HALPE_26).pckh == expected


def test_mean_error_is_a_share_of_the_box_height() -> None:
    truth = people(2)
    scores = score([(truth, as_found(truth, 10.0))], HALPE_26)
    assert scores.mean_error_of_box_height == pytest.approx(10 / 200)


def test_oks_matches_the_closed_form_for_one_shift() -> None:
    truth = people(1)
    oks = pairwise_oks(truth, as_found(truth, 8.0), HALPE_26)[0, 0]
    sigmas = np.asarray(HALPE_26.oks_sigmas)
    expected = np.exp(-64 / (2 * (2 * sigmas) ** 2 * 0.53 * 100 * 200)).mean()
    assert oks == pytest.approx(expected)


def test_hidden_joints_do_not_count() -> None:
    truth = people(1)
    truth.visible[0, 5] = False
    found = as_found(truth)
    found.keypoints_px[0, 5, :2] += 500
    assert score([(truth, found)], HALPE_26).pckh == 1


def test_average_precision_of_a_known_ranking() -> None:
    hits = np.array([True, False, True])
    expected = np.where(np.linspace(0, 1, 101) <= 0.5, 1.0, 2 / 3).mean()
    assert average_precision(hits, np.array([0.9, 0.8, 0.7]), 2) == pytest.approx(expected)


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 1000))
def test_iou_is_bounded_and_symmetric(p: int, m: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    a, b = (np.sort(random.uniform(0, 9, (n, 2, 2)), axis=1).reshape(n, 4) for n in (p, m))
    overlap = pairwise_iou(a, b)
    assert overlap.shape == (p, m)
    assert ((overlap >= 0) & (overlap <= 1)).all()
    np.testing.assert_allclose(overlap, pairwise_iou(b, a).T)


@given(st.permutations(range(4)))
def test_the_order_of_detections_does_not_matter(order: list[int]) -> None:
    truth, found = people(4), as_found(people(4, seed=3), 5.0)
    shuffled = FoundPeople(boxes_px=found.boxes_px[order], keypoints_px=found.keypoints_px[order])
    expected = astuple(score([(truth, found)], HALPE_26))
    assert astuple(score([(truth, shuffled)], HALPE_26)) == pytest.approx(expected)
