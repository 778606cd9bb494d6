"""Engines are built anew when anything that decides what they are has changed, and only then."""

from pathlib import Path

import msgspec
import pytest

from model_repository.plans import MANIFEST_NAME, PLAN_PATH, BatchProfile, EngineSpec
from trt_build.engines.specs import (
    EngineManifest,
    batch_profile,
    digest,
    is_current,
    kept_timings,
    read_manifest,
    write_engine,
)
from trt_build.shifts import Shift

PLAN = b"plan"
SPEC = EngineSpec(
    network="yolo",
    onnx_sha256=digest(b"onnx"),
    builder="tensorrt-rtx 1.7.1",
    compute_capabilities=("8.9", "12.0"),
    gpu=None,
    precision="fp16",
    batches=BatchProfile(tuned=8, largest=32),
)
MANIFEST = EngineManifest(
    spec=SPEC, plan_sha256=digest(PLAN), precision_shift=Shift(count=2, mean_px=0.1, p95_px=0.2)
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_engine(tmp_path, PLAN, MANIFEST, b"timings")
    return tmp_path


def test_what_was_written_is_current(folder: Path) -> None:
    assert read_manifest(folder) == MANIFEST
    assert is_current(folder, SPEC)


@pytest.mark.parametrize(
    "change",
    [
        {"network": "hrnet"},
        {"onnx_sha256": digest(b"other weights")},
        {"builder": "tensorrt-rtx 1.8.0"},
        {"compute_capabilities": ("8.9",)},
        {"gpu": "NVIDIA H200"},
        {"precision": "fp8"},
        {"batches": BatchProfile(tuned=16, largest=32)},
    ],
)
def test_each_change_asks_for_a_new_engine(folder: Path, change: dict[str, object]) -> None:
    assert not is_current(folder, msgspec.structs.replace(SPEC, **change))


def test_a_plan_that_is_damaged_or_gone_is_built_again(folder: Path) -> None:
    (folder / PLAN_PATH).write_bytes(b"half a pl")
    assert not is_current(folder, SPEC)
    (folder / PLAN_PATH).unlink()
    assert not is_current(folder, SPEC)


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]"])
def test_a_manifest_that_cannot_be_read_is_not_current(folder: Path, text: bytes) -> None:
    (folder / MANIFEST_NAME).write_bytes(text)
    assert not is_current(folder, SPEC)


def test_timings_are_used_again_for_other_weights_but_not_for_another_library_or_gpu(folder: Path) -> None:
    assert kept_timings(folder, msgspec.structs.replace(SPEC, onnx_sha256=digest(b"other"))) == b"timings"
    assert kept_timings(folder, msgspec.structs.replace(SPEC, builder="tensorrt-rtx 1.8.0")) == b""
    assert kept_timings(folder, msgspec.structs.replace(SPEC, gpu="NVIDIA H200")) == b""
    assert kept_timings(folder.parent / "empty", SPEC) == b""


def test_batches_follow_the_batcher() -> None:
    assert batch_profile(128, (32, 64)) == BatchProfile(smallest=1, tuned=64, largest=128)
    assert batch_profile(4, ()) == BatchProfile(tuned=4, largest=4)


def test_a_profile_in_the_wrong_order_is_refused() -> None:
    with pytest.raises(ValueError, match="smallest <= tuned <= largest"):
        BatchProfile(tuned=8, largest=4)
