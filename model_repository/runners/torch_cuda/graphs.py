"""A network on the GPU: rows of any number through CUDA graphs of a few batch sizes."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from model_repository.runners.torch_cuda.packages import Package
from model_repository.runners.torch_cuda.steps import steps

WARM_UP_CALLS = 3
"""Before recording: constants are folded, allocators reach their size."""


class GraphedNetwork:
    """Records each batch size once; a call is copies and replays, without a look at any result.

    cuDNN takes the algorithms that its heuristics name: `cudnn.benchmark` would try them out at each start,
    for every convolution and batch size.
    """

    def __init__(self, packages: Mapping[int, Package], row: tuple[int, ...], device: torch.device) -> None:
        self._graphs = {
            batch: _Recorded(package, torch.zeros((batch, *row), dtype=torch.uint8, device=device))
            for batch, package in packages.items()
        }

    def __call__(self, rows: Tensor) -> Tensor:
        """Rows UINT8 [N, ...] on the GPU -> rows FP32 [N, ...] there; N >= 1."""
        parts, at = [], 0
        for batch in steps(len(rows), tuple(self._graphs)):
            parts.append(self._graphs[batch](rows[at : at + batch]))
            at += batch
        return parts[0] if len(parts) == 1 else torch.cat(parts)


class _Recorded:
    """One batch size: its input and output always lie at the same place, and its weights with the package."""

    def __init__(self, package: Package, rows: Tensor) -> None:
        # Named first, so destroyed first: a package takes the weights along, and PyTorch 2.13's its kernels.
        self._graph = torch.cuda.CUDAGraph()
        self._package, self._rows = package, rows
        stream = torch.cuda.Stream(rows.device)
        stream.wait_stream(torch.cuda.current_stream(rows.device))
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP_CALLS):
                package(rows)
        torch.cuda.current_stream(rows.device).wait_stream(stream)
        with torch.cuda.graph(self._graph):
            self._outputs = package(rows)

    def __call__(self, rows: Tensor) -> Tensor:
        """At most a batch of rows; what the input held before fills it up."""
        self._rows[: len(rows)].copy_(rows)
        self._graph.replay()
        return self._outputs[: len(rows)].clone(memory_format=torch.contiguous_format)
