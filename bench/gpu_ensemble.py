"""The ensemble alone: frames that lie in GPU memory already, several requests in flight."""

import base64
import ctypes
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import torch
import tritonclient.grpc as grpc
from numpy.typing import NDArray

PIPELINE = "pose_2d"
_WARM_UP_CALLS = 20
_HANDLE_BYTES = 64
"""CU_IPC_HANDLE_SIZE."""


def ensemble_fps(url: str, frames: NDArray[np.uint8], in_flight: int, seconds: float) -> float:
    """Frames per second of requests of `frames` [N, H, W, 3], so many at a time, by CUDA shared memory."""
    client = grpc.InferenceServerClient(url)
    with _regions(client, frames, in_flight) as names, ThreadPoolExecutor(in_flight) as pool:
        end_s = time.perf_counter() + seconds

        def work(name: str) -> int:
            done = 0
            while time.perf_counter() < end_s:
                tensor = grpc.InferInput("frames", list(frames.shape), "UINT8")
                tensor.set_shared_memory(name, frames.nbytes)
                client.infer(PIPELINE, [tensor])
                done += len(frames)
            return done

        start_s = time.perf_counter()
        total = sum(pool.map(work, names))
        return total / (time.perf_counter() - start_s)


def frame_latency_ms(url: str, frame: NDArray[np.uint8], calls: int = 300) -> dict[str, dict[str, float]]:
    """p50 and p99 of one frame through the ensemble, one request at a time, by the way that it travels."""
    client = grpc.InferenceServerClient(url)
    body = grpc.InferInput("frames", [1, *frame.shape], "UINT8")
    body.set_data_from_numpy(frame[None])
    with _regions(client, frame[None], 1) as (name,):
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


def model_statistics(url: str) -> dict[str, dict[str, float]]:
    """Of each model since the server's start: executions, rows per execution, milliseconds of each."""
    found = {}
    for model in grpc.InferenceServerClient(url).get_inference_statistics().model_stats:
        runs = max(model.execution_count, 1)
        stats = model.inference_stats
        found[model.name] = {
            "executions": float(model.execution_count),
            "rows": round(model.inference_count / runs, 1),
            "compute_ms": round(stats.compute_infer.ns / runs / 1e6, 2),
            "input_ms": round(stats.compute_input.ns / runs / 1e6, 2),
            "output_ms": round(stats.compute_output.ns / runs / 1e6, 2),
            "queue_ms": round(stats.queue.ns / max(stats.queue.count, 1) / 1e6, 2),
        }
    return found


@contextmanager
def _regions(
    client: grpc.InferenceServerClient, frames: NDArray[np.uint8], count: int
) -> Iterator[list[str]]:
    torch.zeros(1, device="cuda")
    cuda = ctypes.CDLL("libcuda.so.1")
    pointers, names = [], []
    try:
        for number in range(count):
            pointer, handle = ctypes.c_uint64(), (ctypes.c_char * _HANDLE_BYTES)()
            size = ctypes.c_size_t(frames.nbytes)
            _call(cuda.cuMemAlloc_v2(ctypes.byref(pointer), size), "cuMemAlloc")
            pointers.append(pointer)
            _call(cuda.cuMemcpyHtoD_v2(pointer, ctypes.c_void_p(frames.ctypes.data), size), "cuMemcpyHtoD")
            _call(cuda.cuIpcGetMemHandle(ctypes.byref(handle), pointer), "cuIpcGetMemHandle")
            names.append(f"bench_{number}")
            client.register_cuda_shared_memory(names[-1], base64.b64encode(bytes(handle)), 0, frames.nbytes)
        yield names
    finally:
        for name in names:
            client.unregister_cuda_shared_memory(name)
        for pointer in pointers:
            cuda.cuMemFree_v2(pointer)


def _call(status: int, name: str) -> None:
    if status != 0:
        raise RuntimeError(f"{name} gave CUDA error {status}")
