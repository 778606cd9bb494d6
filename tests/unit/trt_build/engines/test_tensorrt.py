"""What TensorRT and TensorRT-RTX are asked for."""

from types import ModuleType, SimpleNamespace

import pytest

from core.errors import ConfigurationError
from trt_build.engines.gpu import first_gpu
from trt_build.engines.tensorrt import (
    TENSORRT_RTX,
    Kind,
    build_target,
    builder_name,
    check_capabilities,
    is_installed,
    network_flags,
)

SUPPORTED = ("8.6", "8.9", "12.0")
NOBODYS = Kind(name="tensorrt", module="tensorrt_of_nobody", remedy="it is in an image")


@pytest.mark.parametrize("wanted", [("8.9",), SUPPORTED])
def test_supported_gpus_pass(wanted: tuple[str, ...]) -> None:
    check_capabilities(wanted, SUPPORTED)


@pytest.mark.parametrize("wanted", [("9.0",), ("8.9", "9.0"), ("89",)])
def test_other_gpus_are_refused_by_name(wanted: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match=r"among 8\.6, 8\.9, 12\.0, got"):
        check_capabilities(wanted, SUPPORTED)


def test_without_the_library_a_sentence_says_how_to_get_it() -> None:
    assert not is_installed(NOBODYS)
    with pytest.raises(ConfigurationError, match=r"expected tensorrt, .*: it is in an image"):
        builder_name(NOBODYS)
    assert "--group tensorrt-rtx" in TENSORRT_RTX.remedy


def test_without_a_gpu_only_rtx_gpus_that_are_named_can_be_built_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_driver(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr("ctypes.CDLL", no_driver)
    with pytest.raises(ConfigurationError, match=r"expected a GPU.*libcuda"):
        first_gpu()
    with pytest.raises(ConfigurationError, match=r"expected (a GPU|tensorrt)"):
        build_target(())


@pytest.mark.parametrize(
    ("members", "flags"),
    [
        ({"STRONGLY_TYPED": 0}, 1),
        ({"EXPLICIT_BATCH": 0, "STRONGLY_TYPED": 1}, 2),
        ({"EXPLICIT_BATCH": 0, "EXPLICIT_PRECISION": 1}, 1),
        ({"PREFER_JIT": 0}, 0),
    ],
    ids=["RTX", "10", "8.6", "neither"],
)
def test_networks_are_strongly_typed_where_that_is_known(members: dict[str, int], flags: int) -> None:
    library = ModuleType("library")
    library.NetworkDefinitionCreationFlag = SimpleNamespace(__members__=members)  # type: ignore[attr-defined]
    assert network_flags(library) == flags
