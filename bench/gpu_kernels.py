"""Where a GPU's time goes in one process: kernels by what they are for, from PyTorch's profiler."""

from collections import Counter
from collections.abc import Callable

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

MOST = 12
"""Kernels that are named one by one."""
_LONGEST_NAME = 70
_KINDS = (
    ("copies", ("memcpy", "memset")),
    ("sampling", ("_sample",)),
    ("inductor", ("triton_",)),
    ("convolutions", ("conv", "gemm", "xmma", "cudnn", "cutlass", "nhwc", "sm80", "sm90")),
)


def kind_of(kernel: str) -> str:
    """What a kernel is for, by its name."""
    name = kernel.lower()
    return next((kind for kind, words in _KINDS if any(word in name for word in words)), "others")


def kernel_times(work: Callable[[], int]) -> dict[str, object]:
    """Microseconds of kernels per frame of `work`, which returns how many it did; and the longest ones."""
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        frames = work()
        torch.cuda.synchronize()
    by_kind: Counter[str] = Counter()
    by_name: Counter[str] = Counter()
    for event in profiler.events() or ():
        if event.device_type == DeviceType.CUDA:
            by_kind[kind_of(event.name)] += event.device_time_total
            by_name[event.name[:_LONGEST_NAME]] += event.device_time_total
    return {
        "us_per_frame": round(sum(by_kind.values()) / frames, 1),
        "by_kind": {kind: round(us / frames, 1) for kind, us in by_kind.most_common()},
        "longest": {name: round(us / frames, 1) for name, us in by_name.most_common(MOST)},
    }
