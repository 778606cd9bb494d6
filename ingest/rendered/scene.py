"""Random scenes: who does what, where, in front of which camera. Everything follows from one seed.

scene = sample_scene(7, SceneRequest(frame_count=60, people=2))
for frame in range(scene.frame_count):
    rendered = scene.render(frame)      # rendered.image uint8 RGB, rendered.truth
"""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial

import numpy as np
from numpy.typing import NDArray

from core.errors import InvalidParameterError
from ingest.rendered.actions import ACTIONS
from ingest.rendered.backgrounds import sample_background
from ingest.rendered.cameras import CameraPath
from ingest.rendered.motions import sample_style
from ingest.rendered.performances import Casting, Performance, perform
from ingest.rendered.places import PLACES
from ingest.rendered.props import Prop, sample_prop
from ingest.rendered.providers import Bodies, BodyProvider, ProceduralBodies
from ingest.rendered.staging import Cast, Scene, Sensor, Stage

Floats = NDArray[np.float64]

CAMERA_MOTIONS = ("static", "panning", "handheld")
LINE_SPREAD = 0.025
"""How far athletes who are lined up stand from the line of sight; the picture's width is 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneRequest:
    """What a scene must be like; the seed decides what is left open."""

    size: tuple[int, int] = (1280, 720)
    frame_rate: Fraction = Fraction(30)
    frame_count: int = 150
    people: int | None = None
    actions: tuple[str, ...] = ()
    """Names of `actions.ACTIONS` to choose from; all if empty."""
    place: str | None = None
    """One of `backgrounds.PLACES`."""
    camera: str | None = None
    """One of `CAMERA_MOTIONS`."""
    lined_up: bool = False
    """Whether athletes stand one behind another, seen from the camera."""

    def __post_init__(self) -> None:
        for value, allowed in ((self.place, PLACES), (self.camera, CAMERA_MOTIONS)):
            if value is not None and value not in allowed:
                raise InvalidParameterError(f"expected one of {', '.join(allowed)}, got {value!r}")
        unknown = set(self.actions) - set(ACTIONS)
        if unknown:
            raise InvalidParameterError(f"expected actions among {', '.join(ACTIONS)}, got {sorted(unknown)}")
        if min(self.size) < 16 or self.frame_count < 1 or self.frame_rate <= 0:
            raise InvalidParameterError(
                f"expected a size of at least 16x16, a frame and a positive rate, got {self.size}, "
                f"{self.frame_count} and {self.frame_rate}"
            )

    @property
    def duration_s(self) -> float:
        """Length of the clip."""
        return float(self.frame_count / self.frame_rate)


_DEFAULT_REQUEST = SceneRequest()


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """The lead athlete's place before the camera."""

    height_m: float
    focal_px: float
    distance_m: float
    spot_m: Floats = field(default_factory=lambda: np.zeros(3))


def sample_scene(
    seed: int, request: SceneRequest = _DEFAULT_REQUEST, provider: BodyProvider | None = None
) -> Scene:
    """The scene of a seed; bodies are procedural unless a provider is given."""
    rng = np.random.default_rng(seed)
    people = (
        request.people
        if request.people is not None
        else int(rng.choice([1, 2, 3, 4], p=(0.35, 0.3, 0.2, 0.15)))
    )
    bodies = (provider or ProceduralBodies()).sample(np.random.default_rng((seed, 1)), people)
    view = _sample_view(rng, request)
    performances = _place(rng, _rehearse(rng, bodies, request, people), view, request)
    motion = request.camera or str(rng.choice(CAMERA_MOTIONS, p=(0.45, 0.35, 0.2)))
    camera = _camera(
        rng, view, request, performances[0] if motion == "panning" and performances else None, motion
    )
    farthest = max(
        (float(-p.ground_at(t)[2]) for p in performances for t in (0.0, request.duration_s)), default=0.0
    )
    place = request.place or str(rng.choice(list(PLACES)))
    background = sample_background(
        rng, place, view.spot_m, float(camera.angles_rad[:, 0].mean()), farthest * 1.3 + 3
    )
    stage = Stage(
        camera=camera, sensor=_sensor(rng, request), background=background, props=_props(rng, view, request)
    )
    return Scene(
        seed, (request.frame_rate, request.frame_count), Cast(bodies=bodies, performances=performances), stage
    )


def _sample_view(rng: np.random.Generator, request: SceneRequest) -> _View:
    """A camera at hip to eye height, sometimes above; the lead is a quarter of the picture tall or more."""
    height = rng.uniform(2.5, 5.0) if rng.random() < 0.15 else rng.uniform(0.7, 1.9)
    focal = request.size[0] * rng.uniform(0.75, 1.7)
    share = rng.uniform(0.28, 0.75) if rng.random() < 0.9 else rng.uniform(0.75, 1.3)
    return _View(height_m=height, focal_px=focal, distance_m=focal * 1.75 / (share * request.size[1]))


def _rehearse(
    rng: np.random.Generator, bodies: Bodies, request: SceneRequest, people: int
) -> list[Performance]:
    names = request.actions or tuple(ACTIONS)
    together = rng.random() < 0.4
    shared = str(rng.choice(names))
    performances = []
    for person in range(people):
        action = ACTIONS[shared if together else str(rng.choice(names))]
        casting = Casting(
            action=action, style=sample_style(rng, 1), period_s=rng.uniform(*action.period_s),
            phase=rng.random(),
            scale=float(bodies.stature_m[person]) / 1.75,
        )  # fmt: skip
        performances.append(perform(casting, partial(bodies.soles, person), rng))
    return performances


def _heading(rng: np.random.Generator, performance: Performance, view: _View, duration_s: float) -> float:
    """Any direction on the spot; travellers cross the view and neither reach the camera nor vanish."""
    if performance.speed_mps == 0:
        return rng.uniform(0, 2 * np.pi)
    reach = 0.5 * view.distance_m / max(performance.speed_mps * duration_s / 2, 1e-6)
    steepest = np.arcsin(min(reach, 1.0))
    across = rng.choice([np.pi / 2, -np.pi / 2])
    return float(across + rng.uniform(-steepest, steepest) * rng.choice([0.4, 1.0]))


def _place(
    rng: np.random.Generator, performances: list[Performance], view: _View, request: SceneRequest
) -> tuple[Performance, ...]:
    """Put each athlete before the camera, apart from those already there."""
    placed: list[Performance] = []
    for performance in performances:
        for _ in range(25):
            candidate = _candidate(rng, performance, view, request, placed)
            if all(_apart(candidate, other, request.duration_s) for other in placed):
                break
        placed.append(candidate)
    return tuple(placed)


def _candidate(
    rng: np.random.Generator,
    performance: Performance,
    view: _View,
    request: SceneRequest,
    placed: list[Performance],
) -> Performance:
    half = request.duration_s / 2
    width = request.size[0] / view.focal_px
    depth = view.distance_m * (rng.uniform(0.72, 1.9) if placed else 1.0)
    side = rng.uniform(-0.42, 0.42) if placed or performance.speed_mps == 0 else rng.uniform(-0.15, 0.15)
    if placed and request.lined_up:
        side = _side(placed[int(rng.integers(len(placed)))], request, width) + rng.normal(0, LINE_SPREAD)
    heading = _heading(rng, performance, view, request.duration_s)
    lead = placed[0] if placed else None
    if lead is not None and lead.action == performance.action and lead.speed_mps > 0:
        heading = lead.heading_rad + rng.normal(0, 0.03)
    middle = np.array([side * width * depth, 0.0, -depth])
    ahead = np.array([np.sin(heading), 0.0, np.cos(heading)])
    return replace(performance, heading_rad=heading, start_m=middle - ahead * performance.speed_mps * half)


def _side(performance: Performance, request: SceneRequest, width: float) -> float:
    """Where an athlete is half way through the clip, from the middle; the picture's width is 1."""
    x, _, z = performance.ground_at(request.duration_s / 2)
    return float(x / (-z * width))


def _apart(first: Performance, second: Performance, duration_s: float) -> bool:
    times = np.linspace(0, duration_s, 15)
    gaps = [np.linalg.norm(first.ground_at(float(t)) - second.ground_at(float(t))) for t in times]
    return bool(min(gaps) > 0.75)


def _camera(
    rng: np.random.Generator, view: _View, request: SceneRequest, target: Performance | None, motion: str
) -> CameraPath:
    """A camera above the origin that looks about along -z, or follows the target."""
    position = np.array([0.0, view.height_m, 0.0])
    times = np.linspace(-0.2, request.duration_s + 0.2, max(int(request.duration_s * 30), 8))
    aim = rng.uniform(0.75, 1.15)
    pitch = np.arctan2(aim - view.height_m, view.distance_m)
    angles = np.zeros((len(times), 3))
    angles[:, 1] = pitch + rng.normal(0, 0.02)
    angles[:, 2] = rng.normal(0, 0.012)
    if target is not None:
        spots = np.stack([target.ground_at(float(t)) for t in times])
        bearing = np.clip(np.arctan2(spots[:, 0], -spots[:, 2]), -0.9, 0.9)
        angles[:, 0] = _lagging(bearing, times, rng.uniform(0.0, 0.25)) + rng.normal(0, 0.03)
        if np.ptp(bearing) < 0.02:
            angles[:, 0] += rng.uniform(0.05, 0.15) * np.sin(
                times * rng.uniform(0.4, 1.2) + rng.uniform(0, 6)
            )
    if motion == "handheld":
        for axis, size in ((0, 0.012), (1, 0.009), (2, 0.005)):
            for _ in range(3):
                angles[:, axis] += rng.normal(0, size) * np.sin(
                    times * rng.uniform(0.8, 9.0) + rng.uniform(0, 6.3)
                )
    return CameraPath(
        position_m=position, focal_px=view.focal_px, size=request.size, times_s=times, angles_rad=angles
    )


def _lagging(bearing: Floats, times: Floats, lag_s: float) -> Floats:
    """The operator's aim: late and smooth."""
    late = np.interp(times - lag_s, times, bearing)
    width = max(int(0.4 / (times[1] - times[0])) | 1, 1)
    padded = np.pad(late, width // 2, mode="edge")
    return np.convolve(padded, np.ones(width) / width, mode="valid")


def _sensor(rng: np.random.Generator, request: SceneRequest) -> Sensor:
    """Exposures from 1/2000 s to most of the frame time."""
    longest = 0.8 / float(request.frame_rate)
    exposure = np.exp(rng.uniform(np.log(1 / 2000), np.log(longest)))
    return Sensor(
        exposure_s=float(exposure), noise=float(rng.uniform(0, 5)), defocus_px=float(rng.uniform(0, 0.9))
    )


def _props(rng: np.random.Generator, view: _View, request: SceneRequest) -> tuple[Prop, ...]:
    count = int(rng.choice([0, 1, 2, 3], p=(0.5, 0.25, 0.15, 0.1)))
    props = []
    for _ in range(count):
        depth = view.distance_m * rng.uniform(0.6, 1.6)
        side = rng.uniform(-0.5, 0.5) * request.size[0] / view.focal_px * depth
        props.append(sample_prop(rng, np.array([side, 0.0, -depth])))
    return tuple(props)
