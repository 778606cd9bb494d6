"""Places where athletes train: a textured ground, a far backdrop and the light that falls on both."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest.rendered.cameras import Camera
from ingest.rendered.places import PLACES, SPREAD
from ingest.rendered.textures import Colour, Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """A sun and a sky."""

    direction: NDArray[np.float64]
    """[3] unit vector towards the sun, world."""
    sun: NDArray[np.float32]
    """[3] strength per channel."""
    sky: NDArray[np.float32]
    """[3] from above."""
    bounce: NDArray[np.float32]
    """[3] from below."""
    shadow: float
    """Darkness of cast shadows, 0..1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What is behind the athletes."""

    ground: Picture
    ground_m: float
    """Edge of the square that the ground picture covers; it repeats."""
    ground_turn_rad: float
    backdrop: Picture
    distance_m: float
    """Of the backdrop from the camera's spot, along `facing_rad`."""
    facing_rad: float
    """Yaw of the backdrop, as of cameras."""
    centre_m: NDArray[np.float64]
    """[3] the camera's spot on the ground."""
    light: Light

    def draw(self, camera: Camera) -> Picture:
        """The picture [h, w, 3] without athletes."""
        mask = self._ground_mask(camera)
        height = camera.size[1]
        horizon, full = int(np.argmax(mask.any(axis=1))) if mask.any() else height, mask.all(axis=1)
        below = int(np.argmax(full)) if full.any() else height
        picture = np.empty((height, camera.size[0], 3), np.uint8)
        picture[:below] = self._backdrop(camera, below)
        ground = self._ground(camera, horizon)
        picture[below:] = ground[below - horizon :]
        mixed = slice(horizon, below)
        picture[mixed] = np.where(mask[mixed, :, None] > 0, ground[: below - horizon], picture[mixed])
        return picture

    def _frame(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Directions to the right along the backdrop and towards it."""
        cosine, sine = np.cos(self.facing_rad), np.sin(self.facing_rad)
        return np.array([cosine, 0.0, sine]), np.array([sine, 0.0, -cosine])

    def _backdrop(self, camera: Camera, rows: int) -> Picture:
        """The top `rows` of the picture."""
        right, forward = self._frame()
        origin = self.centre_m + forward * self.distance_m
        texels = self.backdrop.shape[1] / (SPREAD * self.distance_m)
        middle, bottom = self.backdrop.shape[1] / 2, self.backdrop.shape[0]
        plane = camera.plane_homography(origin, right, np.array([0.0, 1.0, 0.0]))
        metres = np.array([[1 / texels, 0, -middle / texels], [0, -1 / texels, bottom / texels], [0, 0, 1.0]])
        return _warp(self.backdrop, plane @ metres, (camera.size[0], rows), cv2.BORDER_REFLECT)

    def _ground(self, camera: Camera, top: int) -> Picture:
        """The picture from row `top` down."""
        scale = self.ground_m / self.ground.shape[0]
        cosine, sine = np.cos(self.ground_turn_rad), np.sin(self.ground_turn_rad)
        along, across = np.array([cosine, 0.0, sine]), np.array([-sine, 0.0, cosine])
        plane = camera.plane_homography(np.zeros(3), along * scale, across * scale)
        lowered = np.array([[1, 0, 0], [0, 1, -top], [0, 0, 1.0]]) @ plane
        return _warp(self.ground, lowered, (camera.size[0], camera.size[1] - top), cv2.BORDER_WRAP)

    def _ground_mask(self, camera: Camera) -> Picture:
        """Where the ground lies before the backdrop."""
        right, forward = self._frame()
        foot = self.centre_m + forward * self.distance_m
        ends = camera.to_camera(np.stack([foot - right * self.distance_m, foot + right * self.distance_m]))
        left, end = camera.picture(ends)[:, :2]
        slope = (end - left) / max(float(end[0] - left[0]), 1e-6)
        width, height = camera.size
        low, high = left - slope * (left[0] + 10), left + slope * (width + 10 - left[0])
        corners = np.array([low, high, (width + 10, height + 10), (-10, height + 10)])
        mask = np.zeros((height, width), np.uint8)
        cv2.fillConvexPoly(mask, np.round(corners - 0.5).astype(np.int32), (1,))
        return mask


def _warp(texture: Picture, to_picture: NDArray[np.float64], size: tuple[int, int], border: int) -> Picture:
    """Resample a texture; `to_picture` maps texels to pixels, both with centres at index + 0.5."""
    if min(size) == 0:
        return np.empty((size[1], size[0], 3), np.uint8)
    half = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1.0]])
    matrix = half @ to_picture @ np.linalg.inv(half)
    warped = cv2.warpPerspective(texture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(warped, dtype=np.uint8)


def _sample_light(rng: np.random.Generator, indoors: bool) -> Light:
    azimuth, height = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(25, 80))
    direction = np.array([np.cos(height) * np.sin(azimuth), np.sin(height), np.cos(height) * np.cos(azimuth)])
    sunny = rng.random() < (0.25 if indoors else 0.6)
    warmth = rng.uniform(-0.06, 0.08)
    tint: Colour = np.array([1 + warmth, 1.0, 1 - warmth])
    strength = rng.uniform(0.6, 0.95) if sunny else rng.uniform(0.15, 0.4)
    sky = rng.uniform(0.3, 0.5) if sunny else rng.uniform(0.5, 0.75)
    return Light(
        direction=direction,
        sun=(strength * tint).astype(np.float32),
        sky=(sky * tint[::-1]).astype(np.float32),
        bounce=np.full(3, sky * rng.uniform(0.3, 0.6), np.float32),
        shadow=rng.uniform(0.3, 0.6) if sunny else rng.uniform(0.05, 0.25),
    )


def sample_background(
    rng: np.random.Generator, place: str, centre_m: NDArray[np.float64], facing_rad: float, nearest_m: float
) -> Background:
    """A random background of one of `PLACES`, its backdrop at least `nearest_m` away."""
    grounds, backdrops, distances = PLACES[place]
    ground = grounds[rng.integers(len(grounds))](rng)
    backdrop = backdrops[rng.integers(len(backdrops))](rng)
    light = _sample_light(rng, indoors=place in ("gym", "studio"))
    exposure = rng.uniform(0.7, 1.15)
    return Background(
        ground=cv2.convertScaleAbs(ground, alpha=exposure * (0.75 + 0.25 * float(light.sun.mean()))).astype(
            np.uint8
        ),
        ground_m=40.0,
        ground_turn_rad=facing_rad + rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.12),
        backdrop=cv2.convertScaleAbs(backdrop, alpha=exposure).astype(np.uint8),
        distance_m=max(rng.uniform(*distances), nearest_m),
        facing_rad=facing_rad,
        centre_m=np.array([centre_m[0], 0.0, centre_m[2]]),
        light=light,
    )
