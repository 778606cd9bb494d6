"""An exact z-buffer for triangle meshes in NumPy: spans of whole rows, no sample outside its triangle."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragments:
    """The nearest surface at each covered pixel; N pixels, each once."""

    pixels: Ints
    """[N] row * width + column."""
    faces: Ints
    """[N] index of the triangle."""
    second: Floats
    """[N] screen-space barycentric weight of the triangle's second corner."""
    third: Floats
    """[N] weight of its third corner."""
    inverse_depth: Floats
    """[N] 1 / z."""

    def interpolate(self, corner_values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Values [N, c] from values at the corners of all triangles, [T, 3, c]."""
        own = corner_values[self.faces]
        second, third = self.second[:, None].astype(np.float32), self.third[:, None].astype(np.float32)
        mixed: NDArray[np.float32] = own[:, 0] * (1 - second - third) + own[:, 1] * second + own[:, 2] * third
        return mixed


def _front_facing(corners: Floats, size: tuple[int, int], near: float) -> Ints:
    """Triangles [T, 3, (x, y, z)] that face the camera, lie before it and touch the picture."""
    edge1, edge2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = edge1[:, 0] * edge2[:, 1] - edge1[:, 1] * edge2[:, 0]
    low, high = corners.min(axis=1), corners.max(axis=1)
    inside = (high[:, 0] > 0) & (high[:, 1] > 0) & (low[:, 0] < size[0]) & (low[:, 1] < size[1])
    return np.flatnonzero((area < -1e-9) & inside & (low[:, 2] > near))


def _expand(counts: Ints) -> tuple[Ints, Ints]:
    """For groups of `counts` members: the group of each member and its place in the group."""
    owner = np.repeat(np.arange(len(counts)), counts)
    start = np.cumsum(counts) - counts
    return owner, np.arange(len(owner)) - start[owner]


def _spans(corners: Floats, size: tuple[int, int]) -> tuple[Ints, Ints, Ints, Ints]:
    """Rows of pixels inside each triangle: triangle, row, first column and number of columns.

    A pixel belongs to a triangle if its centre does; ties go to the right and lower triangle.
    """
    y = corners[:, :, 1]
    first = np.clip(np.ceil(y.min(axis=1) - 0.5), 0, size[1]).astype(np.int64)
    last = np.clip(np.ceil(y.max(axis=1) - 0.5), 0, size[1]).astype(np.int64)
    triangle, place = _expand(np.maximum(last - first, 0))
    row = first[triangle] + place
    left = np.full(len(row), -np.inf)
    right = np.full(len(row), np.inf)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        begin, rise = corners[:, a], corners[:, b] - corners[:, a]
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = rise[:, 0] / rise[:, 1]
            crossing = begin[triangle, 0] + (row + 0.5 - begin[triangle, 1]) * slope[triangle]
        upwards, downwards = (rise[:, 1] < 0)[triangle], (rise[:, 1] > 0)[triangle]
        left = np.where(downwards, np.maximum(left, crossing), left)
        right = np.where(upwards, np.minimum(right, crossing), right)
    start = np.clip(np.ceil(left - 0.5), 0, size[0]).astype(np.int64)
    stop = np.clip(np.ceil(right - 0.5), 0, size[0]).astype(np.int64)
    return triangle, row, start, np.maximum(stop - start, 0)


def _nearest(pixels: Ints, inverse_depth: Floats, pixel_count: int) -> NDArray[np.bool_]:
    """Which samples are nearest at their pixel; samples come far to near, but for small disorder."""
    best = np.zeros(pixel_count)
    best[pixels] = inverse_depth
    late = np.flatnonzero(inverse_depth > best[pixels])
    while len(late):
        best[pixels[late]] = inverse_depth[late]
        late = late[inverse_depth[late] > best[pixels[late]]]
    nearest = inverse_depth == best[pixels]
    chosen = np.zeros(pixel_count, np.int64)
    winners = np.flatnonzero(nearest)
    chosen[pixels[winners]] = winners
    nearest[winners[chosen[pixels[winners]] != winners]] = False
    return nearest


def rasterize(points: Floats, faces: Ints, size: tuple[int, int], near: float = 0.05) -> Fragments:
    """The visible surface of a mesh.

    `points` [V, 3] are x and y in pixels (centres at index + 0.5) and the depth z > 0; `faces` [T, 3] turn
    counter-clockwise as seen by the camera; `size` is (width,
    height). Faces that reach behind `near` are left
    out.
    """
    corners = points[faces]
    kept = _front_facing(corners, size, near)
    kept = kept[np.argsort(-corners[kept, :, 2].sum(axis=1))]
    corners = corners[kept]
    triangle, row, start, count = _spans(corners, size)
    span, place = _expand(count)
    owner, column = triangle[span], start[span] + place
    pixels = row[span] * size[0] + column
    second, third = _weights(corners, triangle, row + 0.5)
    u = second[0][span] + second[1][owner] * (column + 0.5)
    v = third[0][span] + third[1][owner] * (column + 0.5)
    inverse = 1.0 / corners[:, :, 2]
    base, du, dv = inverse[:, 0], inverse[:, 1] - inverse[:, 0], inverse[:, 2] - inverse[:, 0]
    depth = base[owner] + du[owner] * u + dv[owner] * v
    won = np.flatnonzero(_nearest(pixels, depth, size[0] * size[1]))
    return Fragments(
        pixels=pixels[won], faces=kept[owner[won]], second=u[won], third=v[won], inverse_depth=depth[won]
    )


def _weights(
    corners: Floats, triangle: Ints, y: Floats
) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Barycentric weights as (value at x = 0 for each span, slope along x for each triangle)."""
    origin = corners[:, 0]
    edge1, edge2 = corners[:, 1] - origin, corners[:, 2] - origin
    area = edge1[:, 0] * edge2[:, 1] - edge1[:, 1] * edge2[:, 0]
    dy = y - origin[triangle, 1]
    second_x, second_y = edge2[:, 1] / area, -edge2[:, 0] / area
    third_x, third_y = -edge1[:, 1] / area, edge1[:, 0] / area
    second = second_y[triangle] * dy - (second_x * origin[:, 0])[triangle]
    third = third_y[triangle] * dy - (third_x * origin[:, 0])[triangle]
    return (second, second_x), (third, third_x)
