"""The clients: all operations, with an event loop and without."""

from __future__ import annotations

import functools
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

from marey.blocking import drain, run
from marey.connection import Connection
from marey.endpoint import resolve_endpoint
from marey.operations import Operations
from marey.retry import RetryPolicy

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")


class AsyncClient(Operations):
    """Talks to one Marey, for programs with an event loop (asyncio).

    `endpoint_url` defaults to that of `profile`, MAREY_ENDPOINT_URL, the default profile made by `marey
    configure`, the stack started by `marey up` here; `api_key` to MAREY_API_KEY, what is kept for the server.
    `timeout_s` bounds each connection and each silence, not a whole operation.
    """

    def __init__(
        self,
        endpoint_url: str | None = None,
        api_key: str | None = None,
        *,
        profile: str | None = None,
        timeout_s: float = 60.0,
        retry: RetryPolicy | None = None,
    ) -> None:
        # httpx takes longer to import than all the rest; commands that need no server do without.
        from marey.transport import AsyncTransport

        endpoint = resolve_endpoint(endpoint_url, api_key, os.environ, profile)
        transport = AsyncTransport(endpoint.url, timeout_s)
        super().__init__(Connection(endpoint, transport, retry or RetryPolicy()))

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _done(
    operation: Callable[Concatenate[Operations, Arguments], Coroutine[Any, Any, Value]],
) -> Callable[Concatenate[Client, Arguments], Value]:
    """The operation, run to its end."""

    @functools.wraps(operation)
    def call(client: Client, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Value:
        return run(operation(client._operations, *args, **kwargs))

    return call


def _each(
    operation: Callable[Concatenate[Operations, Arguments], AsyncIterator[Value]],
) -> Callable[Concatenate[Client, Arguments], Iterator[Value]]:
    """The operation's items, one at a time."""

    @functools.wraps(operation)
    def call(client: Client, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Iterator[Value]:
        return drain(operation(client._operations, *args, **kwargs))

    return call


class Client:
    """Talks to one Marey, for programs without an event loop. The arguments are those of AsyncClient."""

    def __init__(
        self,
        endpoint_url: str | None = None,
        api_key: str | None = None,
        *,
        profile: str | None = None,
        timeout_s: float = 60.0,
        retry: RetryPolicy | None = None,
    ) -> None:
        from marey.transport import BlockingTransport

        endpoint = resolve_endpoint(endpoint_url, api_key, os.environ, profile)
        transport = BlockingTransport(endpoint.url, timeout_s)
        self._operations = Operations(Connection(endpoint, transport, retry or RetryPolicy()))

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def endpoint_url(self) -> str:
        """The server."""
        return self._operations.endpoint_url

    close = _done(Operations.close)

    list_users = _each(Operations.list_users)
    get_user = _done(Operations.get_user)
    create_user = _done(Operations.create_user)
    update_user = _done(Operations.update_user)
    delete_user = _done(Operations.delete_user)

    list_user_groups = _each(Operations.list_user_groups)
    get_user_group = _done(Operations.get_user_group)
    create_user_group = _done(Operations.create_user_group)
    update_user_group = _done(Operations.update_user_group)
    delete_user_group = _done(Operations.delete_user_group)

    list_projects = _each(Operations.list_projects)
    get_project = _done(Operations.get_project)
    create_project = _done(Operations.create_project)
    update_project = _done(Operations.update_project)
    delete_project = _done(Operations.delete_project)

    list_pipelines = _each(Operations.list_pipelines)
    get_pipeline = _done(Operations.get_pipeline)
    create_pipeline = _done(Operations.create_pipeline)
    update_pipeline = _done(Operations.update_pipeline)
    delete_pipeline = _done(Operations.delete_pipeline)

    list_pipeline_parameter_sets = _each(Operations.list_pipeline_parameter_sets)
    get_pipeline_parameter_set = _done(Operations.get_pipeline_parameter_set)
    create_pipeline_parameter_set = _done(Operations.create_pipeline_parameter_set)
    update_pipeline_parameter_set = _done(Operations.update_pipeline_parameter_set)
    delete_pipeline_parameter_set = _done(Operations.delete_pipeline_parameter_set)

    list_pipeline_parameters = _each(Operations.list_pipeline_parameters)
    get_pipeline_parameters = _done(Operations.get_pipeline_parameters)
    create_pipeline_parameters = _done(Operations.create_pipeline_parameters)
    update_pipeline_parameters = _done(Operations.update_pipeline_parameters)
    delete_pipeline_parameters = _done(Operations.delete_pipeline_parameters)

    list_jobs = _each(Operations.list_jobs)
    get_job = _done(Operations.get_job)
    create_job = _done(Operations.create_job)
    cancel = _done(Operations.cancel)
    redrive = _done(Operations.redrive)
    snapshot = _done(Operations.snapshot)
    wait = _done(Operations.wait)
    events = _each(Operations.events)

    list_videos = _each(Operations.list_videos)
    get_video = _done(Operations.get_video)

    list_frame_batches = _each(Operations.list_frame_batches)
    get_frame_batch = _done(Operations.get_frame_batch)

    list_api_keys = _each(Operations.list_api_keys)
    get_api_key = _done(Operations.get_api_key)
    create_api_key = _done(Operations.create_api_key)
    delete_api_key = _done(Operations.delete_api_key)

    get_upload_handler = _done(Operations.get_upload_handler)
    upload = _done(Operations.upload)
    submit = _done(Operations.submit)
    analyze = _done(Operations.analyze)

    results = _done(Operations.results)
    download_results = _done(Operations.download_results)
    download_archive = _done(Operations.download_archive)
