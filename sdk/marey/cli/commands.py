"""The commands that talk to a server."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.console import Console

from marey.cli.session import EXIT_FAILED, endpoint_option, session
from marey.cli.tables import headline, jobs_table, videos_table
from marey.client import Client
from marey.models import Snapshot
from marey.progress import job_progress, upload_progress


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--pipeline", default="pose_2d", show_default=True, help="What to compute.")
@click.option(
    "--overlay",
    type=click.Choice(["full", "half", "off"]),
    help="Size of the video with drawn skeletons. Default: the server's.",
)
@click.option("--wait", is_flag=True, help="Show progress and wait for the end.")
@endpoint_option
def submit(
    files: tuple[Path, ...], pipeline: str, overlay: str | None, wait: bool, endpoint_url: str | None
) -> None:
    """Upload videos, or one zip of videos, and start a job.

    Prints the job's id. With --wait the exit code is 1 unless every video was processed.
    """
    parameters = {"overlay": overlay} if overlay else {}
    console = Console(stderr=True)
    with session(endpoint_url) as client:
        with upload_progress(console) as on_upload:
            job = client.submit(files, pipeline, parameters, on_upload=on_upload)
        click.echo(job.id)
        if wait:
            _finish(_wait(client, job.id, console))


@click.command()
@click.argument("job_id", metavar="ID", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@endpoint_option
def job(job_id: int, as_json: bool, endpoint_url: str | None) -> None:
    """Show a job and its videos."""
    with session(endpoint_url) as client:
        snapshot = client.snapshot(job_id)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(snapshot)).decode())
        return
    click.echo(headline(snapshot))
    Console().print(videos_table(snapshot.videos))


@click.command()
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 100), help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@endpoint_option
def jobs(limit: int, as_json: bool, endpoint_url: str | None) -> None:
    """List the latest jobs."""
    with session(endpoint_url) as client:
        latest = client.jobs(limit)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(latest)).decode())
    else:
        Console().print(jobs_table(latest))


@click.command()
@click.argument("job_id", metavar="ID", type=int)
@endpoint_option
def cancel(job_id: int, endpoint_url: str | None) -> None:
    """End a job that has not ended."""
    with session(endpoint_url) as client:
        job = client.cancel(job_id)
    click.echo(f"job {job.id}: {job.status}")


@click.command()
@click.argument("job_id", metavar="ID", type=int)
@click.option("--wait", is_flag=True, help="Show progress and wait for the end.")
@endpoint_option
def redrive(job_id: int, wait: bool, endpoint_url: str | None) -> None:
    """Work again on what failed in a job after all its attempts, and on nothing else.

    With --wait the exit code is 1 unless every video was processed.
    """
    console = Console(stderr=True)
    with session(endpoint_url) as client:
        job = client.redrive(job_id)
        click.echo(f"job {job.id}: {job.status}")
        if wait:
            _finish(_wait(client, job_id, console))


@click.command()
@click.argument("job_id", metavar="ID", type=int)
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write to."
)
@endpoint_option
def results(job_id: int, out: Path, endpoint_url: str | None) -> None:
    """Download a job's files to OUT/<video>/ and print their paths."""
    with session(endpoint_url) as client:
        for path in client.download_results(job_id, out):
            click.echo(path)


def _wait(client: Client, job_id: int, console: Console) -> Snapshot:
    with job_progress(console) as on_progress:
        return client.wait(job_id, on_progress=on_progress)


def _finish(snapshot: Snapshot) -> None:
    click.echo(headline(snapshot), err=True)
    if not snapshot.job.succeeded:
        raise click.exceptions.Exit(EXIT_FAILED)
