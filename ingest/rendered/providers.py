"""What a scene needs of bodies, and the procedural bodies as its default source."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ingest.rendered import bodies, motions, wardrobe
from ingest.rendered.arrays import Array

Floats = NDArray[np.float32]


class Bodies(Protocol):
    """n people with meshes of one topology, posed by the rotations of `anatomy.BONES`."""

    @property
    def faces(self) -> NDArray[np.int64]:
        """[T, 3] counter-clockwise seen from outside."""

    @property
    def colours(self) -> Floats:
        """[n, T, 3] sRGB in 0..1."""

    @property
    def stature_m(self) -> Floats:
        """[n]"""

    def pose(self, rotations: Array) -> tuple[Floats, Floats]:
        """Vertices [n, V, 3] and Halpe joints [n, 26, 3] of all people, metres from their mid hips."""

    def soles(self, person: int, rotations: Array) -> Floats:
        """Points under the feet [k, points, 3] of one person in k poses [k, bones, 4],
        metres from mid hip."""


class BodyProvider(Protocol):
    """A source of random people."""

    def sample(self, rng: np.random.Generator, count: int) -> Bodies:
        """`count` people; the same generator state gives the same people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Procedural:
    people: wardrobe.Athletes
    colours: Floats

    @property
    def faces(self) -> NDArray[np.int64]:
        return bodies.FACES

    @property
    def stature_m(self) -> Floats:
        return self.people.shape.stature_m

    def pose(self, rotations: Array) -> tuple[Floats, Floats]:
        return bodies.pose_mesh(self.people.shape, rotations, np.zeros((len(rotations), 3), np.float32))

    def soles(self, person: int, rotations: Array) -> Floats:
        shape = self.people.shape.map(
            lambda values: np.repeat(values[person : person + 1], len(rotations), axis=0)
        )
        return motions.sole_points(shape, rotations)


class ProceduralBodies:
    """Lofted bodies of `bodies` in the clothes of `wardrobe`."""

    def sample(self, rng: np.random.Generator, count: int) -> Bodies:
        """`count` random athletes."""
        people = wardrobe.sample_bodies(rng, count)
        grain = 1 + rng.normal(0, 0.018, (count, len(bodies.FACES), 1))
        colours = people.palette[:, bodies.FACE_PARTS] * grain
        return _Procedural(people=people, colours=np.clip(colours, 0.0, 1.0).astype(np.float32))
