"""The drawing kernels, in their C++ build, against what simple triangles must give."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch

from trt_build.training.cameras import Cameras, tilted
from trt_build.training.drawing import Drawing, Layer, Screen, draw, owner_at, seen_share
from trt_build.training.kernels import host_compiler, start

try:
    host_compiler()
except FileNotFoundError as missing:
    pytest.skip(str(missing), allow_module_level=True)

pytestmark = pytest.mark.torch

SIDE = 8
NEAR_M, FAR_M = 2.0, 3.0
LEFT_HALF = ((0.0, 0.0), (4.0, 0.0), (4.0, 8.0), (0.0, 8.0))
TOP_HALF = ((0.0, 0.0), (8.0, 0.0), (8.0, 4.0), (0.0, 4.0))


def quad_layer(corners: tuple[tuple[float, float], ...], depth_m: float, colour: float) -> Layer:
    """One flat quad of pixel corners in picture 0, facing the camera, in a plain grey."""
    screen = torch.tensor([[(x, y, depth_m) for x, y in corners]])
    materials = torch.zeros((1, 1, 16))
    materials[..., 0:6] = colour
    materials[..., 12], materials[..., 13] = 1, 1
    return Layer(
        screen=screen,
        normals=torch.tensor([0.0, 0.0, -1.0]).repeat(1, 4, 1),
        rest=torch.zeros((1, 4, 3)),
        rest_of=torch.zeros(1, dtype=torch.int32),
        triangles=torch.tensor([[0, 1, 2], [0, 2, 3]], dtype=torch.int32),
        slots=torch.zeros(2, dtype=torch.int32),
        materials=materials,
        image=torch.zeros(1, dtype=torch.int32),
    )


def white_screen(width: int = SIDE, samples: int = 1) -> Screen:
    """A picture lit so that a surface shows its own colour."""
    lights = torch.zeros((1, 16))
    lights[:, 6:12], lights[:, 13], lights[:, 15] = 1, 1, 1
    return Screen(
        height=SIDE,
        width=SIDE,
        samples=samples,
        sizes=torch.tensor([[width * samples, SIDE * samples]], dtype=torch.int32),
        every=torch.ones(1, dtype=torch.int32),
        lights=lights,
    )


def drawn(layers: list[Layer], screen: Screen | None = None) -> Drawing:
    return draw(layers, screen or white_screen())


def test_a_quad_covers_exactly_its_pixels() -> None:
    colour = drawn([quad_layer(LEFT_HALF, NEAR_M, 0.5)]).colour[0]
    expected = np.zeros((SIDE, SIDE))
    expected[:, :4] = 1
    np.testing.assert_array_equal(colour[3].numpy(), expected)
    np.testing.assert_allclose(colour[0].numpy(), 0.5 * expected, atol=1e-6)


def test_supersampling_covers_a_part_of_a_pixel() -> None:
    narrow = ((0.0, 0.0), (1.0, 0.0), (1.0, 16.0), (0.0, 16.0))
    colour = drawn([quad_layer(narrow, NEAR_M, 1.0)], white_screen(samples=2)).colour[0]
    np.testing.assert_allclose(colour[3, :, 0].numpy(), 0.5)


def test_the_nearer_quad_hides_the_other_in_any_order() -> None:
    near, far = quad_layer(LEFT_HALF, NEAR_M, 0.2), quad_layer(TOP_HALF, FAR_M, 0.9)
    for layers in ([near, far], [far, near]):
        colour = drawn(layers).colour[0, 0]
        np.testing.assert_allclose(colour[0].numpy(), [0.2] * 4 + [0.9] * 4, atol=1e-6)
        np.testing.assert_allclose(colour[7].numpy(), [0.2] * 4 + [0.0] * 4, atol=1e-6)


def test_seen_share_counts_what_is_neither_hidden_nor_cut_off() -> None:
    near, far = quad_layer(LEFT_HALF, NEAR_M, 0.2), quad_layer(TOP_HALF, FAR_M, 0.9)
    inner = torch.tensor([[(1.0, 1.0, FAR_M), (7.0, 1.0, FAR_M), (7.0, 3.0, FAR_M), (1.0, 3.0, FAR_M)]])
    drawing = drawn([near, far])
    sizes = white_screen().sizes
    image = torch.zeros(1, dtype=torch.int64)
    assert owner_at(drawing.nearest, image, inner, sizes).tolist() == [[0, 1, 1, 0]]
    outside = torch.tensor([[(-0.1, 1.0, 1.0), (7.0, 8.0, 1.0)]])
    assert owner_at(drawing.nearest, image, outside, sizes).tolist() == [[-2, -2]]
    assert seen_share(near, 0, drawing.nearest, sizes, torch.tensor([1.0, 0, 0, 0])).tolist() == [1.0]


def test_nothing_is_drawn_beyond_the_content() -> None:
    colour = drawn([quad_layer(TOP_HALF, NEAR_M, 1.0)], white_screen(width=6)).colour[0, 3]
    assert colour[0].tolist() == [1.0] * 6 + [0.0] * 2


def test_a_disabled_material_is_not_drawn() -> None:
    layer = quad_layer(LEFT_HALF, NEAR_M, 0.5)
    layer.materials[..., 13] = 0
    assert drawn([layer]).colour.abs().sum() == 0


def test_kernels_refuse_arrays_with_gaps() -> None:
    with pytest.raises(ValueError, match="expected dense arrays"):
        start("paint", torch.zeros(4, 4)[:, ::2], count=1)


def test_a_ray_goes_through_the_pixel_it_came_from() -> None:
    cameras = Cameras(
        rotation=tilted(torch.tensor([0.3]), torch.tensor([0.1])),
        position=torch.tensor([[0.5, 1.6, 0.0]]),
        focal_px=torch.tensor([300.0]),
        centre_px=torch.tensor([[208.0, 117.0]]),
    )
    pixel, image = torch.tensor([[100.0, 50.0]]), torch.tensor([0])
    point = cameras.position + 7 * cameras.ray(pixel, image)
    np.testing.assert_allclose(cameras.project(point[:, None], image)[0, 0], [100, 50, 7], rtol=1e-5)
