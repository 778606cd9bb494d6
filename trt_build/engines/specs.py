"""The manifest beside an engine, and whether the engine is still the right one."""

import hashlib
from pathlib import Path

import msgspec

from model_repository.plans import MANIFEST_NAME, PLAN_PATH, BatchProfile, EngineSpec
from trt_build.shifts import Shift

TIMINGS_NAME = "timings.bin"
"""What TensorRT measured while it tuned, beside the manifest."""


class EngineManifest(msgspec.Struct, frozen=True, kw_only=True):
    """`engine.json`."""

    spec: EngineSpec
    plan_sha256: str
    precision_shift: Shift
    """How far `precision` moves joints or box corners from fp32, network px, both run by ONNX Runtime."""


def batch_profile(max_batch_size: int, preferred_batch_sizes: tuple[int, ...]) -> BatchProfile:
    """The profile of a model configuration: tuned for the largest batch that its batcher aims at."""
    return BatchProfile(tuned=max(preferred_batch_sizes, default=max_batch_size), largest=max_batch_size)


def is_current(folder: Path, spec: EngineSpec) -> bool:
    """Whether `folder` holds the engine of `spec`, whole. What cannot be read is not current."""
    try:
        manifest = read_manifest(folder)
        plan = (folder / PLAN_PATH).read_bytes()
    except (OSError, msgspec.DecodeError):
        return False
    return manifest.spec == spec and manifest.plan_sha256 == digest(plan)


def read_manifest(folder: Path) -> EngineManifest:
    """Raises OSError or msgspec.DecodeError (ValidationError among them)."""
    return msgspec.json.decode((folder / MANIFEST_NAME).read_bytes(), type=EngineManifest)


def kept_timings(folder: Path, spec: EngineSpec) -> bytes:
    """TensorRT's timings beside an engine of the same version and GPU; empty if there are none."""
    try:
        earlier = read_manifest(folder).spec
        timings = (folder / TIMINGS_NAME).read_bytes()
    except (OSError, msgspec.DecodeError):
        return b""
    same = (earlier.builder, earlier.gpu, earlier.compute_capabilities)
    return timings if same == (spec.builder, spec.gpu, spec.compute_capabilities) else b""


def write_engine(folder: Path, plan: bytes, manifest: EngineManifest, timings: bytes = b"") -> None:
    """The plan first: without its manifest it counts as not there."""
    (folder / MANIFEST_NAME).unlink(missing_ok=True)
    (folder / PLAN_PATH).parent.mkdir(parents=True, exist_ok=True)
    (folder / PLAN_PATH).write_bytes(plan)
    (folder / TIMINGS_NAME).write_bytes(timings)
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    (folder / MANIFEST_NAME).write_bytes(text + b"\n")


def digest(data: bytes) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(data).hexdigest()
