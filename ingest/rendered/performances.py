"""One athlete's movement through a clip: pose and place as functions of time."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.rendered import motions, quaternions
from ingest.rendered.actions import Action
from ingest.rendered.arrays import Array

Floats = NDArray[np.float64]

_GRID = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """An action repeated along a straight line, or on the spot."""

    action: str
    angles_deg: Floats
    """[keys, angles] with the athlete's style."""
    sway: Floats
    """[angles, 3] amplitude in degrees, angular frequency in rad/s and phase of slow changes."""
    period_s: float
    phase: float
    """At time 0."""
    hip_m: Floats
    """[grid, 3] place of the mid hip over one cycle relative to the ground point, person's frame."""
    speed_mps: float
    heading_rad: float
    """0 faces +z, pi/2 faces +x."""
    start_m: Floats
    """[3] ground point at time 0."""

    def angles_at(self, time_s: float) -> Floats:
        """[angles] degrees."""
        phase = np.array([self._phase(time_s)])
        swayed = self.sway[:, 0] * np.sin(self.sway[:, 1] * time_s + self.sway[:, 2])
        values: Floats = motions.periodic(self.angles_deg, phase)[0] + swayed
        return values

    def ground_at(self, time_s: float) -> Floats:
        """[3] the ground point."""
        ahead = np.array([np.sin(self.heading_rad), 0.0, np.cos(self.heading_rad)])
        return self.start_m + ahead * (self.speed_mps * time_s)

    def hip_at(self, time_s: float) -> Floats:
        """[3] mid hip in the world."""
        local = motions.periodic(self.hip_m, np.array([self._phase(time_s)]))[0]
        cosine, sine = np.cos(self.heading_rad), np.sin(self.heading_rad)
        turned = np.array(
            [cosine * local[0] + sine * local[2], local[1], -sine * local[0] + cosine * local[2]]
        )
        return self.ground_at(time_s) + turned

    def _phase(self, time_s: float) -> float:
        return (self.phase + time_s / self.period_s) % 1.0


def rotations_at(performances: tuple[Performance, ...], time_s: float) -> Array:
    """Local rotations [n, bones, 4] of all athletes, turned to their headings."""
    angles = np.stack([performance.angles_at(time_s) for performance in performances])
    rotations = motions.joint_rotations(angles)
    headings = np.array([performance.heading_rad for performance in performances])
    turned = quaternions.multiply(quaternions.about_axis(1, headings), rotations[:, 0])
    return np.concatenate([turned[:, None], rotations[:, 1:]], axis=1)


Soles = Callable[[Array], Array]
"""Points under the feet [k, points, 3] of one body for rotations [k, bones, 4]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Casting:
    """How an athlete does an action; the place in the world comes later."""

    action: Action
    style: motions.Style
    period_s: float
    phase: float
    scale: float
    """Stature over 1.75 m: flight heights scale with it."""


def perform(casting: Casting, soles: Soles, rng: np.random.Generator) -> Performance:
    """A performance at the origin, facing +z, with feet that stay on the ground where they touch it."""
    action, style = casting.action, casting.style
    keys = len(action.angles_deg)
    neutral = motions.joint_angles(action, np.arange(keys) / keys, _repeated(style, keys))
    grid_angles = motions.periodic(neutral, np.arange(_GRID) / _GRID)
    points = soles(motions.joint_rotations(grid_angles)).astype(np.float64)
    flight = motions.periodic(action.flight_m[:, None] * casting.scale, np.arange(_GRID) / _GRID)[:, 0]
    hip, stride = _support(points, np.maximum(flight, 0.0), action.travels)
    return Performance(
        action=action.name,
        angles_deg=neutral,
        sway=_sway(rng, neutral.shape[1]),
        period_s=casting.period_s,
        phase=casting.phase,
        hip_m=hip,
        speed_mps=stride / casting.period_s,
        heading_rad=0.0,
        start_m=np.zeros(3),
    )


def _repeated(style: motions.Style, count: int) -> motions.Style:
    return motions.Style(
        gains=np.repeat(style.gains, count, axis=0).astype(np.float64),
        offsets_deg=np.repeat(style.offsets_deg, count, axis=0).astype(np.float64),
        mirror=np.repeat(style.mirror, count, axis=0).astype(np.float64),
    )


_STEADY = ("foot_pitch", "hip_flexion", "knee", "hip_abduction", "pelvis_pitch")


def _sway(rng: np.random.Generator, angles: int) -> Floats:
    """Slow wandering of every angle; less where it would lift the feet."""
    amplitude = np.abs(rng.normal(0, 2.0, angles))
    for i, name in enumerate(motions.ANGLES):
        if name.endswith(_STEADY):
            amplitude[i] = 0.0
    return np.stack([amplitude, rng.uniform(0.5, 2.5, angles), rng.uniform(0, 2 * np.pi, angles)], axis=1)


def _support(points: Floats, flight: Floats, travels: bool) -> tuple[Floats, float]:
    """Mid hip over a cycle [grid, 3] and the length of the stride, from sole points [grid, points, 3]."""
    lowest = points[..., 1].min(axis=1, keepdims=True)
    weight = np.exp(-(points[..., 1] - lowest) * 120.0)
    weight /= weight.sum(axis=1, keepdims=True)
    height = -(points[..., 1] * weight).sum(axis=1) + flight
    following = np.roll(points, -1, axis=0)
    shared = (weight + np.roll(weight, -1, axis=0)) / 2
    step = -((following - points) * shared[..., None]).sum(axis=1)[:, [0, 2]]
    grounded = flight < 0.008
    hip = np.zeros((len(points), 3))
    if travels:
        stride = float(np.median(step[grounded, 1])) * len(points)
    else:
        stride = 0.0
        drift = np.cumsum(step - step.mean(axis=0), axis=0)
        hip[:, [0, 2]] = np.roll(drift, 1, axis=0) - drift.mean(axis=0)
    hip[:, 1] = _smooth(height)
    return hip, max(stride, 0.0)


def _smooth(values: Floats) -> Floats:
    """A short periodic average, against kinks where the support changes."""
    kernel = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9.0
    padded = np.concatenate([values[-2:], values, values[:2]])
    return np.convolve(padded, kernel, mode="valid")
