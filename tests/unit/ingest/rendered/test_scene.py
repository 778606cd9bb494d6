"""Scenes: the same seed gives the same clip, and truth agrees with the pixels."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import InvalidParameterError
from ingest.rendered.scene import SceneRequest, sample_scene
from ingest.rendered.staging import Scene, Sensor
from ingest.rendered.truth import FrameTruth, RenderedFrame

_REQUEST = SceneRequest(size=(320, 180), frame_count=24, frame_rate=Fraction(25))
_SEEDS = (1, 2, 3)


@cache
def _scene(seed: int) -> Scene:
    return sample_scene(seed, _REQUEST)


@cache
def _frame(seed: int, index: int = 12) -> RenderedFrame:
    return _scene(seed).render(index)


def _depths(truth: FrameTruth) -> NDArray[np.float64]:
    return truth.keypoints_mm[..., 2]


def test_same_seed_gives_the_same_clip() -> None:
    again = sample_scene(1, _REQUEST).render(12)
    np.testing.assert_array_equal(again.image, _frame(1).image)
    np.testing.assert_array_equal(again.truth.keypoints_mm, _frame(1).truth.keypoints_mm)


def test_frames_do_not_depend_on_the_order_of_rendering() -> None:
    scene = sample_scene(2, _REQUEST)
    scene.render(20)
    np.testing.assert_array_equal(scene.render(12).image, _frame(2).image)


def test_different_seeds_give_different_clips() -> None:
    assert not np.array_equal(_frame(1).image, _frame(2).image)


@pytest.mark.parametrize("seed", _SEEDS)
def test_pixels_are_the_projection_of_the_millimetres(seed: int) -> None:
    truth = _frame(seed).truth
    fx, fy, cx, cy = truth.intrinsics_px
    x, y, z = np.moveaxis(truth.keypoints_mm, -1, 0)
    expected = np.stack([fx * x / z + cx, fy * y / z + cy], axis=-1)
    np.testing.assert_allclose(truth.keypoints_px, expected, atol=1e-6)
    assert _depths(truth).min() > 500


@pytest.mark.parametrize("seed", _SEEDS)
def test_boxes_hold_the_visible_joints_and_stay_in_the_picture(seed: int) -> None:
    truth = _frame(seed).truth
    for person, box in enumerate(truth.boxes_px):
        seen = truth.keypoints_px[person][truth.visible[person]]
        assert (seen >= box[:2] - 2).all()
        assert (seen <= box[2:] + 2).all()
    assert (truth.boxes_px >= 0).all()
    assert (truth.boxes_px <= [320, 180, 320, 180]).all()


@pytest.mark.parametrize("seed", _SEEDS)
def test_visible_fraction_is_a_fraction_and_people_have_identities(seed: int) -> None:
    truth = _frame(seed).truth
    assert ((truth.visible_fraction >= 0) & (truth.visible_fraction <= 1)).all()
    np.testing.assert_array_equal(truth.identities, np.arange(len(truth.identities)))


def test_bodies_are_drawn_where_the_truth_says() -> None:
    """Shadows apart, the picture differs from the empty one inside the boxes only."""
    scene = sample_scene(3, replace(_REQUEST, people=1, camera="static", actions=("squat",)))
    stage = replace(
        scene.stage,
        sensor=Sensor(exposure_s=1e-4, noise=0.0, defocus_px=0.0),
        background=replace(scene.stage.background, light=replace(scene.stage.background.light, shadow=0.0)),
        props=(),
    )
    clean = Scene(3, (_REQUEST.frame_rate, _REQUEST.frame_count), scene.cast, stage)
    rendered = clean.render(5)
    empty = stage.background.draw(stage.camera.at(0.2))
    changed = np.abs(rendered.image.astype(int) - empty).max(axis=-1) > 12
    x1, y1, x2, y2 = rendered.truth.boxes_px[0]
    rows, columns = np.nonzero(changed)
    assert x1 - 1 <= columns.min() <= x1 + 3
    assert x2 - 3 <= columns.max() + 1 <= x2 + 1
    assert y1 - 1 <= rows.min()
    assert rows.max() + 1 <= y2 + 1
    assert rendered.truth.visible_fraction[0] == 1.0
    assert rendered.truth.visible.all()


@pytest.mark.parametrize("action", ["sprint", "throw"])
def test_people_move_without_jumps(action: str) -> None:
    scene = sample_scene(5, replace(_REQUEST, people=2, actions=(action,), camera="static"))
    joints = np.stack([scene.cast.pose(index / 100)[1] for index in range(40)])
    steps = np.linalg.norm(np.diff(joints, axis=0), axis=-1)
    assert steps.max() < 0.25
    changes = np.linalg.norm(np.diff(joints, n=2, axis=0), axis=-1)
    assert changes.max() < 0.05


def test_something_in_front_hides_joints() -> None:
    """Of two people on one line of sight the farther one loses visible joints."""
    scene = sample_scene(8, replace(_REQUEST, people=2, actions=("idle",), camera="static"))
    first, second = scene.cast.performances
    behind = replace(second, start_m=first.start_m * 1.3)
    cast = replace(scene.cast, performances=(first, behind))
    stage = replace(scene.stage, props=())
    truth = Scene(8, (_REQUEST.frame_rate, 1), cast, stage).render(0).truth
    assert truth.visible_fraction[1] < 0.9 * truth.visible_fraction[0]
    assert truth.visible[1].sum() < truth.visible[0].sum()


def test_people_who_are_lined_up_share_a_column_of_the_picture() -> None:
    wanted = replace(_REQUEST, people=3, actions=("idle",), camera="static", lined_up=True)
    for seed in range(6):
        scene = sample_scene(seed, wanted)
        middles = scene.stage.camera.at(0.5).project(scene.cast.pose(0.5)[1].mean(axis=1))[:, 0]
        assert np.ptp(middles) < 0.3 * _REQUEST.size[0]


@pytest.mark.parametrize(("motion", "moves"), [("static", False), ("panning", True), ("handheld", True)])
def test_only_static_cameras_stand_still(motion: str, moves: bool) -> None:
    assert sample_scene(4, replace(_REQUEST, camera=motion, place="studio")).stage.camera.moves == moves


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: SceneRequest(place="moon"),
        lambda: SceneRequest(camera="drone"),
        lambda: SceneRequest(actions=("fly",)),
        lambda: SceneRequest(frame_count=0),
        lambda: SceneRequest(size=(4, 4)),
    ],
)
def test_requests_that_cannot_be_met_are_refused(wrong: Callable[[], SceneRequest]) -> None:
    with pytest.raises(InvalidParameterError, match="expected"):
        wrong()


def test_moving_people_may_be_out_of_the_picture() -> None:
    # Seed 1006: a sprinter with a long exposure, not in the picture yet.
    scene = sample_scene(1006, SceneRequest(frame_count=20, frame_rate=Fraction(8)))
    assert not scene.render(2).truth.visible_fraction.any()


def test_a_frame_outside_the_clip_is_an_index_error() -> None:
    with pytest.raises(IndexError, match=r"0\.\.23"):
        _scene(1).render(24)
