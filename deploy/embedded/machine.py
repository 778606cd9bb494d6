"""The machine that the stack runs on."""

import os
from pathlib import Path


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def describe_target() -> str:
    """What the networks run on, in words; a GPU that is not used is named."""
    gpus = gpu_names(Path("/proc/driver/nvidia/gpus"))
    unused = f"; not used: {', '.join(gpus)}" if gpus else ""
    cores = usable_cores()
    return f"CPU, {cores} core{'s' if cores > 1 else ''}{unused}"


def gpu_names(driver: Path) -> list[str]:
    """Names of the GPUs that NVIDIA's kernel driver shows under `driver`."""
    names = []
    for card in sorted(driver.glob("*/information")):
        lines = card.read_text().splitlines()
        names += [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
    return names
