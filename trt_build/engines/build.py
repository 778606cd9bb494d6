"""Engines of the networks: ONNX -> fp16 -> plan and manifest, built anew only where something changed."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from model_repository.contract import NETWORKS, configs_with, read_config
from trt_build.cards import ONNX_PATH
from trt_build.engines import tensorrt_rtx
from trt_build.engines.half import write_half
from trt_build.engines.specs import (
    EngineManifest,
    EngineSpec,
    batch_profile,
    digest,
    is_current,
    read_manifest,
    write_engine,
)
from trt_build.evaluation.network_inputs import crops, letterboxed
from trt_build.shifts import Shift, box_shift, joint_shift

DETECTOR, _ = NETWORKS
HALF = "fp16"
CHECK_SEEDS = range(8000, 8008)
"""Scenes on which the price of fp16 is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltEngine:
    """One network's engine, in its folder."""

    folder: Path
    manifest: EngineManifest
    reused: bool
    """It was there already."""


def build_engines(models: Path | None, out: Path, capabilities: tuple[str, ...]) -> Iterator[BuiltEngine]:
    """An engine per network in `out`, laid out as a Triton model repository.

    `models` is a folder of the user's networks, as `marey models import` writes them; None builds the shipped
    ones. Raises ConfigurationError without TensorRT-RTX, and for what it does not take.
    """
    configs = configs_with(models)
    for name in NETWORKS:
        yield _engine(configs[name], out / name, capabilities)


def _engine(config_path: Path, folder: Path, capabilities: tuple[str, ...]) -> BuiltEngine:
    onnx_file = config_path.parent / ONNX_PATH
    spec = _spec(config_path, capabilities)
    if is_current(folder, spec):
        return BuiltEngine(folder=folder, manifest=read_manifest(folder), reused=True)
    with tempfile.TemporaryDirectory() as scratch:
        half = Path(scratch, "half.onnx")
        write_half(onnx_file, half)
        plan = tensorrt_rtx.build_plan(half, spec.batches, capabilities)
        shift = _shift(config_path, half)
    manifest = EngineManifest(spec=spec, plan_sha256=digest(plan), precision_shift=shift)
    write_engine(folder, plan, manifest)
    return BuiltEngine(folder=folder, manifest=manifest, reused=False)


def _spec(config_path: Path, capabilities: tuple[str, ...]) -> EngineSpec:
    config = read_config(config_path)
    return EngineSpec(
        network=config.name,
        onnx_sha256=digest((config_path.parent / ONNX_PATH).read_bytes()),
        builder=tensorrt_rtx.builder_name(),
        compute_capabilities=capabilities,
        precision=HALF,
        batches=batch_profile(config.max_batch_size, tuple(config.dynamic_batching.preferred_batch_size)),
    )


def _shift(config_path: Path, half: Path) -> Shift:
    """What `half` moves against the file that it was made from."""
    config, full = read_config(config_path), config_path.parent / ONNX_PATH
    height, width = config.input[0].dims[:2]
    if config.name == DETECTOR:
        return box_shift(full, half, letterboxed(CHECK_SEEDS, (height, width)))
    return joint_shift(full, half, crops(CHECK_SEEDS, (height, width)))
