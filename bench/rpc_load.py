"""Many clients of one gRPC server, in one process: calls of raw bytes, over a connection for every eight."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import grpc
from marey.v1.jobs_pb2 import GetJobRequest

from bench.http_load import Outcome, outcome_of

METHOD = "/marey.v1.JobService/GetJob"
_CALLS_PER_CONNECTION = 8
_TIMEOUT_S = 20.0
_SEPARATE = (("grpc.use_local_subchannel_pool", 1),)
"""Channels to one address share a connection otherwise."""


async def rpc_load(port: int, key: str, job_id: int, clients: int, duration_s: float) -> Outcome:
    """`clients` at once, each one call after the other. Raises grpc.RpcError for a call that is refused."""
    request = GetJobRequest(job_id=job_id).SerializeToString()
    metadata = (("authorization", f"Bearer {key}"),)
    latencies_s: list[float] = []
    channels = [
        grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=_SEPARATE)
        for _ in range(clients // _CALLS_PER_CONNECTION)
    ]

    async def ask(call: Callable[..., Awaitable[bytes]]) -> None:
        while time.perf_counter() < stop_s:
            sent_s = time.perf_counter()
            await call(request, timeout=_TIMEOUT_S, metadata=metadata)
            latencies_s.append(time.perf_counter() - sent_s)

    started_s = time.perf_counter()
    stop_s = started_s + duration_s
    each: list[Callable[..., Awaitable[bytes]]] = [channel.unary_unary(METHOD) for channel in channels]
    await asyncio.gather(*map(ask, each * _CALLS_PER_CONNECTION))
    outcome = outcome_of(latencies_s, time.perf_counter() - started_s)
    await asyncio.gather(*(channel.close() for channel in channels))
    return outcome
