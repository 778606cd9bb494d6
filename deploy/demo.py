"""`marey demo`: a temporary stack, a job through the public client, the results in a folder."""

import contextlib
import shlex
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import marey
from marey.progress import job_progress, upload_progress
from rich.console import Console

from core.errors import ConfigurationError, InvalidParameterError, MareyError, ServiceError
from deploy.demo_report import Stopwatch, results_table, troubles
from deploy.embedded.foreground import output_console
from deploy.embedded.options import StackOptions
from deploy.embedded.stack import RunningStack, running_stack
from deploy.embedded.status import EventPrinter

CLIPS = Path(__file__).resolve().parents[1] / "examples" / "clips"
STALL_TIMEOUT_S = 180.0
"""A job whose snapshot does not change for this long is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What to show."""

    videos: tuple[str, ...]
    out: Path
    models: Path | None
    """Folder of the user's networks; None takes the shipped ones."""
    keep_home: bool


def run_demo(options: DemoOptions) -> bool:
    """Show the product at work; True if every video was processed. Raises core.errors.MareyError."""
    console = output_console()
    videos = demo_videos(options.videos)
    out = results_folder(options.out)
    with (
        _interrupted_once(),
        temporary_home(options.keep_home, console) as home,
        running_stack(StackOptions(home=home, models=options.models), EventPrinter(console)) as stack,
    ):
        return _show(stack, videos, out, console)


def demo_videos(given: Sequence[str]) -> list[Path]:
    """The files to process: each of `given` is a path, or several as a shell would write them.

    Without any, the clips of the repository. Raises InvalidParameterError for a file that is not there.
    """
    paths = [path for text in given for path in _paths(text)]
    for path in paths:
        if not path.is_file():
            reason = "not a file" if path.exists() else "no such file"
            raise InvalidParameterError(f"expected a video or a zip of videos, got {str(path)!r}: {reason}")
    clips = paths or sorted(CLIPS.glob("*.mp4"))
    if not clips:
        raise ConfigurationError(f"expected example clips in {CLIPS}, got none; name a file with --video")
    return clips


def _paths(text: str) -> list[Path]:
    whole = Path(text).expanduser()
    if whole.exists():
        return [whole]
    try:
        return [Path(part).expanduser() for part in shlex.split(text)]
    except ValueError:  # a name with an apostrophe, not a list with quotes
        return [whole]


def results_folder(out: Path) -> Path:
    """`out`, made before anything is computed for it. Raises InvalidParameterError where it cannot be."""
    folder = out.expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidParameterError(
            f"expected a folder for the results, got {str(folder)!r}: {error.strerror}"
        ) from error
    return folder


@contextlib.contextmanager
def temporary_home(keep: bool, console: Console) -> Iterator[Path]:
    """A folder for one stack; kept, and named, if asked or if something goes wrong."""
    home = Path(tempfile.mkdtemp(prefix="marey-demo-"))
    try:
        yield home
    except MareyError:
        keep = True
        raise
    finally:
        if keep:
            console.print(f"The stack's data and logs are in {home}", soft_wrap=True)
        else:
            shutil.rmtree(home)


@contextlib.contextmanager
def _interrupted_once() -> Iterator[None]:
    """SIGTERM and a closed terminal end the demo as Ctrl-C does; nothing interrupts the clean-up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    heeded = [number for number, handler in before.items() if handler is not signal.SIG_IGN]

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in heeded:
            signal.signal(number, lambda *_: None)
        raise KeyboardInterrupt

    for number in heeded:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show(stack: RunningStack, videos: Sequence[Path], out: Path, console: Console) -> bool:
    started_s = time.monotonic()
    stopwatch = Stopwatch()
    with _as_service_error(), marey.Client(stack.api_url, stack.api_key) as client:
        with upload_progress(console) as on_upload:
            job = client.submit(list(videos), on_upload=on_upload)
        snapshot = _wait(stack, client, job.id, (console, stopwatch))
        client.download_results(job.id, out)
        files = client.results(job.id)
    console.print(results_table(snapshot.videos, files, stopwatch))
    for line in troubles(snapshot):
        console.print(line, style="red", markup=False, soft_wrap=True)
    console.print(f"Results: {out}/", markup=False, soft_wrap=True)
    console.print(f"Job {snapshot.job.status} in {time.monotonic() - started_s:.0f} s")
    return snapshot.job.succeeded


def _wait(
    stack: RunningStack, client: marey.Client, job_id: int, shown: tuple[Console, Stopwatch]
) -> marey.Snapshot:
    """Follow the job to its end. Raises ServiceError when it stands still, ServiceDiedError."""
    console, stopwatch = shown
    with job_progress(console) as draw:

        def on_progress(snapshot: marey.Snapshot) -> None:
            stack.check()
            draw(snapshot)
            stopwatch.look(snapshot, time.monotonic())
            if stopwatch.idle_s(time.monotonic()) > STALL_TIMEOUT_S:
                raise ServiceError(f"job {job_id} made no progress for {STALL_TIMEOUT_S:.0f} s")

        return client.wait(job_id, on_progress=on_progress)


@contextlib.contextmanager
def _as_service_error() -> Iterator[None]:
    """The client's errors as the server's commands report them."""
    try:
        yield
    except marey.MareyError as error:
        raise ServiceError(str(error)) from error
