"""Other hues, casts and light: rendered clips have the colours of a few grounds, cameras see all of them."""

import math

import torch
from torch import Tensor

from trt_build.training.draws import Draws

GAIN, CHANNEL_GAIN, GAMMA = 0.2, 0.15, 0.25
"""Standard deviations of logarithms: of all light, of each colour's share of it, of the display's curve."""
SATURATION = (0.3, 2.0)
CONTRAST = (0.6, 1.3)


def recoloured(pictures: Tensor, share: float, draws: Draws, border: float) -> Tensor:
    """Pictures [N, 3, h, w] (0..255, whole numbers), about a `share` of them in other colours.

    Pixels whose colours all equal `border` lie beyond the picture and stay as they are.
    """
    chosen = draws.chance((len(pictures),), share).nonzero()[:, 0]
    if not len(chosen):
        return pictures
    old = pictures[chosen]
    new = torch.where((old == border).all(1, keepdim=True), old, _in_other_colours(old, draws))
    return pictures.index_copy(0, chosen, new)


def _in_other_colours(pictures: Tensor, draws: Draws) -> Tensor:
    count = len(pictures)
    light = torch.einsum("noc,nchw->nohw", colour_matrices(count, draws), pictures / 255)
    middle = light.mean((1, 2, 3), keepdim=True)
    light = (light - middle) * draws.uniform((count, 1, 1, 1), *CONTRAST) + middle
    curve = torch.exp(draws.normal((count, 1, 1, 1), GAMMA))
    return (light.clamp(0, 1) ** curve * 255).round()


def colour_matrices(count: int, draws: Draws) -> Tensor:
    """[N, 3, 3]: hues turned about the grey axis, made paler or stronger, then each channel's gain."""
    angle = draws.uniform((count, 1, 1), -math.pi, math.pi) * draws.chance((count, 1, 1), 0.5)
    grey = torch.full((3, 3), 1 / 3, device=draws.device)
    across = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]], device=draws.device) / math.sqrt(3)
    turned = (torch.eye(3, device=draws.device) - grey) * angle.cos() + across * angle.sin()
    coloured = grey + turned * draws.log_uniform((count, 1, 1), *SATURATION)
    gain = torch.exp(draws.normal((count, 1, 1), GAIN) + draws.normal((count, 3, 1), CHANNEL_GAIN))
    return coloured * gain
