"""The machine that the stack runs on."""

import os
import re
from pathlib import Path

DRIVER = Path("/proc/driver/nvidia")
"""Where NVIDIA's kernel driver tells about itself."""


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def gpu_names(driver: Path = DRIVER) -> list[str]:
    """Names of the GPUs that NVIDIA's kernel driver shows under `driver`."""
    names = []
    for card in sorted(driver.glob("gpus/*/information")):
        lines = card.read_text().splitlines()
        names += [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
    return names


def driver_version(driver: Path = DRIVER) -> str | None:
    """Version of NVIDIA's kernel driver, such as 580.65.06; None if it is not loaded."""
    try:
        text = (driver / "version").read_text()
    except OSError:
        return None
    found = re.search(r"Kernel Module.*?(\d+(?:\.\d+)+)", text)
    return found[1] if found else "of unknown version"
