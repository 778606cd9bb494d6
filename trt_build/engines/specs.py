"""What an engine is made of, and the manifest beside it that says so."""

import hashlib
from pathlib import Path

import msgspec

from trt_build.shifts import Shift

MANIFEST_NAME = "engine.json"
PLAN_PATH = Path("1", "model.plan")
"""Where Triton looks for a TensorRT plan, in the network's folder."""


class BatchProfile(msgspec.Struct, frozen=True, kw_only=True):
    """Batch sizes that an engine takes, and the one it is tuned for."""

    smallest: int = 1
    tuned: int
    largest: int

    def __post_init__(self) -> None:
        if not 1 <= self.smallest <= self.tuned <= self.largest:
            raise ValueError(f"expected 1 <= smallest <= tuned <= largest, got {self}")


class EngineSpec(msgspec.Struct, frozen=True, kw_only=True):
    """All that decides what an engine is: of two equal ones, only one needs to be built."""

    network: str
    onnx_sha256: str
    builder: str
    """Name and version, such as `tensorrt-rtx 1.7.1.116`: a plan runs only with the version that made it."""
    compute_capabilities: tuple[str, ...]
    """GPUs that the plan runs on, such as `8.9`."""
    precision: str
    batches: BatchProfile


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


def write_engine(folder: Path, plan: bytes, manifest: EngineManifest) -> None:
    """The plan first: without its manifest it counts as not there."""
    (folder / MANIFEST_NAME).unlink(missing_ok=True)
    (folder / PLAN_PATH).parent.mkdir(parents=True, exist_ok=True)
    (folder / PLAN_PATH).write_bytes(plan)
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    (folder / MANIFEST_NAME).write_bytes(text + b"\n")


def digest(data: bytes) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(data).hexdigest()
