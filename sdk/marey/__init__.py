"""Client of Marey: video of athletes in, biomechanics out.

>>> import marey
>>> client = marey.Client()
>>> job = client.submit(["sprint.mp4"])
>>> client.wait(job.id)
>>> client.download_results(job.id, "results")
"""

from marey.client import Client
from marey.errors import (
    CannotConnectError,
    ConnectionLostError,
    JobTimeoutError,
    LocalFileError,
    MareyApiError,
    MareyError,
    NoEndpointError,
    PackingError,
)
from marey.models import Job, ResultFile, Snapshot, Video

__all__ = [
    "CannotConnectError",
    "Client",
    "ConnectionLostError",
    "Job",
    "JobTimeoutError",
    "LocalFileError",
    "MareyApiError",
    "MareyError",
    "NoEndpointError",
    "PackingError",
    "ResultFile",
    "Snapshot",
    "Video",
]
