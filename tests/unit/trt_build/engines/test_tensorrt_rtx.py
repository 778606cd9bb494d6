"""What TensorRT-RTX is asked for."""

import pytest

from core.errors import ConfigurationError
from trt_build.engines import tensorrt_rtx
from trt_build.engines.tensorrt_rtx import builder_name, check_capabilities

SUPPORTED = ("8.6", "8.9", "12.0")


@pytest.mark.parametrize("wanted", [("8.9",), SUPPORTED])
def test_supported_gpus_pass(wanted: tuple[str, ...]) -> None:
    check_capabilities(wanted, SUPPORTED)


@pytest.mark.parametrize("wanted", [(), ("9.0",), ("8.9", "9.0"), ("89",)])
def test_other_gpus_are_refused_by_name(wanted: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match=r"among 8\.6, 8\.9, 12\.0, got"):
        check_capabilities(wanted, SUPPORTED)


def test_without_it_a_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorrt_rtx, "MODULE", "tensorrt_rtx_bindings_of_nobody")
    with pytest.raises(ConfigurationError, match="--group tensorrt-rtx"):
        builder_name()
