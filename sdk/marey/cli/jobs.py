"""Jobs for people: submitted, followed, fetched."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import click
from rich.console import Console

from marey.cli.derived import Json
from marey.cli.output import print_json, print_json_line, print_table
from marey.cli.session import EXIT_FAILED, json_option, with_client
from marey.cli.tables import headline, print_jobs, print_videos
from marey.client import Client
from marey.objects.jobs import Job, Snapshot
from marey.progress import job_progress, upload_progress

_job_id = click.argument("job_id", metavar="ID", type=int)
_files = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
_folder = click.Path(file_okay=False, path_type=Path)


@click.command()
@_files
@click.option("--pipeline", default="pose_2d", show_default=True, help="What to compute.")
@click.option(
    "--overlay",
    type=click.Choice(["full", "half", "off"]),
    help="Size of the video with drawn skeletons. Default: the server's.",
)
@click.option("--parameters", type=Json(is_object=True), default="{}", help="Of the job, as a JSON object.")
@click.option(
    "--pipeline-parameter-set-id",
    type=int,
    help="Set with the parameters that are not given. Default: that of the user's group.",
)
@click.option("--wait", is_flag=True, help="Show progress and wait for the end.")
@click.option("--out", type=_folder, help="Wait, then write the results to OUT/<video>/.")
@json_option
@with_client
def submit(  # noqa: PLR0913 (an argument per option)
    client: Client,
    files: tuple[Path, ...],
    pipeline: str,
    overlay: str | None,
    parameters: dict[str, object],
    pipeline_parameter_set_id: int | None,
    wait: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Upload videos, or one zip of videos, and start a job.

    Prints the job's id. With --wait or --out the exit code is 1 unless every video was processed.
    """
    chosen = {**parameters, **({"overlay": overlay} if overlay else {})}
    console = Console(stderr=True)
    with upload_progress(console) as on_upload:
        job = client.submit(
            files,
            pipeline,
            chosen,
            pipeline_parameter_set_id=pipeline_parameter_set_id,
            on_upload=on_upload,
        )
    if not wait and out is None:
        print_json(job) if as_json else click.echo(job.id)
        return
    if not as_json:
        click.echo(job.id)
    snapshot = _wait(client, job.id, console)
    if out is not None:
        client.download_results(job.id, out)
    if as_json:
        print_json(snapshot)
    _finish(snapshot)


@click.command()
@_files
@json_option
@with_client
def upload(client: Client, files: tuple[Path, ...], as_json: bool) -> None:
    """Upload videos, or one zip of videos, for `marey create-job`; prints the input key."""
    with upload_progress(Console(stderr=True)) as on_upload:
        input_key = client.upload(files, on_upload=on_upload)
    print_json({"input_key": input_key}) if as_json else click.echo(input_key)


@click.command()
@_job_id
@json_option
@with_client
def job(client: Client, job_id: int, as_json: bool) -> None:
    """Show a job and its videos."""
    snapshot = client.snapshot(job_id)
    if as_json:
        print_json(snapshot)
        return
    click.echo(headline(snapshot))
    print_videos(snapshot.videos)


@click.command()
@click.option("--limit", default=20, show_default=True, type=click.IntRange(min=1), help="At most so many.")
@json_option
@with_client
def jobs(client: Client, limit: int, as_json: bool) -> None:
    """List the latest jobs."""
    latest = list(islice(client.list_jobs(page_size=min(limit, 100)), limit))
    print_json(latest) if as_json else print_jobs(latest)


@click.command()
@_job_id
@json_option
@with_client
def events(client: Client, job_id: int, as_json: bool) -> None:
    """Follow a job to its end; with --json, a line of JSON per change.

    The exit code is 1 unless every video was processed.
    """
    with job_progress(Console(stderr=True)) as draw:
        for snapshot in client.events(job_id):
            print_json_line(snapshot) if as_json else draw(snapshot)
    _finish(snapshot)


@click.command()
@_job_id
@json_option
@with_client
def cancel(client: Client, job_id: int, as_json: bool) -> None:
    """End a job that has not ended."""
    _show(client.cancel(job_id), as_json)


@click.command()
@_job_id
@click.option("--wait", is_flag=True, help="Show progress and wait for the end.")
@json_option
@with_client
def redrive(client: Client, job_id: int, wait: bool, as_json: bool) -> None:
    """Work again on what failed in a job after all its attempts, and on nothing else.

    With --wait the exit code is 1 unless every video was processed.
    """
    _show(client.redrive(job_id), as_json)
    if wait:
        _finish(_wait(client, job_id, Console(stderr=True)))


@click.command()
@_job_id
@click.option("--out", type=_folder, help="Write the files to OUT/<video>/ and print their paths.")
@click.option("--archive", type=click.Path(dir_okay=False, path_type=Path), help="Write all as one zip.")
@json_option
@with_client
def results(client: Client, job_id: int, out: Path | None, archive: Path | None, as_json: bool) -> None:
    """List a job's files, or download them."""
    written = [] if archive is None else [client.download_archive(job_id, archive)]
    written += [] if out is None else client.download_results(job_id, out)
    if written:
        paths = [str(path) for path in written]
        print_json(paths) if as_json else click.echo("\n".join(paths))
        return
    files = client.results(job_id)
    if as_json:
        print_json(files)
    else:
        print_table(("file", "video", "bytes"), [(f.path, f.video_name, f.size_bytes) for f in files])


def _wait(client: Client, job_id: int, console: Console) -> Snapshot:
    with job_progress(console) as on_progress:
        return client.wait(job_id, on_progress=on_progress)


def _show(job: Job, as_json: bool) -> None:
    print_json(job) if as_json else click.echo(f"job {job.id}: {job.status}")


def _finish(snapshot: Snapshot) -> None:
    click.echo(headline(snapshot), err=True)
    if not snapshot.job.succeeded:
        raise click.exceptions.Exit(EXIT_FAILED)
