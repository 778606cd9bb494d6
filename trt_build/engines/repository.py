"""What stands beside the engines in the repository that NVIDIA's Triton image serves."""

import shutil
from pathlib import Path

from model_repository.contract import (
    NETWORKS,
    ModelConfig,
    config_text,
    configs_with,
    declare_digest,
    read_config,
)
from model_repository.cpu_target import CpuTarget
from model_repository.sizes import fit_all
from model_repository.targets import MODEL_FILE, render

GLUE_TARGET = CpuTarget(cores=1)
"""The glue computes with NumPy and OpenCV, so its tensors come to the CPU."""


def write_repository(models: Path | None, out: Path) -> None:
    """Write the configurations of all models, and the programs of the glue, beside the engines in `out`.

    `models` is a folder of the user's networks, or None. What is there already is replaced, plans are kept.
    Raises ConfigurationError, and ModelContractError for sizes that cannot be served.
    """
    paths = configs_with(models)
    configs = fit_all({name: read_config(path) for name, path in paths.items()})
    for name in NETWORKS:
        declare_digest(configs[name], paths[name].parent / "1" / MODEL_FILE)
    for name, config in configs.items():
        folder = out / name
        (folder / "1").mkdir(parents=True, exist_ok=True)
        served = config if name in NETWORKS else render(config, GLUE_TARGET)
        (folder / "config.pbtxt").write_text(config_text(served), encoding="utf-8")
        _copy_program(paths[name].parent / "1", folder / "1", config)


def _copy_program(source: Path, target: Path, config: ModelConfig) -> None:
    if config.backend == "python":
        shutil.copyfile(source / "model.py", target / "model.py")
