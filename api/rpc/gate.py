"""What every call passes before its handler: deadline, key, tenant, bounds; and after it: status, log."""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError, Message
from grpc.aio import ServerInterceptor, ServicerContext

from api.accounts.service import Accounts
from api.admission import Admission
from api.bounds import ProjectBound
from api.metrics.rpc import RpcMetrics
from api.requests import accepted_id
from api.rpc.errors import REQUEST_ID, Refusal, failure, refusal_of
from core.errors import InvalidParameterError, MareyError
from orchestrator.store import Tenant

OPEN_TO_ALL = ("/grpc.health.v1.Health/", "/grpc.reflection.")
"""Services that need no key."""
STARTS_WORK = {"/marey.v1.JobService/SubmitJob", "/marey.v1.PoseService/Analyze"}
"""Methods that begin something new."""
MAX_CALLS_WITHOUT_KEY = 32
"""Under way at a time."""
_BUSY_RETRY_S = 5.0
_OF_OURS = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE}
_OUTCOMES = {grpc.StatusCode.OK: "ok", grpc.StatusCode.CANCELLED: "cancelled"}

Context: TypeAlias = "ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Enter: TypeAlias = "Callable[[Context], AbstractAsyncContextManager[Call | Context]]"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a handler knows of its call beside the request."""

    tenant: Tenant
    request_id: str


class Gate(ServerInterceptor):
    """Hands a `Call` to the handlers in place of gRPC's context, and turns their errors into statuses."""

    def __init__(
        self, accounts: Accounts, admission: Admission, metrics: RpcMetrics, max_calls_per_project: int
    ) -> None:
        self._accounts = accounts
        self._admission = admission
        self._metrics = metrics
        self._bound = ProjectBound(most=max_calls_per_project, what="calls", retry_after_s=_BUSY_RETRY_S)
        self._without_key = 0
        self._handlers: dict[str, Handler] = {}
        """By method: made at its first call."""

    async def intercept_service(
        self,
        continuation: "Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]",
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "Handler | None":
        """The handler of a method, behind this gate; None for an unknown method."""
        method = handler_call_details.method
        if method not in self._handlers:
            handler = await continuation(handler_call_details)
            if handler is None:
                return None
            is_open = method.startswith(OPEN_TO_ALL)
            enter = self._entered_by_anyone if is_open else partial(self._entered, method)
            self._handlers[method] = _behind(handler, enter)
        return self._handlers[method]

    @asynccontextmanager
    async def _entered_by_anyone(self, context: Context) -> AsyncIterator[Context]:
        """Those who need no key leave room for those who have one."""
        if self._without_key >= MAX_CALLS_WITHOUT_KEY:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many calls without a key")
        self._without_key += 1
        try:
            yield context
        except MareyError as error:
            refusal = refusal_of(error, accepted_id(""))
            await context.abort(refusal.status, refusal.message, refusal.metadata)
        finally:
            self._without_key -= 1

    @asynccontextmanager
    async def _entered(self, method: str, context: Context) -> AsyncIterator[Call]:
        metadata = {
            key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)
        }
        request_id = accepted_id(metadata.get(REQUEST_ID, ""))
        context.set_trailing_metadata(((REQUEST_ID, request_id),))
        outcome = _Outcome(method=method, request_id=request_id, metrics=self._metrics)
        try:
            with outcome.logged():
                outcome.tenant = await self._known(context, metadata)
                with self._bound.one(outcome.tenant):
                    if method in STARTS_WORK:
                        await self._admission.start(outcome.tenant)
                    yield Call(tenant=outcome.tenant, request_id=request_id)
        except _RefusedError as refused:
            await context.abort(refused.refusal.status, refused.refusal.message, refused.refusal.metadata)

    async def _known(self, context: Context, metadata: Mapping[str, str]) -> Tenant:
        """Whose call it is. Raises UnauthenticatedError, and InvalidParameterError without a deadline."""
        remaining_s: float | None = context.time_remaining()
        if remaining_s is None:
            raise InvalidParameterError("expected a call with a deadline, got one that would wait for ever")
        return await self._accounts.tenant(metadata.get("authorization"))


class _RefusedError(Exception):
    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


@dataclass(kw_only=True)
class _Outcome:
    """A call, how it ends, and the line about it."""

    method: str
    request_id: str
    metrics: RpcMetrics
    tenant: Tenant | None = None
    status: grpc.StatusCode = grpc.StatusCode.CANCELLED

    @contextmanager
    def logged(self) -> Iterator[None]:
        """Raises _RefusedError for any error but a cancellation."""
        started_s = time.monotonic()
        try:
            yield
            self.status = grpc.StatusCode.OK
        except MareyError as error:
            raise self._refused(refusal_of(error, self.request_id), error) from error
        except Exception as error:
            raise self._refused(failure(self.request_id), error) from error
        finally:
            self._note(time.monotonic() - started_s)

    def _refused(self, refusal: Refusal, error: Exception) -> _RefusedError:
        self.status = refusal.status
        if refusal.status in _OF_OURS:
            extra = {"action": "request_failed", "request_id": self.request_id}
            logger.error("call failed", exc_info=error, extra=extra)
        return _RefusedError(refusal)

    def _note(self, duration_s: float) -> None:
        self.metrics.count_call(self.method, self.status.name, duration_s)
        who = {}
        if self.tenant is not None:
            who = {"user_id": self.tenant.user_id, "project_id": self.tenant.project_id}
        fields = {
            "action": "request",
            "request_id": self.request_id,
            "status": self.status.name,
            "outcome": _OUTCOMES.get(self.status, "failed" if self.status in _OF_OURS else "refused"),
            "duration_s": round(duration_s, 4),
        }
        logger.info("%s %s", self.method, self.status.name, extra={**fields, **who})


def _behind(handler: Handler, enter: Enter) -> Handler:
    """The same kind of handler.

    Requests are decoded here, so that other bytes are refused like any mistake; streams are written here, so
    that a cancelled call closes its generator.
    """
    behaviour, is_stream = _behaviour(handler), handler.request_streaming
    assert handler.request_deserializer is not None
    decode = partial(_decoded, handler.request_deserializer)

    def read(request: Any) -> Any:
        return _each(request, decode) if is_stream else decode(request)

    async def stream(request: object, context: Context) -> None:
        async with enter(context) as call, aclosing(behaviour(read(request), call)) as responses:
            async for response in responses:
                await context.write(response)

    async def answer(request: object, context: Context) -> Any:
        async with enter(context) as call:
            return await behaviour(read(request), call)

    make = _MAKERS[is_stream, handler.response_streaming]
    passing = stream if handler.response_streaming else answer
    return make(passing, None, handler.response_serializer)


def _decoded(decode: Callable[[bytes], Message], data: bytes) -> Message:
    try:
        return decode(data)
    except DecodeError as error:
        raise InvalidParameterError(
            "expected a message as the protocol describes it, got other bytes"
        ) from error


async def _each(requests: AsyncIterator[bytes], decode: Callable[[bytes], Message]) -> AsyncIterator[Message]:
    async for request in requests:
        yield decode(request)


def _behaviour(handler: Any) -> Any:
    """What the service does, of whatever kind: it gets a `Call` where gRPC's types say a context."""
    return handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream


_MAKERS: "dict[tuple[bool, bool], Callable[..., Handler]]" = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
"""By whether requests and responses are streams."""
