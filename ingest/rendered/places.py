"""Pictures of grounds and backdrops where athletes train."""

from collections.abc import Callable

import cv2
import numpy as np

from ingest.rendered.textures import Floats, Picture, blend, hue_colour, noise, scatter, seamless, tinted

_GROUND_PX = 2048
_BACKDROP_PX = (4096, 768)
SPREAD = 7.0
"""Width of a backdrop over its distance from the camera."""


def _grain(rng: np.random.Generator, octaves: tuple[int, ...]) -> Floats:
    return seamless(noise(rng, (_GROUND_PX // 2,) * 2, octaves))


def _lines(rng: np.random.Generator, ground: Picture, metre_px: float, spacing_m: float) -> None:
    """Parallel white lines and a cross line, as on tracks and pitches."""
    colour = [int(v) for v in rng.uniform(200, 250) * np.array([1.0, 1.0, rng.uniform(0.6, 1.0)])]
    width = max(int(rng.uniform(0.05, 0.11) * metre_px), 2)
    for x in np.arange(0, _GROUND_PX, spacing_m * metre_px):
        cv2.line(ground, (int(x), 0), (int(x), _GROUND_PX), colour, width)
    y = int(rng.integers(0, _GROUND_PX))
    cv2.line(ground, (0, y), (_GROUND_PX, y), colour, width)


def _grass(rng: np.random.Generator) -> Picture:
    base = np.array([rng.uniform(55, 110), rng.uniform(95, 150), rng.uniform(35, 75)])
    return tinted(base, _grain(rng, (3, 20, 150, 500)), rng.uniform(0.06, 0.16))


def _pitch(rng: np.random.Generator) -> Picture:
    ground = _grass(rng)
    stripe = (np.arange(_GROUND_PX) // int(rng.integers(150, 400))) % 2
    shaded = ground * (1 + rng.uniform(0.04, 0.14) * stripe)[None, :, None]
    ground = np.clip(shaded, 0, 255).astype(np.uint8)
    _lines(rng, ground, _GROUND_PX / 40, rng.uniform(9, 18))
    return ground


def _track(rng: np.random.Generator) -> Picture:
    bases = ((172, 82, 62), (150, 66, 58), (60, 98, 160), (52, 120, 150), (120, 58, 50), (110, 110, 116))
    base = np.array(bases[rng.integers(len(bases))]) * rng.uniform(0.85, 1.15)
    ground = tinted(base, _grain(rng, (4, 30, 350, 500)), rng.uniform(0.03, 0.09))
    _lines(rng, ground, _GROUND_PX / 40, 1.22)
    return ground


def _wood(rng: np.random.Generator) -> Picture:
    base = np.array([rng.uniform(170, 215), rng.uniform(120, 165), rng.uniform(70, 115)])
    grain = cv2.resize(noise(rng, (64, 2048), (16, 40)), (_GROUND_PX, _GROUND_PX))
    plank = np.repeat(rng.normal(0, 1, 256), 8)[:, None]
    ground = tinted(base, (0.5 * grain.T + plank.T * 0.6).astype(np.float32), 0.05)
    for _ in range(int(rng.integers(2, 7))):
        colour = [int(v) for v in hue_colour(rng, (0.3, 1.0), (0.3, 1.0))]
        centre = tuple(int(v) for v in rng.integers(0, _GROUND_PX, 2))
        cv2.circle(ground, centre, int(rng.integers(90, 600)), colour, int(rng.integers(3, 7)))
        cv2.line(ground, (0, centre[1]), (_GROUND_PX, centre[1]), colour, int(rng.integers(3, 7)))
    return ground


def _floor(rng: np.random.Generator) -> Picture:
    """Asphalt, rubber, concrete or sand."""
    base = hue_colour(rng, (0.0, 0.35), (0.25, 0.85))
    ground = tinted(base, _grain(rng, (2, 12, 100, 500)), rng.uniform(0.03, 0.15))
    if rng.random() < 0.4:
        _lines(rng, ground, _GROUND_PX / 40, rng.uniform(1.0, 6.0))
    return ground


def _sky(rng: np.random.Generator) -> Picture:
    width, height = _BACKDROP_PX
    top = np.array([rng.uniform(60, 150), rng.uniform(110, 185), rng.uniform(170, 240)])
    if rng.random() < 0.35:
        top = np.full(3, rng.uniform(120, 225))
    sky = blend(np.clip(top * 1.25 + 25, 0, 250), top, height, width).astype(np.float32)
    clouds = (
        np.clip(noise(rng, (width, height), (10, 30, 90)) - rng.uniform(0.2, 1.2), 0, 1.5)[..., None] / 1.5
    )
    clouded = np.clip(sky * (1 - 0.7 * clouds) + 245 * 0.7 * clouds, 0, 255)
    return np.ascontiguousarray(clouded.astype(np.uint8))


def _tree_line(rng: np.random.Generator, picture: Picture, base_row: int, height_px: float) -> None:
    width = picture.shape[1]
    outline = noise(rng, (width, 8), (24, 90, 400))[0]
    tops = base_row - np.clip(height_px * (0.75 + 0.25 * outline), 4, None)
    leaves = noise(rng, (width, picture.shape[0]), (120, 420, 1400))
    base = np.array([rng.uniform(30, 80), rng.uniform(60, 110), rng.uniform(25, 60)])
    trees = tinted(base, leaves, 0.28)
    rows = np.arange(picture.shape[0])[:, None]
    mask = (rows >= tops[None, :]) & (rows < base_row)
    picture[mask] = trees[mask]


def _stand(rng: np.random.Generator, picture: Picture, base_row: int, height_px: int) -> None:
    """Spectators in rows behind a board."""
    width, top = picture.shape[1], base_row - height_px
    picture[top:base_row] = hue_colour(rng, (0.0, 0.5), (0.2, 0.7))
    scatter(rng, picture, int(rng.integers(1500, 3500)), (top, base_row - height_px // 6))
    board = base_row - height_px // 5
    x = 0
    while x < width:
        span = int(rng.integers(60, 300))
        picture[board:base_row, x : x + span] = hue_colour(rng, (0.0, 1.0), (0.2, 1.0))
        cv2.putText(
            picture, "".join(rng.choice(list("AEKLMNORSTX"), 5)), (x + 8, base_row - 6), 0,
            height_px / 150, [int(v) for v in hue_colour(rng, (0, 1), (0, 1))], 2,
        )  # fmt: skip
        x += span


def _houses(rng: np.random.Generator, picture: Picture, base_row: int, height_px: float) -> None:
    width, x = picture.shape[1], 0
    while x < width:
        span, tall = int(rng.integers(80, 420)), int(height_px * rng.uniform(0.5, 1.6))
        top = max(base_row - tall, 0)
        picture[top:base_row, x : x + span] = hue_colour(rng, (0.0, 0.45), (0.25, 0.9))
        pane = [int(v) for v in rng.uniform(30, 120) * np.array([0.9, 1.0, 1.1])]
        pitch = int(rng.integers(18, 46))
        for left in range(x + 8, min(x + span, width) - 12, pitch):
            for row in range(top + 8, base_row - 14, pitch):
                cv2.rectangle(picture, (left, row), (left + pitch // 2, row + pitch // 2), pane, -1)
        x += span + int(rng.integers(0, 60))


def _fence(rng: np.random.Generator, picture: Picture, base_row: int, height_px: int) -> None:
    colour = [int(v) for v in hue_colour(rng, (0.0, 0.5), (0.1, 0.9))]
    step = int(rng.integers(14, 60))
    for x in range(0, picture.shape[1], step):
        cv2.line(picture, (x, base_row), (x, base_row - height_px), colour, int(rng.integers(1, 4)))
    for row in np.linspace(base_row - height_px, base_row - 2, int(rng.integers(2, 6))):
        cv2.line(picture, (0, int(row)), (picture.shape[1], int(row)), colour, 2)


def _outdoors(rng: np.random.Generator) -> Picture:
    picture = _sky(rng)
    bottom = picture.shape[0]
    scale = picture.shape[1] / SPREAD / 40.0
    if rng.random() < 0.7:
        _tree_line(rng, picture, bottom, rng.uniform(4, 14) * scale)
    if rng.random() < 0.35:
        _houses(rng, picture, bottom, rng.uniform(5, 12) * scale)
    if rng.random() < 0.35:
        _stand(rng, picture, bottom, int(rng.uniform(3, 8) * scale))
    if rng.random() < 0.35:
        _fence(rng, picture, bottom, int(rng.uniform(1.5, 5) * scale))
    return picture


def _indoors(rng: np.random.Generator) -> Picture:
    width, height = _BACKDROP_PX
    base = hue_colour(rng, (0.0, 0.35), (0.35, 0.95))
    picture = tinted(base, noise(rng, (width, height), (3, 9)), 0.05)
    x = 0
    while x < width:
        span = int(rng.integers(60, 500))
        kind = rng.random()
        row = int(height * rng.uniform(0.35, 0.9))
        if kind < 0.3:
            picture[row:, x : x + span] = hue_colour(rng, (0.1, 0.9), (0.2, 0.9))
        elif kind < 0.5:
            picture[row - 150 : row - 20, x : x + span] = hue_colour(rng, (0.0, 0.3), (0.7, 1.0))
        elif kind < 0.65:
            for bar in range(row, height, 18):
                cv2.line(picture, (x, bar), (x + span, bar), (120, 80, 45), 5)
        x += span + int(rng.integers(0, 250))
    return picture


def _studio(rng: np.random.Generator) -> Picture:
    """Anything: coarse noise or a gradient of two colours."""
    width, height = _BACKDROP_PX
    low, high = hue_colour(rng, (0.0, 0.8), (0.05, 1.0)), hue_colour(rng, (0.0, 0.8), (0.05, 1.0))
    picture = blend(low, high, height, width).astype(np.float32)
    rough = np.stack([noise(rng, (width, height), (6, 30, 150)) for _ in range(3)], axis=-1)
    return np.clip(picture + rough * rng.uniform(2, 40), 0, 255).astype(np.uint8)


_Maker = Callable[[np.random.Generator], Picture]
PLACES: dict[str, tuple[tuple[_Maker, ...], tuple[_Maker, ...], tuple[float, float]]] = {
    "track": ((_track,), (_outdoors,), (25.0, 60.0)),
    "pitch": ((_pitch, _grass), (_outdoors,), (25.0, 70.0)),
    "gym": ((_wood, _floor), (_indoors,), (9.0, 22.0)),
    "street": ((_floor,), (_outdoors,), (14.0, 40.0)),
    "studio": ((_floor, _wood, _grass), (_studio, _indoors), (8.0, 30.0)),
}
"""Grounds, backdrops and the range of the backdrop's distance in metres."""
