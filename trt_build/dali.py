"""Letterbox as a DALI pipeline, for the DALI backend of NVIDIA's Triton image. Only this file speaks to DALI.

Decision and measurements: docs/adr/0011-letterbox-kernel.md.
"""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from core.errors import ConfigurationError
from model_repository.contract import ModelConfig, config_text
from model_repository.glue.boxes import Size
from model_repository.glue.pixels import GREY

if TYPE_CHECKING:
    from nvidia.dali.data_node import DataNode
    from nvidia.dali.pipeline import Pipeline

MODEL_FILE = "model.dali"
INPUT, OUTPUT = "frames", "images"
_THREADS = 4


def is_installed() -> bool:
    """Whether pipelines can be made here."""
    return (
        importlib.util.find_spec("nvidia") is not None and importlib.util.find_spec("nvidia.dali") is not None
    )


def letterboxed(frames: "DataNode", network_hw: Size) -> "DataNode":
    """Pictures UINT8 [H, W, 3] of any sizes -> UINT8 [*network_hw, 3], as `glue.pixels.letterbox`."""
    from nvidia.dali import fn, math, types

    network_height, network_width = network_hw
    # Doubles, so that what is rounded down is the number that `glue.boxes.letterboxed_hw` has.
    shape = frames.shape(dtype=types.FLOAT64)
    scale = math.min(network_height / shape[0], network_width / shape[1])
    size = fn.cast(math.max(math.floor(shape[:2] * scale), 1), dtype=types.FLOAT)
    fitted = fn.resize(frames, size=size, interp_type=types.INTERP_LINEAR, antialias=False)
    return fn.pad(fitted, axes=(0, 1), shape=network_hw, fill_value=GREY)


def letterbox_pipeline(network_hw: Size, batch_max: int, device: Literal["cpu", "gpu"]) -> "Pipeline":
    """A pipeline with the input `frames` and one output. Raises ConfigurationError without DALI."""
    _check_installed()
    from nvidia.dali import fn, types
    from nvidia.dali.pipeline import Pipeline

    # Without a device number it is made, and written, on machines without a GPU.
    pipeline = Pipeline(batch_size=batch_max, num_threads=_THREADS, device_id=None, prefetch_queue_depth=1)
    with pipeline:
        frames = fn.external_source(name=INPUT, device=device, layout="HWC", ndim=3, dtype=types.UINT8)
        pipeline.set_outputs(letterboxed(frames, network_hw))
    return pipeline


def write_letterbox(network_hw: Size, batch_max: int, folder: Path) -> None:
    """Write a Triton model of the backend `dali` into `folder`: the pipeline on the GPU, the configuration.

    Raises ConfigurationError without DALI.
    """
    pipeline = letterbox_pipeline(network_hw, batch_max, "gpu")
    (folder / "1").mkdir(parents=True, exist_ok=True)
    (folder / "1" / MODEL_FILE).write_bytes(pipeline.serialize())
    config = letterbox_config(folder.name, network_hw, batch_max)
    (folder / "config.pbtxt").write_text(config_text(config), encoding="utf-8")


def letterbox_config(name: str, network_hw: Size, batch_max: int) -> ModelConfig:
    """What Triton needs to know of the pipeline."""
    config = ModelConfig(name=name, backend="dali", max_batch_size=batch_max)
    config.input.add(name=INPUT, data_type="TYPE_UINT8", dims=(-1, -1, 3))
    config.output.add(name=OUTPUT, data_type="TYPE_UINT8", dims=(*network_hw, 3))
    return config


def _check_installed() -> None:
    if not is_installed():
        raise ConfigurationError(
            "expected DALI, got an environment without it: sh deploy/setup.sh --inexact --group dali"
        )
