"""A scene of athletes on a stage before a camera, rendered frame by frame."""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ingest.rendered import compositing
from ingest.rendered.backgrounds import Background
from ingest.rendered.cameras import Camera, CameraPath
from ingest.rendered.compositing import Drawing, Exposure, SensorNoise
from ingest.rendered.performances import Performance, rotations_at
from ingest.rendered.props import Prop
from ingest.rendered.providers import Bodies
from ingest.rendered.shading import SmoothNormals, cast_shadows, illuminate
from ingest.rendered.textures import Picture
from ingest.rendered.truth import FrameTruth, RenderedFrame
from ingest.rendered.visibility import truth_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """How the camera records light."""

    exposure_s: float
    noise: float
    """Standard deviation in 8-bit steps."""
    defocus_px: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """The athletes of a scene."""

    bodies: Bodies
    performances: tuple[Performance, ...]

    def pose(self, time_s: float) -> tuple[Floats, Floats]:
        """Vertices [P, V, 3] and Halpe joints [P, 26, 3] in the world, metres."""
        rotations = rotations_at(self.performances, time_s)
        vertices, joints = self.bodies.pose(rotations)
        hips = np.stack([performance.hip_at(time_s) for performance in self.performances])
        return vertices + hips[:, None], joints + hips[:, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What is not an athlete."""

    camera: CameraPath
    sensor: Sensor
    background: Background
    props: tuple[Prop, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """Faces of all people, then of all props, over their stacked vertices."""

    faces: NDArray[np.int64]
    """[T, 3]"""
    owners: NDArray[np.int64]
    """[T] index of the person; props follow."""
    colours: NDArray[np.float32]
    """[T, 3]"""


def _assemble(cast: Cast, props: tuple[Prop, ...]) -> Mesh:
    people, vertices = len(cast.performances), int(cast.bodies.faces.max()) + 1
    faces = [cast.bodies.faces + person * vertices for person in range(people)]
    colours = [*cast.bodies.colours, *(prop.colours for prop in props)]
    start = people * vertices
    for prop in props:
        faces.append(prop.faces + start)
        start += len(prop.vertices_m)
    owners = [np.full(len(part), owner) for owner, part in enumerate(faces)]
    return Mesh(faces=np.concatenate(faces), owners=np.concatenate(owners), colours=np.concatenate(colours))


class Scene:
    """A clip of athletes that can be rendered frame by frame, in any order."""

    def __init__(self, seed: int, timing: tuple[Fraction, int], cast: Cast, stage: Stage) -> None:
        self.seed = seed
        self.frame_rate, self.frame_count = timing
        self.cast = cast
        self.stage = stage
        self._still: Picture | None = None
        self._noise = SensorNoise(seed, stage.camera.size, stage.sensor.noise)
        self._normals = SmoothNormals(cast.bodies.faces, int(cast.bodies.faces.max()) + 1)
        self._mesh = _assemble(cast, stage.props)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.stage.camera.size

    def with_sensor(self, sensor: Sensor) -> "Scene":
        """The same clip as another sensor records it."""
        timing = (self.frame_rate, self.frame_count)
        return Scene(self.seed, timing, self.cast, replace(self.stage, sensor=sensor))

    def render(self, frame_index: int) -> RenderedFrame:
        """Picture and truth of one frame."""
        if not 0 <= frame_index < self.frame_count:
            raise IndexError(f"expected a frame in 0..{self.frame_count - 1}, got {frame_index}")
        time_s = float(frame_index / self.frame_rate)
        camera = self.stage.camera.at(time_s)
        vertices, joints = self.cast.pose(time_s)
        drawing = self._drawing(vertices, time_s)
        exposure = compositing.expose(drawing, camera.size)
        background = cast_shadows(
            self._background(camera, time_s), joints, camera, self.stage.background.light
        )
        image = compositing.develop(background, exposure)
        image = self._record(image, frame_index)
        return RenderedFrame(image=image, truth=self._truth(camera, vertices, joints, exposure))

    def _drawing(self, vertices: Floats, time_s: float) -> Drawing:
        """The mesh in the picture at the start, the middle and the end of the exposure."""
        light = self.stage.background.light
        props = self.stage.props
        shades = [illuminate(self._normals(vertices.astype(np.float32)), light).reshape(-1, 3)]
        shades += [illuminate(prop.normals, light) for prop in props]
        corners = np.concatenate(shades)[self._mesh.faces] * self._mesh.colours[:, None, :]
        half = self.stage.sensor.exposure_s / 2
        middle = self._projected(vertices, time_s)
        after = self._projected(self.cast.pose(time_s + half)[0], time_s + half)
        return Drawing(
            points=middle,
            before=2 * middle - after,
            after=after,
            faces=self._mesh.faces,
            owners=self._mesh.owners,
            corner_colours=corners.astype(np.float32),
        )

    def _projected(self, vertices: Floats, time_s: float) -> Floats:
        camera = self.stage.camera.at(time_s)
        world = np.concatenate([vertices.reshape(-1, 3), *(prop.vertices_m for prop in self.stage.props)])
        return camera.project(world)

    def _background(self, camera: Camera, time_s: float) -> Picture:
        if self._still is not None:
            return self._still
        picture = self.stage.background.draw(camera)
        if self.stage.camera.moves:
            return compositing.smear(picture, self._pan_px(time_s))
        self._still = picture
        return picture

    def _pan_px(self, time_s: float) -> Floats:
        """[2] how far the far background moves in the picture during the exposure."""
        half = self.stage.sensor.exposure_s / 2
        before, after = self.stage.camera.at(time_s - half), self.stage.camera.at(time_s + half)
        far = before.position_m + before.turn[2] * 1000.0
        return (after.project(far) - before.project(far))[:2]

    def _record(self, image: Picture, frame_index: int) -> Picture:
        return self._noise.add(compositing.defocus(image, self.stage.sensor.defocus_px), frame_index)

    def _truth(self, camera: Camera, vertices: Floats, joints: Floats, exposure: Exposure) -> FrameTruth:
        return truth_of(camera, (vertices, joints), self.cast.bodies.faces, exposure)
