"""Tables of joint angles over one cycle of each action.

Angles are degrees. Flexion is forwards for hips, shoulders, trunk and neck; abduction away from the middle;
knees and elbows bend with positive angles; `foot_pitch` is the foot's own pitch to the ground (positive: heel
up), which the ankle realises; `hip_twist` turns outwards, `shoulder_twist` inwards, `shoulder_plane` brings
the
raised arm across the body; trunk angles bend and twist to the left.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_CENTRE_ANGLES = (
    "pelvis_pitch", "pelvis_list", "pelvis_yaw", "spine_flexion", "spine_bend", "spine_twist",
    "neck_flexion", "neck_bend", "neck_twist",
)  # fmt: skip
_SIDE_ANGLES = (
    "hip_flexion", "hip_abduction", "hip_twist", "knee", "foot_pitch", "shoulder_flexion",
    "shoulder_abduction",
    "shoulder_twist", "shoulder_plane", "elbow", "forearm_twist", "wrist",
)  # fmt: skip
ANGLES: tuple[str, ...] = (
    *_CENTRE_ANGLES,
    *(f"left_{name}" for name in _SIDE_ANGLES),
    *(f"right_{name}" for name in _SIDE_ANGLES),
)
_REST = {
    "hip_abduction": 2.0,
    "knee": 4.0,
    "shoulder_abduction": 9.0,
    "elbow": 14.0,
    "forearm_twist": 15.0,
    "hip_twist": 6.0,
}

Curve = float | Sequence[float] | NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One cycle of a movement."""

    name: str
    angles_deg: NDArray[np.float64]
    """[keys, angles] at phases 0, 1/keys, ..."""
    flight_m: NDArray[np.float64]
    """[keys] height of the lowest foot above the ground."""
    period_s: tuple[float, float]
    """Shortest and longest duration of a cycle."""
    travels: bool
    """Whether the cycle carries the body forwards."""


def _filled(curve: Curve, keys: int) -> NDArray[np.float64]:
    return (
        np.full(keys, curve, dtype=np.float64)
        if isinstance(curve, float | int)
        else np.array(curve, dtype=np.float64)
    )


def _table(keys: int, curves: dict[str, Curve]) -> NDArray[np.float64]:
    """[keys, angles]; angles without a curve rest."""
    columns = []
    for name in ANGLES:
        plain = name.removeprefix("left_").removeprefix("right_")
        columns.append(_filled(curves.get(name, curves.get(plain, _REST.get(plain, 0.0))), keys))
    return np.stack(columns, axis=1)


def _gait(
    name: str, curves: dict[str, Curve], flight_m: Sequence[float], period_s: tuple[float, float]
) -> Action:
    """`curves` of one side, from its foot's contact; the other side is half a cycle later."""
    keys = len(flight_m)
    sides: dict[str, Curve] = {}
    for angle, curve in curves.items():
        values = _filled(curve, keys)
        if angle in _CENTRE_ANGLES:
            sides[angle] = values
        else:
            sides[f"left_{angle}"], sides[f"right_{angle}"] = values, np.roll(values, keys // 2)
    return Action(
        name=name,
        angles_deg=_table(keys, sides),
        flight_m=np.array(flight_m),
        period_s=period_s,
        travels=True,
    )


def _swing(keys: int, amplitude_deg: float, phase: float) -> NDArray[np.float64]:
    """A cosine over the cycle with its maximum at `phase`."""
    swing: NDArray[np.float64] = amplitude_deg * np.cos(2 * np.pi * (np.arange(keys) / keys - phase))
    return swing


WALK = _gait(
    "walk",
    {
        "hip_flexion": (30, 25, 16, 5, -5, -11, -4, 15, 28, 32),
        "knee": (4, 16, 16, 9, 5, 10, 36, 62, 45, 8),
        "foot_pitch": (-20, 0, 0, 0, 8, 28, 58, 55, 15, -12),
        "hip_abduction": (0, -2, -4, -3, -1, 2, 4, 4, 3, 1),
        "shoulder_flexion": (-20, -14, -4, 8, 16, 18, 12, 2, -10, -18),
        "elbow": (15, 17, 20, 25, 30, 32, 30, 26, 20, 16),
        "shoulder_abduction": 7, "pelvis_pitch": 4, "spine_flexion": 2, "neck_flexion": -4,
        "pelvis_yaw": _swing(10, -5, 0.95), "spine_twist": _swing(10, 11, 0.95), "pelvis_list": _swing(10,
        4, 0.12),
        "spine_bend": _swing(10, -4, 0.12),
    },
    flight_m=(0.0,) * 10,
    period_s=(0.95, 1.35),
)  # fmt: skip
JOG = _gait(
    "jog",
    {
        "hip_flexion": (32, 27, 14, -2, -14, -12, 6, 28, 42, 40),
        "knee": (15, 38, 38, 25, 18, 40, 78, 92, 65, 28),
        "foot_pitch": (-6, 0, 0, 14, 45, 78, 90, 72, 30, 2),
        "hip_abduction": (-1, -3, -4, -2, 0, 1, 2, 2, 1, 0),
        "shoulder_flexion": (-22, 0, 18, 26, 22, 6, -14, -30, -38, -34),
        "elbow": (82, 78, 82, 92, 98, 95, 88, 82, 82, 84),
        "shoulder_abduction": 14, "shoulder_twist": 16, "pelvis_pitch": 8, "spine_flexion": 4,
        "neck_flexion": -8,
        "pelvis_yaw": _swing(10, -6, 0.85), "spine_twist": _swing(10, 18, 0.83), "pelvis_list": _swing(10,
        4, 0.15),
        "spine_bend": _swing(10, -3, 0.15),
    },
    flight_m=(0.0, 0.0, 0.0, 0.0, 0.045, 0.0, 0.0, 0.0, 0.0, 0.045),
    period_s=(0.66, 0.78),
)  # fmt: skip
SPRINT = _gait(
    "sprint",
    {
        "hip_flexion": (26, 8, -10, -20, -18, 2, 40, 70, 72, 50),
        "knee": (22, 30, 22, 18, 52, 98, 128, 112, 72, 34),
        "foot_pitch": (10, 10, 38, 78, 100, 112, 108, 70, 32, 12),
        "hip_abduction": (0, -2, -2, -1, 1, 2, 2, 1, 0, 0),
        "shoulder_flexion": (-25, 15, 50, 62, 45, 15, -20, -50, -62, -50),
        "elbow": (78, 80, 95, 110, 105, 90, 80, 88, 98, 90),
        "shoulder_abduction": 13, "shoulder_twist": 12, "pelvis_pitch": 10, "spine_flexion": 6,
        "neck_flexion": -10,
        "pelvis_yaw": _swing(10, -9, 0.78), "spine_twist": _swing(10, 24, 0.78), "pelvis_list": _swing(10,
        4, 0.1),
        "spine_bend": _swing(10, -3, 0.1),
    },
    flight_m=(0.0, 0.0, 0.01, 0.05, 0.045, 0.0, 0.0, 0.01, 0.05, 0.045),
    period_s=(0.44, 0.56),
)  # fmt: skip
_GAITS = (WALK, JOG, SPRINT)


def _single(
    name: str, curves: dict[str, Curve], period_s: tuple[float, float], flight_m: Curve = 0.0
) -> Action:
    keys = max(len(curve) for curve in curves.values() if not isinstance(curve, float | int))
    return Action(
        name=name,
        angles_deg=_table(keys, curves),
        flight_m=_filled(flight_m, keys),
        period_s=period_s,
        travels=False,
    )


_DEPTH: NDArray[np.float64] = np.array(
    [0.0, 0.0, 0.1, 0.35, 0.7, 0.95, 1.0, 1.0, 0.85, 0.6, 0.35, 0.15, 0.03, 0.0]
)
SQUAT = _single(
    "squat",
    {
        "hip_flexion": 116 * _DEPTH, "knee": 4 + 110 * _DEPTH, "pelvis_pitch": 30 * _DEPTH,
        "spine_flexion": 8 * _DEPTH, "neck_flexion": -22 * _DEPTH, "hip_abduction": 8 + 9 * _DEPTH,
        "hip_twist": 12 + 10 * _DEPTH, "shoulder_flexion": 5 + 80 * _DEPTH, "shoulder_abduction": 8,
        "elbow": 14,
    },
    period_s=(2.2, 3.6),
)  # fmt: skip
JUMP = _single(
    "jump",
    {
        "hip_flexion": (0, 0, 20, 55, 88, 98, 62, 10, -4, -5, -2, 8, 15, 38, 62, 52, 30, 12, 3, 0),
        "knee": (3, 3, 25, 60, 88, 97, 68, 15, 5, 5, 8, 12, 18, 48, 76, 66, 40, 18, 6, 3),
        "pelvis_pitch": (0, 0, 8, 22, 35, 36, 22, 5, 0, -2, 0, 3, 5, 15, 25, 22, 12, 5, 1, 0),
        "spine_flexion": (0, 0, 4, 10, 16, 16, 8, 0, -4, -4, -2, 0, 2, 6, 10, 8, 5, 2, 0, 0),
        "neck_flexion": (0, 0, -5, -15, -22, -22, -12, -5, 0, 0, 5, 5, 0, -8, -12, -10, -6, -3, 0, 0),
        "foot_pitch": (0, 0, 0, 0, 0, 2, 12, 45, 62, 60, 52, 42, 28, 2, 0, 0, 0, 0, 0, 0),
        "shoulder_flexion": (0, 0, -28, -55, -62, -35, 50, 130, 165, 165, 150, 120, 90, 60, 32, 15, 8, 3, 0,
        0),
        "shoulder_abduction": (8, 8, 10, 14, 14, 12, 12, 10, 10, 12, 16, 22, 26, 26, 22, 16, 12, 10, 8, 8),
        "elbow": (14, 14, 10, 10, 12, 20, 30, 20, 12, 12, 16, 24, 30, 34, 32, 26, 20, 16, 14, 14),
        "hip_abduction": 5,
    },
    period_s=(2.0, 2.6),
    flight_m=(0, 0, 0, 0, 0, 0, 0, 0, 0.19, 0.31, 0.35, 0.31, 0.19, 0, 0, 0, 0, 0, 0, 0),
)  # fmt: skip
THROW = _single(
    "throw",
    {
        "pelvis_pitch": (0, -2, -5, -8, -8, -6, 0, 8, 16, 18, 14, 10, 6, 3, 0, 0),
        "pelvis_yaw": (0, -8, -25, -45, -50, -45, -30, 0, 12, 12, 10, 8, 5, 3, 0, 0),
        "spine_flexion": (0, -3, -8, -12, -14, -14, -12, 0, 22, 30, 25, 18, 10, 5, 0, 0),
        "spine_twist": (0, -5, -20, -35, -42, -42, -38, -10, 25, 35, 30, 22, 15, 8, 3, 0),
        "spine_bend": (0, 0, 2, 4, 6, 8, 10, 14, 16, 10, 5, 3, 0, 0, 0, 0),
        "neck_twist": (0, 10, 40, 60, 65, 62, 50, 8, -25, -25, -20, -15, -10, -5, 0, 0),
        "right_shoulder_abduction": (8, 15, 40, 75, 92, 95, 95, 95, 95, 70, 45, 30, 20, 12, 10, 8),
        "right_shoulder_plane": (0, 0, -10, -25, -30, -32, -30, -5, 30, 60, 60, 45, 25, 10, 0, 0),
        "right_shoulder_twist": (0, 0, -30, -60, -85, -95, -100, -85, -5, 40, 35, 20, 10, 0, 0, 0),
        "right_elbow": (15, 30, 70, 95, 100, 100, 95, 80, 25, 20, 30, 30, 25, 20, 15, 15),
        "left_shoulder_flexion": (0, 10, 40, 70, 80, 75, 60, 30, 0, -20, -18, -12, -6, 0, 0, 0),
        "left_shoulder_abduction": (8, 10, 25, 35, 35, 32, 28, 24, 20, 18, 16, 14, 12, 10, 8, 8),
        "left_elbow": (15, 20, 30, 25, 20, 25, 45, 70, 80, 70, 55, 40, 30, 20, 15, 15),
        "left_hip_flexion": (0, 5, 30, 60, 48, 36, 30, 32, 36, 34, 28, 20, 12, 5, 0, 0),
        "left_knee": (4, 20, 60, 70, 32, 12, 12, 18, 22, 20, 18, 15, 12, 8, 5, 4),
        "left_foot_pitch": (0, 10, 25, 10, -10, -12, -5, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        "right_hip_flexion": (0, 0, 0, -5, -12, -20, -26, -25, -20, -15, -8, 10, 20, 15, 5, 0),
        "right_knee": (4, 8, 15, 20, 20, 20, 22, 30, 40, 45, 50, 50, 30, 15, 5, 4),
        "right_foot_pitch": (0, 0, 0, 0, 5, 15, 30, 45, 60, 65, 60, 40, 20, 5, 0, 0),
        "hip_abduction": 5,
    },
    period_s=(1.7, 2.4),
)  # fmt: skip
KICK = _single(
    "kick",
    {
        "pelvis_pitch": (0, 2, 6, 10, 10, 6, -2, -10, -14, -12, -8, -4, 0, 0, 0, 0),
        "pelvis_yaw": (0, -5, -12, -20, -25, -22, -10, 8, 20, 24, 18, 10, 5, 2, 0, 0),
        "spine_flexion": (0, 2, 2, 0, -6, -8, 0, 14, 22, 22, 16, 10, 6, 3, 0, 0),
        "spine_twist": (0, 5, 14, 22, 28, 26, 12, -10, -24, -26, -18, -10, -5, -2, 0, 0),
        "spine_bend": (0, 2, 5, 8, 10, 12, 12, 10, 8, 6, 4, 2, 0, 0, 0, 0),
        "neck_flexion": (0, 10, 18, 22, 24, 24, 20, 12, 5, 0, 0, 0, 0, 0, 0, 0),
        "right_hip_flexion": (0, 5, 0, -15, -28, -30, -10, 35, 64, 72, 56, 35, 20, 10, 3, 0),
        "right_hip_abduction": (3, 5, 10, 16, 20, 20, 16, 10, 6, 4, 4, 4, 3, 3, 3, 3),
        "right_knee": (4, 20, 50, 80, 95, 98, 90, 45, 10, 12, 22, 32, 30, 20, 8, 4),
        "right_foot_pitch": (0, 10, 40, 70, 90, 95, 92, 60, 25, 0, 0, 0, 5, 5, 0, 0),
        "left_hip_flexion": (0, 15, 30, 35, 25, 18, 14, 10, 6, 3, 0, 0, 0, 0, 0, 0),
        "left_knee": (4, 20, 35, 25, 20, 25, 28, 22, 15, 10, 8, 8, 6, 5, 4, 4),
        "left_foot_pitch": (0, 10, 5, -8, 0, 0, 0, 0, 5, 8, 4, 0, 0, 0, 0, 0),
        "left_shoulder_abduction": (8, 20, 45, 70, 85, 90, 80, 60, 40, 30, 25, 20, 15, 12, 10, 8),
        "left_shoulder_flexion": (0, 0, 10, 20, 20, 30, 45, 60, 60, 45, 30, 20, 10, 5, 0, 0),
        "right_shoulder_flexion": (0, 10, 15, 10, -5, -15, -25, -35, -40, -35, -25, -15, -8, -4, 0, 0),
        "right_shoulder_abduction": (8, 15, 25, 35, 40, 40, 40, 38, 34, 30, 26, 20, 15, 12, 10, 8),
        "elbow": (15, 22, 30, 35, 35, 35, 32, 30, 30, 30, 28, 25, 22, 20, 16, 15),
    },
    period_s=(1.3, 1.9),
)  # fmt: skip
IDLE = _single(
    "idle",
    {
        "pelvis_list": _swing(8, 3, 0.0), "spine_bend": _swing(8, -3, 0.05), "spine_twist": _swing(8, 5, 0.3),
        "neck_twist": _swing(8, 22, 0.4), "neck_flexion": _swing(8, 6, 0.1), "left_knee": 6 + _swing(8, 5,
        0.5),
        "right_knee": 6 + _swing(8, 5, 0.0), "left_hip_flexion": 3 + _swing(8, 3, 0.5),
        "right_hip_flexion": 3 + _swing(8, 3, 0.0), "hip_abduction": 6, "elbow": 25 + _swing(8, 10, 0.7),
        "shoulder_flexion": 5 + _swing(8, 8, 0.6), "shoulder_abduction": 12,
    },
    period_s=(3.0, 6.0),
)  # fmt: skip
ACTIONS: dict[str, Action] = {action.name: action for action in (*_GAITS, SQUAT, JUMP, THROW, KICK, IDLE)}
