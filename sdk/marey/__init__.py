"""Client of Marey: video of athletes in, biomechanics out.

>>> import marey
>>> with marey.Client() as client:
...     table = client.analyze("sprint.mp4").table()

`Client` blocks, `AsyncClient` is for asyncio; their methods are the same. `marey.errors` has a class per code
of the server.
"""

from marey.client import AsyncClient, Client
from marey.errors import (
    CannotConnectError,
    ConnectionLostError,
    JobFailedError,
    JobTimeoutError,
    LocalFileError,
    MareyApiError,
    MareyError,
    MissingDependencyError,
    NoEndpointError,
    PackingError,
)
from marey.objects.api_keys import ApiKey, IssuedApiKey
from marey.objects.frame_batches import FrameBatch
from marey.objects.jobs import FailedRange, Job, JobVideo, Snapshot
from marey.objects.parameter_sets import PipelineParameterSet
from marey.objects.parameters import PipelineParameters
from marey.objects.pipelines import Pipeline
from marey.objects.projects import Project, ProjectQueue
from marey.objects.results import ResultFile
from marey.objects.uploads import UploadTicket
from marey.objects.user_groups import UserGroup
from marey.objects.users import User
from marey.objects.videos import Video
from marey.poses import Poses
from marey.retry import RetryPolicy

__all__ = [
    "ApiKey",
    "AsyncClient",
    "CannotConnectError",
    "Client",
    "ConnectionLostError",
    "FailedRange",
    "FrameBatch",
    "IssuedApiKey",
    "Job",
    "JobFailedError",
    "JobTimeoutError",
    "JobVideo",
    "LocalFileError",
    "MareyApiError",
    "MareyError",
    "MissingDependencyError",
    "NoEndpointError",
    "PackingError",
    "Pipeline",
    "PipelineParameterSet",
    "PipelineParameters",
    "Poses",
    "Project",
    "ProjectQueue",
    "ResultFile",
    "RetryPolicy",
    "Snapshot",
    "UploadTicket",
    "User",
    "UserGroup",
    "Video",
]
