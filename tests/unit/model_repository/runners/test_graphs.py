"""The life of a recorded network; CUDA's streams and graphs are played by stand-ins."""

from __future__ import annotations

import weakref
from contextlib import nullcontext

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
graphs = pytest.importorskip("model_repository.runners.torch_cuda.graphs", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch


class Stream:
    """Nothing runs on it."""

    def wait_stream(self, _other: Stream) -> None:
        """There is nothing to wait for."""


class Graph:
    """A recording."""


class Package:
    """A compiled network that leaves its rows as they are."""

    def __call__(self, rows: object) -> object:
        """The same rows."""
        return rows


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """CUDA's objects do nothing."""
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "Stream", lambda _device: Stream())
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _device: Stream())
    monkeypatch.setattr(torch.cuda, "stream", nullcontext)
    monkeypatch.setattr(torch.cuda, "graph", nullcontext)


def test_a_package_outlives_its_graph() -> None:
    package = Package()
    gone: list[str] = []
    network = graphs.GraphedNetwork({2: package}, (3,), torch.device("cpu"))
    weakref.finalize(package, gone.append, "package")
    weakref.finalize(network._graphs[2]._graph, gone.append, "graph")
    del package
    assert gone == []
    del network
    assert gone == ["graph", "package"]
