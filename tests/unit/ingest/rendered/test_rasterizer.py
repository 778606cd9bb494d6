"""The rasteriser against a direct evaluation of the same definition."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.rendered.rasterizer import Fragments, rasterize

_SIZE = (40, 30)


def _depths(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Inverse depth [h, w] by testing each pixel's centre against each triangle, zero where there is none."""
    x, y = np.meshgrid(np.arange(_SIZE[0]) + 0.5, np.arange(_SIZE[1]) + 0.5)
    best = np.zeros(x.shape)
    for corners in points[faces]:
        a, edge1, edge2 = corners[0], corners[1] - corners[0], corners[2] - corners[0]
        area = edge1[0] * edge2[1] - edge1[1] * edge2[0]
        if area >= -1e-9:
            continue
        u = ((x - a[0]) * edge2[1] - (y - a[1]) * edge2[0]) / area
        v = ((y - a[1]) * edge1[0] - (x - a[0]) * edge1[1]) / area
        inverse = 1 / corners[:, 2]
        depth = inverse[0] + u * (inverse[1] - inverse[0]) + v * (inverse[2] - inverse[0])
        inside = (u >= 0) & (v >= 0) & (u + v <= 1)
        best = np.where(inside & (depth > best), depth, best)
    return best


def _picture(fragments: Fragments) -> np.ndarray:
    picture = np.zeros(_SIZE[0] * _SIZE[1])
    picture[fragments.pixels] = fragments.inverse_depth
    return picture.reshape(_SIZE[1], _SIZE[0])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_matches_a_direct_evaluation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = np.concatenate([rng.uniform(-10, 50, (12, 2)), rng.uniform(1, 5, (12, 1))], axis=1)
    faces = rng.integers(0, 12, (14, 3))
    fragments = rasterize(points, faces, _SIZE)
    np.testing.assert_allclose(_picture(fragments), _depths(points, faces), atol=1e-9)
    assert len(np.unique(fragments.pixels)) == len(fragments.pixels)


def test_shared_edges_leave_no_gap_and_no_overlap() -> None:
    points = np.array([(3.2, 2.1, 2.0), (33.7, 4.9, 2.0), (30.1, 25.3, 2.0), (5.5, 27.8, 2.0)])
    halves = [rasterize(points, np.array([face]), _SIZE).pixels for face in ((0, 2, 1), (0, 3, 2))]
    assert not set(halves[0]) & set(halves[1])
    both = rasterize(points, np.array([(0, 2, 1), (0, 3, 2)]), _SIZE)
    assert len(both.pixels) == len(halves[0]) + len(halves[1])


def test_weights_interpolate_the_corners() -> None:
    points = np.array([(0.0, 0.0, 1.0), (0.0, 30.0, 1.0), (40.0, 0.0, 1.0)])
    fragments = rasterize(points, np.array([(0, 1, 2)]), _SIZE)
    columns = fragments.interpolate(np.array([[[0.0], [0.0], [40.0]]], np.float32))[:, 0]
    np.testing.assert_allclose(columns, fragments.pixels % _SIZE[0] + 0.5, atol=1e-4)


def test_faces_turned_away_or_behind_the_camera_are_left_out() -> None:
    points = np.array([(0.0, 0.0, 1.0), (0.0, 30.0, 1.0), (40.0, 0.0, 1.0)])
    assert len(rasterize(points, np.array([(0, 2, 1)]), _SIZE).pixels) == 0
    assert len(rasterize(points * [1, 1, 0.01], np.array([(0, 1, 2)]), _SIZE).pixels) == 0
