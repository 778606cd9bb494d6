"""The synchronous client."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType

import msgspec

from marey.downloads import local_paths
from marey.endpoint import resolve_endpoint
from marey.errors import JobTimeoutError, LocalFileError, PackingError, UploadUsedError
from marey.models import Job, JobPage, ResultFile, ResultPage, Snapshot, UploadTicket, Video, VideoPage
from marey.packing import packed
from marey.transport import Request, RetryPolicy, Transport

_BLOCK_BYTES = 1 << 20
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0

OnUpload = Callable[[int, int], None]
"""Called with the bytes sent and their total."""
OnProgress = Callable[[Snapshot], None]
"""Called with the job and its videos each time they were looked at."""
Parameters = Mapping[str, object]


class Client:
    """Talks to one Marey. Every method raises marey.errors.MareyError and nothing else.

    `endpoint_url` defaults to MAREY_ENDPOINT_URL, then to the profile made by `marey configure`, then to the
    stack started by `marey up` here; `api_key` to MAREY_API_KEY, then to what is kept for this endpoint.
    """

    def __init__(
        self,
        endpoint_url: str | None = None,
        api_key: str | None = None,
        *,
        profile: str | None = None,
        timeout_s: float = 60.0,
    ) -> None:
        endpoint = resolve_endpoint(endpoint_url, api_key, os.environ, profile)
        self._transport = Transport(endpoint, timeout_s, RetryPolicy())

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def endpoint_url(self) -> str:
        """The server that this client talks to."""
        return self._transport.endpoint_url

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def submit(
        self,
        paths: Sequence[str | Path],
        pipeline: str = "pose_2d",
        parameters: Parameters | None = None,
        *,
        on_upload: OnUpload | None = None,
    ) -> Job:
        """Upload videos (or one zip of videos) and start a job on them."""
        with packed([Path(path) for path in paths]) as archive:
            input_key = self._upload(archive, on_upload)
        return self.create_job(input_key, pipeline, parameters)

    def create_job(
        self, input_key: str, pipeline: str = "pose_2d", parameters: Parameters | None = None
    ) -> Job:
        """Start a job on a package that was uploaded before."""
        body = msgspec.json.encode(
            {"pipeline": pipeline, "input": input_key, "parameters": dict(parameters or {})}
        )
        headers = {"content-type": "application/json"}
        return self._transport.send(Request("POST", "/job", headers=headers, content=lambda: body), Job)

    def job(self, job_id: int) -> Job:
        """The job as it is now."""
        return self._transport.send(Request("GET", f"/job/{job_id}"), Job)

    def jobs(self, limit: int = 20) -> list[Job]:
        """The latest jobs, newest first."""
        return self._transport.send(Request("GET", "/job", params={"limit": limit}), JobPage).items

    def videos(self, job_id: int) -> list[Video]:
        """The videos of a job, in the package's order; empty until the package was opened."""
        return self._transport.send(Request("GET", f"/job/{job_id}/video"), VideoPage).items

    def snapshot(self, job_id: int) -> Snapshot:
        """The job and its videos; the videos of a job that has ended are final."""
        job = self.job(job_id)
        return Snapshot(job=job, videos=self.videos(job_id))

    def wait(
        self, job_id: int, timeout_s: float | None = None, on_progress: OnProgress | None = None
    ) -> Snapshot:
        """Wait until the job has ended, well or badly. Raises JobTimeoutError after `timeout_s`."""
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        pause_s = _FIRST_PAUSE_S
        while True:
            snapshot = self.snapshot(job_id)
            if on_progress is not None:
                on_progress(snapshot)
            if snapshot.job.is_final:
                return snapshot
            if deadline_s is not None and time.monotonic() + pause_s > deadline_s:
                raise JobTimeoutError(
                    f"expected job {job_id} to end within {timeout_s:g} s, it is {snapshot.job.status}"
                )
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)

    def cancel(self, job_id: int) -> Job:
        """End a job that has not ended. Raises ConflictError for one that has."""
        return self._transport.send(Request("POST", f"/job/{job_id}/cancel"), Job)

    def redrive(self, job_id: int) -> Job:
        """Work again on what failed after all its attempts. Raises ConflictError if there is nothing."""
        return self._transport.send(Request("POST", f"/job/{job_id}/redrive"), Job)

    def results(self, job_id: int) -> list[ResultFile]:
        """The files that the job has produced so far."""
        return self._transport.send(Request("GET", f"/job/{job_id}/results"), ResultPage).items

    def download_results(self, job_id: int, out: str | Path) -> list[Path]:
        """Write the job's files to `out/<video name>/`; returns their paths."""
        files = self.results(job_id)
        targets = local_paths(files, Path(out))
        for file, target in zip(files, targets, strict=True):
            self._download(file, target)
        return targets

    def _upload(self, archive: Path, on_upload: OnUpload | None) -> str:
        ticket = self._transport.send(Request("GET", "/job/upload_handler"), UploadTicket)
        with _local_file_errors(archive):
            size_bytes = archive.stat().st_size
            if size_bytes > ticket.max_bytes:
                raise PackingError(f"expected at most {ticket.max_bytes} bytes, the package has {size_bytes}")
            headers = {"content-type": "application/zip", "content-length": str(size_bytes)}
            body = partial(_blocks, archive, size_bytes, on_upload)
            request = Request("PUT", ticket.upload_url, headers=headers, content=body, repeatable=True)
            # The address is ours alone: if it is used up, an earlier try has arrived.
            with suppress(UploadUsedError):
                self._transport.send(request, msgspec.Raw)
        return ticket.input_key

    def _download(self, file: ResultFile, target: Path) -> None:
        with _local_file_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(target.name + ".part")
            try:
                with self._transport.stream(Request("GET", file.url)) as response, part.open("wb") as sink:
                    for chunk in self._transport.chunks(response):
                        sink.write(chunk)
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)


@contextmanager
def _local_file_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LocalFileError(f"{path}: {error.strerror or error}") from error


def _blocks(archive: Path, size_bytes: int, on_upload: OnUpload | None) -> Iterator[bytes]:
    sent_bytes = 0
    with archive.open("rb") as source:
        while block := source.read(_BLOCK_BYTES):
            yield block
            sent_bytes += len(block)
            if on_upload is not None:
                on_upload(sent_bytes, size_bytes)
