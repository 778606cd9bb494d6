"""`marey models`: what the served networks are, how good they are, and how to bring one's own."""

from __future__ import annotations

import contextlib
import importlib.util
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from deploy.sentences import error_sentences

if TYPE_CHECKING:
    import marey

    from trt_build.evaluation.metrics import Scores

SHARES = {"recall", "precision", "oks_ap", "pckh", "mean_error_of_box_height"}


class SeedRange(click.ParamType[range]):
    """`A-B`, both included, or one number."""

    name = "A-B"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> range:
        """A range of seeds; a usage error for anything else."""
        first, dash, last = str(value).partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            self.fail(f"expected two whole numbers such as 900-909, got {value!r}", param, ctx)
        seeds = range(int(first), int(last or first) + 1)
        if not seeds:
            self.fail(f"expected the first seed not to be above the last, got {value!r}", param, ctx)
        return seeds


@click.group()
def models() -> None:
    """Networks of the model repository."""


@models.command()
@click.argument("pipeline", type=click.Choice(["pose_2d"]))
@click.option("--seeds", type=SeedRange(), default="900-909", show_default=True, help="Scenes to render.")
@click.option(
    "--detector-interval",
    type=click.IntRange(1, 7),
    default=1,
    show_default=True,
    help="The detector looks at every so many-th frame.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def evaluate(pipeline: str, seeds: range, detector_interval: int, as_json: bool) -> None:
    """Score PIPELINE on athletes rendered from SEEDS, sent through the running service as H.264 clips.

    Without a running service, one is started for the occasion.
    """
    from trt_build.evaluation.service import evaluate_pose_2d

    def tell(clip: Path) -> None:
        click.echo(f"rendered {clip.stem}", err=True)

    with error_sentences(), tempfile.TemporaryDirectory() as folder, _client() as client:
        scores = evaluate_pose_2d(client, seeds, Path(folder), detector_interval, tell)
    click.echo(_json(pipeline, seeds, scores) if as_json else _table(scores))


@models.command("import")
@click.argument("kind")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder of your networks, for `marey up --models`; this one goes into its `yolo` or `hrnet`.",
)
def import_(kind: str, file: Path, into: Path) -> None:
    """Make a network of your own out of the published weights in FILE. KIND is one such as yolox_s.

    Needs PyTorch (trt_build/README.md).
    """
    if importlib.util.find_spec("torch") is None:
        raise click.ClickException(
            "importing weights needs PyTorch; trt_build/README.md says how to install it"
        )
    from trt_build.importers import import_weights, network_name

    with error_sentences():
        folder = into / network_name(kind)
        card = import_weights(kind, file, folder)
    click.echo(f"{folder}: {card.architecture}, trained on {card.trained_on}")
    click.echo(f"Serve it with `marey up --models {into}`.")


@models.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder that gets NETWORK/1/model.plan, NETWORK/engine.json and the models around them.",
)
@click.option(
    "--gpu",
    "capabilities",
    multiple=True,
    help="Compute capability of an RTX GPU that the engines are to run on, such as 8.9; may be given several "
    "times. Default: the GPU of this machine, with TensorRT.",
)
@click.option(
    "--models",
    "own",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="MAREY_MODELS",
    help="Folder of your own networks (`marey models import`). Default: MAREY_MODELS, else the shipped ones.",
)
def engines(out: Path, capabilities: tuple[str, ...], own: Path | None) -> None:
    """Build the networks as TensorRT engines in fp16, in the repository that NVIDIA's Triton serves.

    With --gpu they are TensorRT-RTX engines, which are built without a GPU. Engines whose network, GPUs and
    library have not changed are kept.
    """
    from trt_build.engines.build import build_engines
    from trt_build.engines.repository import write_repository

    with error_sentences():
        for engine in build_engines(own, out, capabilities):
            spec, shift = engine.manifest.spec, engine.manifest.precision_shift
            click.echo(
                f"{engine.folder}: {'kept' if engine.reused else 'built'}, {spec.precision}, {spec.builder}, "
                f"compute capability {', '.join(spec.compute_capabilities)}; {shift.mean_px:.2g} px from fp32"
            )
        write_repository(own, out)


@contextlib.contextmanager
def _client() -> Iterator[marey.Client]:
    """A client of the running service, or of one that lives as long as this."""
    from marey import Client
    from marey.errors import NoEndpointError

    from deploy.embedded.options import StackOptions
    from deploy.embedded.stack import running_stack

    with contextlib.ExitStack() as resources:
        try:
            client = Client()
        except NoEndpointError:
            home = Path(resources.enter_context(tempfile.TemporaryDirectory()))
            stack = resources.enter_context(running_stack(StackOptions(home=home)))
            client = Client(stack.api_url, stack.api_key)
        yield resources.enter_context(client)


def _json(pipeline: str, seeds: range, scores: Scores) -> str:
    document = {"pipeline": pipeline, "seeds": [seeds[0], seeds[-1]], **asdict(scores)}
    return msgspec.json.encode(document).decode()


def _table(scores: Scores) -> str:
    rows = [
        (name.replace("_", " "), f"{value:.4f}" if name in SHARES else str(value))
        for name, value in asdict(scores).items()
    ]
    return "\n".join(f"{name:<26}{value:>10}" for name, value in rows)
