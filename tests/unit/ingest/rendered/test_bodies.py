"""Bodies and motions: proportions, symmetry, continuity, and equality of NumPy and PyTorch."""

import importlib.util

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.skeletons import HALPE_26
from ingest.rendered import bodies, motions, quaternions, wardrobe
from ingest.rendered.actions import ACTIONS
from ingest.rendered.anatomy import BONES, REST_FEMALE, REST_MALE
from ingest.rendered.arrays import Array
from ingest.rendered.patches import PARTS

_BONES = [("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"), ("ankle", "heel")]
_SIDES = [
    tuple(HALPE_26.index(f"{side}_{name}") for name in bone) for bone in _BONES for side in ("left", "right")
]


def _posed(action: str, phases: Array, seed: int = 0, spread: float = 1.0) -> tuple[Array, Array]:
    """Vertices and joints of one athlete at several phases."""
    rng = np.random.default_rng(seed)
    people = wardrobe.sample_bodies(rng, 1)
    style = motions.sample_style(rng, 1, spread)
    shape = people.shape.map(lambda values: np.repeat(values, len(phases), axis=0))
    repeated = motions.Style(
        gains=np.repeat(style.gains, len(phases), axis=0),
        offsets_deg=np.repeat(style.offsets_deg, len(phases), axis=0),
        mirror=np.repeat(style.mirror, len(phases), axis=0),
    )
    pose = motions.pose_at(ACTIONS[action], phases, repeated, shape)
    return bodies.pose_mesh(shape, pose.rotations, pose.root_m)


def test_template_is_a_closed_and_outward_mesh() -> None:
    assert bodies.FACES.shape == (len(bodies.FACE_PARTS), 3)
    assert bodies.FACES.max() < bodies.VERTEX_COUNT
    assert set(np.unique(bodies.FACE_PARTS)) <= set(range(len(PARTS)))
    vertices, _ = _posed("idle", np.zeros(1, np.float32))
    corners = vertices[0][bodies.FACES].astype(np.float64)
    volume = np.einsum("ti,ti->t", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert 0.04 < volume < 0.16


def test_rest_tables_follow_drillis_and_contini() -> None:
    for rest in (REST_MALE, REST_FEMALE):
        heads = dict(zip(BONES, rest, strict=True))
        thigh = np.linalg.norm(heads["left_thigh"] - heads["left_shank"])
        shank = np.linalg.norm(heads["left_shank"] - heads["left_foot"])
        upper_arm = np.linalg.norm(heads["left_upper_arm"] - heads["left_forearm"])
        forearm = np.linalg.norm(heads["left_forearm"] - heads["left_hand"])
        assert [thigh, shank, upper_arm, forearm] == pytest.approx([0.245, 0.246, 0.186, 0.146], abs=0.012)


@pytest.mark.parametrize("action", list(ACTIONS))
def test_bone_lengths_are_constant(action: str) -> None:
    _, joints = _posed(action, np.linspace(0, 1, 24, endpoint=False, dtype=np.float32))
    for first, second in _SIDES:
        lengths = np.linalg.norm(joints[:, first] - joints[:, second], axis=-1)
        assert np.ptp(lengths) < 1e-3 * lengths.mean() + 2e-3


@pytest.mark.parametrize("action", list(ACTIONS))
def test_motion_has_no_jumps(action: str) -> None:
    phases = np.linspace(0, 1, 200, dtype=np.float32)
    _, joints = _posed(action, phases)
    steps = np.linalg.norm(np.diff(joints, axis=0), axis=-1)
    assert np.linalg.norm(joints[0] - joints[-1], axis=-1).max() < 1e-3
    assert steps.max() < 0.16
    assert np.abs(np.diff(joints, n=2, axis=0)).max() < 0.04


@pytest.mark.parametrize("action", list(ACTIONS))
def test_feet_reach_the_ground_and_stay_above_it(action: str) -> None:
    vertices, _ = _posed(action, np.linspace(0, 1, 40, endpoint=False, dtype=np.float32))
    lowest = vertices[..., 1].min(axis=1)
    assert lowest.min() > -0.035
    assert np.abs(lowest).min() < 0.02


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), phase=st.floats(0, 1), action=st.sampled_from(list(ACTIONS)))
def test_mirrored_style_gives_the_mirror_image(seed: int, phase: float, action: str) -> None:
    rng = np.random.default_rng(seed)
    shape = wardrobe.sample_bodies(rng, 1).shape
    style = motions.sample_style(rng, 1)
    images = []
    for mirror in (0.0, 1.0):
        turned = motions.Style(
            gains=style.gains, offsets_deg=style.offsets_deg, mirror=np.full(1, mirror, np.float32)
        )
        pose = motions.pose_at(ACTIONS[action], np.array([phase], np.float32), turned, shape)
        images.append(bodies.pose_mesh(shape, pose.rotations, pose.root_m)[1][0])
    swapped = images[1].copy()
    for left, right in HALPE_26.mirror_pairs:
        swapped[[left, right]] = swapped[[right, left]]
    np.testing.assert_allclose(swapped * [-1, 1, 1], images[0], atol=2e-5)


def test_same_generator_gives_the_same_people() -> None:
    first, second = (wardrobe.sample_bodies(np.random.default_rng(5), 4) for _ in range(2))
    np.testing.assert_array_equal(first.palette, second.palette)
    np.testing.assert_array_equal(first.shape.girths, second.shape.girths)
    assert 1.4 < first.shape.stature_m.min() <= first.shape.stature_m.max() < 2.1


@given(angle=st.floats(-3, 3), axis=st.integers(0, 2))
def test_half_a_rotation_twice_is_the_rotation(angle: float, axis: int) -> None:
    whole = quaternions.about_axis(axis, np.array([angle]))
    half = quaternions.fraction(whole, 0.5)
    np.testing.assert_allclose(
        quaternions.matrices(quaternions.multiply(half, half)), quaternions.matrices(whole), atol=1e-9
    )


def test_facing_turns_left_for_positive_headings() -> None:
    rng = np.random.default_rng(0)
    shape = wardrobe.sample_bodies(rng, 1).shape
    pose = motions.pose_at(ACTIONS["idle"], np.zeros(1, np.float32), motions.sample_style(rng, 1, 0.0), shape)
    place = np.array([[1.0, 0.0, 2.0]], np.float32)
    turned = motions.facing(pose, np.array([np.pi / 2], np.float32), place)
    _, joints = bodies.pose_mesh(shape, turned.rotations, turned.root_m)
    nose, hip = joints[0, HALPE_26.index("nose")], joints[0, HALPE_26.index("hip")]
    assert nose[0] > hip[0] + 0.05
    assert hip[[0, 2]] == pytest.approx([1.0, 2.0], abs=1e-5)


@pytest.mark.torch
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("action", list(ACTIONS))
def test_torch_and_numpy_agree(action: str) -> None:
    torch = importlib.import_module("torch")
    rng = np.random.default_rng(2)
    shape, style = wardrobe.sample_bodies(rng, 6).shape, motions.sample_style(rng, 6)
    phase = rng.random(6).astype(np.float32)
    pose = motions.pose_at(ACTIONS[action], phase, style, shape)
    expected = bodies.pose_mesh(shape, pose.rotations, pose.root_m)
    tensors = motions.Style(
        gains=torch.as_tensor(style.gains),
        offsets_deg=torch.as_tensor(style.offsets_deg),
        mirror=torch.as_tensor(style.mirror),
    )
    moved = shape.map(torch.as_tensor)
    pose = motions.pose_at(ACTIONS[action], torch.as_tensor(phase), tensors, moved)
    for tensor, array in zip(bodies.pose_mesh(moved, pose.rotations, pose.root_m), expected, strict=True):
        np.testing.assert_allclose(np.asarray(tensor), array, atol=1e-5)
