"""The GPU of tests marked `gpu`; without one they are skipped, in one line per file."""

from functools import cache

import pytest

from core.errors import ConfigurationError
from ingest.nvdec.device import Gpu


@cache
def gpu_or_problem() -> Gpu | str:
    """The first GPU, or why there is none."""
    try:
        return Gpu()
    except ConfigurationError as error:
        return f"no GPU: {error}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    marked = [item for item in items if item.get_closest_marker("gpu")]
    problem = gpu_or_problem() if marked else ""
    if isinstance(problem, str):
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=problem))


@pytest.fixture
def gpu() -> Gpu:
    gpu = gpu_or_problem()
    assert isinstance(gpu, Gpu)
    gpu.use()
    return gpu
