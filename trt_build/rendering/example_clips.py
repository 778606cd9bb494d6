"""Render the example clips of `examples/clips/` with the people of a mesh pack.

python -m trt_build.rendering.example_clips --pack PATH --out examples/clips
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import click

from ingest.rendered.clips import write_clip
from ingest.rendered.scene import SceneRequest, sample_scene
from trt_build.rendering.mesh_pack import MeshPack

_QUIET = 0.8
"""Noise, which makes files large, is kept below this many 8-bit steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleClip:
    """One clip: its file name, seed and what it shows."""

    name: str
    seed: int
    request: SceneRequest


EXAMPLES = (
    ExampleClip(
        name="sprint_race", seed=2,
        request=SceneRequest(
            frame_rate=Fraction(60), frame_count=300, people=3, actions=("sprint",), place="track",
            camera="panning"
        ),
    ),
    ExampleClip(
        name="squat", seed=2,
        request=SceneRequest(
            frame_rate=Fraction(25), frame_count=150, people=1, actions=("squat",), place="gym",
            camera="static"
        ),
    ),
    ExampleClip(
        name="throw", seed=0,
        request=SceneRequest(
            frame_rate=Fraction(30000, 1001), frame_count=165, people=2, actions=("throw",), place="pitch",
            camera="handheld",
        ),
    ),
    ExampleClip(
        name="jump", seed=0,
        request=SceneRequest(
            frame_rate=Fraction(50), frame_count=250, people=1, actions=("jump",), place="studio",
            camera="static"
        ),
    ),
    ExampleClip(
        name="training", seed=4,
        request=SceneRequest(
            frame_rate=Fraction(30000, 1001), frame_count=180, people=4, actions=("jog", "walk", "kick",
            "idle"),
            place="pitch", camera="static",
        ),
    ),
)  # fmt: skip


@click.command()
@click.option("--pack", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option("--only", multiple=True, help="Names of the clips to render; all if not given.")
def main(pack: Path, out: Path, only: tuple[str, ...]) -> None:
    """Render the example clips with the bodies in the folder PACK."""
    provider = MeshPack(pack)
    out.mkdir(parents=True, exist_ok=True)
    for clip in EXAMPLES:
        if not only or clip.name in only:
            scene = sample_scene(clip.seed, clip.request, provider)
            sensor = replace(scene.stage.sensor, noise=min(scene.stage.sensor.noise, _QUIET))
            write_clip(scene.with_sensor(sensor), out / f"{clip.name}.mp4")


if __name__ == "__main__":
    main()
