"""Engines of the networks: ONNX -> fp16 -> plan and manifest, built anew only where something changed."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from model_repository.contract import NETWORKS, configs_with, read_config
from model_repository.plans import EngineSpec
from trt_build.cards import ONNX_PATH
from trt_build.engines.half import write_half
from trt_build.engines.specs import (
    EngineManifest,
    batch_profile,
    digest,
    is_current,
    kept_timings,
    read_manifest,
    write_engine,
)
from trt_build.engines.tensorrt import BuildTarget, build_plan, build_target, builder_name
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
    ones. `capabilities` are those of RTX GPUs; none: this machine's GPU. Raises ConfigurationError without
    the library that builds for them, and for what it does not take.
    """
    configs = configs_with(models)
    target = build_target(capabilities)
    for name in NETWORKS:
        yield _engine(configs[name], out / name, target)


def _engine(config_path: Path, folder: Path, target: BuildTarget) -> BuiltEngine:
    onnx_file = config_path.parent / ONNX_PATH
    spec = _spec(config_path, target)
    if is_current(folder, spec):
        return BuiltEngine(folder=folder, manifest=read_manifest(folder), reused=True)
    with tempfile.TemporaryDirectory() as scratch:
        half = Path(scratch, "half.onnx")
        write_half(onnx_file, half)
        built = build_plan(half, spec.batches, target, kept_timings(folder, spec))
        shift = _shift(config_path, half)
    manifest = EngineManifest(spec=spec, plan_sha256=digest(built.plan), precision_shift=shift)
    write_engine(folder, built.plan, manifest, built.timing_cache)
    return BuiltEngine(folder=folder, manifest=manifest, reused=False)


def _spec(config_path: Path, target: BuildTarget) -> EngineSpec:
    config = read_config(config_path)
    return EngineSpec(
        network=config.name,
        onnx_sha256=digest((config_path.parent / ONNX_PATH).read_bytes()),
        builder=builder_name(target.kind),
        compute_capabilities=target.compute_capabilities,
        gpu=target.gpu,
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
