"""The server's commands of `marey`. What they run is imported when they run."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from marey.cli.session import EXIT_FAILED, json_option

from core.jobs import Tier
from deploy.home_option import home_option
from deploy.sentences import error_sentences

if TYPE_CHECKING:
    from deploy.embedded.target import TargetWish

EXIT_INTERRUPTED = 130

_home = home_option("Folder of the stack's data, logs and ports.")


_models = click.option(
    "--models",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="MAREY_MODELS",
    help="Folder of your own networks (`marey models import`). Default: MAREY_MODELS, else the shipped ones.",
)


_target = click.option(
    "--target",
    type=click.Choice(["auto", "cpu", "cuda"]),
    envvar="MAREY_TARGET",
    default="auto",
    show_default=True,
    help="What the networks run on; auto takes a GPU that PyTorch can use. Default: MAREY_TARGET, else auto.",
)

_engines = click.option(
    "--engines",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="MAREY_ENGINES",
    help="Folder of TensorRT engines for this GPU (`marey models engines`), in place of PyTorch.",
)


@click.command()
@_home
@_models
@_target
@_engines
@click.option("--api-port", type=click.IntRange(1, 65535), help="Port of the API. Default: a free one, kept.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    envvar="MAREY_WORKERS",
    default=1,
    show_default=True,
    help="Processes that decode and ask Triton, each with its part of the work under way. "
    "Default: MAREY_WORKERS, else 1.",
)
def up(
    home: Path,
    models: Path | None,
    target: TargetWish,
    engines: Path | None,
    api_port: int | None,
    workers: int,
) -> None:
    """Run the whole service on this machine until Ctrl-C.

    MAREY_DATABASE_URL, MAREY_NATS_URL, MAREY_TRITON_URL and MAREY_STORE_URL name services that run elsewhere.
    """
    from deploy.embedded.foreground import run_in_foreground
    from deploy.embedded.options import ExternalServices, StackOptions

    external = ExternalServices.from_environment(os.environ)
    with error_sentences():
        options = StackOptions(
            home=home,
            api_port=api_port,
            external=external,
            models=models,
            target=target,
            engines=engines,
            workers=workers,
        )
        run_in_foreground(options)


@click.command()
@_home
@_target
@_engines
@click.option("--api-port", type=click.IntRange(1, 65535), help="Port that `marey up` shall use for the API.")
@json_option
def doctor(home: Path, target: TargetWish, engines: Path | None, api_port: int | None, as_json: bool) -> None:
    """Say whether this machine can run the service, and what to fix where it cannot."""
    from marey.cli.output import print_json

    from deploy.doctor.checks import findings
    from deploy.doctor.facts import probe_machine
    from deploy.embedded.options import ExternalServices, StackOptions

    options = StackOptions(
        home=home.expanduser().absolute(),
        api_port=api_port,
        external=ExternalServices.from_environment(os.environ),
        target=target,
        engines=engines,
    )
    found = findings(probe_machine(options))
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(map(str, found)))
    sys.exit(EXIT_FAILED if any(finding.state == "fix" for finding in found) else 0)


@click.command()
def api() -> None:
    """Run the REST API, configured by the environment."""
    from api.service import run_api
    from api.settings import ApiSettings
    from deploy.logs import configure_logging

    configure_logging()
    with error_sentences():
        run_api(ApiSettings.from_environment(os.environ))


@click.command()
def orchestrator() -> None:
    """Run one orchestrator, configured by the environment."""
    from deploy.logs import configure_logging
    from orchestrator.service import run_orchestrator
    from orchestrator.settings import Settings

    configure_logging()
    with error_sentences():
        run_orchestrator(Settings.from_environment(os.environ))


@click.command()
@click.option("--project", metavar="NAME", help="Work for this project only.")
@click.option("--tier", type=click.Choice([tier.value for tier in Tier]), help="Work for this tier only.")
def worker(project: str | None, tier: str | None) -> None:
    """Run one inference worker, configured by the environment.

    A worker with --project or --tier is dedicated: it leaves everything else to other workers.
    """
    from deploy.logs import configure_logging
    from orchestrator.service import run_worker
    from orchestrator.settings import Settings

    configure_logging()
    with error_sentences():
        settings = Settings.from_environment(os.environ)
        run_worker(replace(settings, only_project=project, only_tier=Tier(tier) if tier else None))


@click.command()
@_home
@_models
@_target
@_engines
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--http-port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--grpc-port", type=click.IntRange(1, 65535), default=8001, show_default=True)
@click.option("--metrics-port", type=click.IntRange(1, 65535), default=8002, show_default=True)
def triton(  # noqa: PLR0913 one parameter per option of the command
    home: Path,
    models: Path | None,
    target: TargetWish,
    engines: Path | None,
    host: str,
    http_port: int,
    grpc_port: int,
    metrics_port: int,
) -> None:
    """Run Triton alone with this version's models, for workers whose MAREY_TRITON_URL names it."""
    from deploy.embedded.lone_triton import LoneTriton, run_lone_triton
    from deploy.embedded.triton import TritonPorts

    ports = TritonPorts(host=host, http=http_port, grpc=grpc_port, metrics=metrics_port)
    with error_sentences():
        run_lone_triton(LoneTriton(home=home, models=models, ports=ports, target=target, engines=engines))


@click.command()
@click.option(
    "--video",
    "videos",
    multiple=True,
    help="A video, a zip of videos, or several separated by spaces. Default: the clips of examples/clips.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("results/demo"),
    show_default=True,
    help="Folder for the results, one folder per video.",
)
@_models
@click.option("--keep", is_flag=True, help="Keep the temporary stack's data and logs.")
def demo(videos: tuple[str, ...], out: Path, models: Path | None, keep: bool) -> None:
    """Start a stack, track the athletes of some videos, write the results, stop the stack."""
    from deploy.demo import DemoOptions, run_demo

    try:
        with error_sentences():
            succeeded = run_demo(DemoOptions(videos=videos, out=out, models=models, keep_home=keep))
    except KeyboardInterrupt:
        click.echo("Interrupted; everything is stopped.", err=True)
        sys.exit(EXIT_INTERRUPTED)
    sys.exit(0 if succeeded else EXIT_FAILED)
