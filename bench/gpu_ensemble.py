"""The ensemble alone: frames that lie in GPU memory already, several requests in flight."""

import base64
import ctypes
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle, islice

import numpy as np
import torch
import tritonclient.grpc as grpc
from numpy.typing import NDArray

PIPELINE = "pose_2d"
_WARM_UP_CALLS = 20
_HANDLE_BYTES = 64
"""CU_IPC_HANDLE_SIZE."""


def ensemble_fps(url: str, batches: Sequence[NDArray[np.uint8]], in_flight: int, seconds: float) -> float:
    """Frames per second of requests of one batch [N, H, W, 3], so many at a time, in CUDA shared memory."""
    client = grpc.InferenceServerClient(url)
    flying = list(islice(cycle(batches), in_flight))
    with _regions(client, flying) as names, ThreadPoolExecutor(in_flight) as pool:
        end_s = time.perf_counter() + seconds

        def work(name: str, batch: NDArray[np.uint8]) -> int:
            done = 0
            while time.perf_counter() < end_s:
                tensor = grpc.InferInput("frames", list(batch.shape), "UINT8")
                tensor.set_shared_memory(name, batch.nbytes)
                client.infer(PIPELINE, [tensor])
                done += len(batch)
            return done

        start_s = time.perf_counter()
        total = sum(pool.map(work, names, flying))
        return total / (time.perf_counter() - start_s)


def frame_latency_ms(url: str, frame: NDArray[np.uint8], calls: int = 300) -> dict[str, dict[str, float]]:
    """p50 and p99 of one frame through the ensemble, one request at a time, by the way that it travels."""
    client = grpc.InferenceServerClient(url)
    body = grpc.InferInput("frames", [1, *frame.shape], "UINT8")
    body.set_data_from_numpy(frame[None])
    with _regions(client, [frame[None]]) as (name,):
        shared = grpc.InferInput("frames", [1, *frame.shape], "UINT8")
        shared.set_shared_memory(name, frame.nbytes)
        return {
            "cuda shared memory": _percentiles_ms(client, shared, calls),
            "body": _percentiles_ms(client, body, calls),
        }


def _percentiles_ms(
    client: grpc.InferenceServerClient, tensor: grpc.InferInput, calls: int
) -> dict[str, float]:
    taken_ms = []
    for _ in range(calls + _WARM_UP_CALLS):
        start_s = time.perf_counter()
        client.infer(PIPELINE, [tensor])
        taken_ms.append(1000 * (time.perf_counter() - start_s))
    p50, p99 = np.percentile(taken_ms[_WARM_UP_CALLS:], (50, 99))
    return {"p50": round(float(p50), 2), "p99": round(float(p99), 2)}


@contextmanager
def _regions(client: grpc.InferenceServerClient, batches: Sequence[NDArray[np.uint8]]) -> Iterator[list[str]]:
    """Names of registered GPU memory, one region with the pixels of each batch."""
    torch.zeros(1, device="cuda")
    cuda = ctypes.CDLL("libcuda.so.1")
    pointers, names = [], []
    try:
        for number, batch in enumerate(batches):
            pointer, handle = ctypes.c_uint64(), (ctypes.c_char * _HANDLE_BYTES)()
            size = ctypes.c_size_t(batch.nbytes)
            _call(cuda.cuMemAlloc_v2(ctypes.byref(pointer), size), "cuMemAlloc")
            pointers.append(pointer)
            _call(cuda.cuMemcpyHtoD_v2(pointer, ctypes.c_void_p(batch.ctypes.data), size), "cuMemcpyHtoD")
            _call(cuda.cuIpcGetMemHandle(ctypes.byref(handle), pointer), "cuIpcGetMemHandle")
            names.append(f"bench_{number}")
            client.register_cuda_shared_memory(names[-1], base64.b64encode(bytes(handle)), 0, batch.nbytes)
        yield names
    finally:
        for name in names:
            client.unregister_cuda_shared_memory(name)
        for pointer in pointers:
            cuda.cuMemFree_v2(pointer)


def _call(status: int, name: str) -> None:
    if status != 0:
        raise RuntimeError(f"{name} gave CUDA error {status}")
