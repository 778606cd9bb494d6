"""How many NVDEC engines the first GPU has.

The driver is asked in a process of its own: one that crashes takes only that with it.
"""

import subprocess
import sys
from dataclasses import dataclass

from core.errors import ConfigurationError
from ingest.nvdec.cuvid import NvdecError, load
from ingest.nvdec.device import Gpu
from ingest.nvdec.pool import DecoderPool

_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Nvdec:
    """The decoders of a GPU."""

    engines: int = 0
    problem: str = ""
    """Why they cannot be used, if they cannot."""


def probe_nvdec() -> Nvdec:
    """Ask the driver for H.264 decoders."""
    try:
        result = subprocess.run(
            [sys.executable, "-m", "deploy.doctor.nvdec"],
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return Nvdec(problem=f"the driver did not answer in {_TIMEOUT_S:.0f} s")
    return parse_answer(result.returncode, result.stdout, result.stderr)


def parse_answer(status: int, output: str, errors: str) -> Nvdec:
    """What the process said."""
    if status == 0:
        return Nvdec(engines=int(output))
    lines = errors.strip().splitlines()
    return Nvdec(problem=lines[-1] if lines else f"asking the driver ended with status {status}")


def _ask_driver() -> int:
    """Raises ConfigurationError or NvdecError for a driver that does not answer."""
    Gpu()
    return DecoderPool(load()).engines


if __name__ == "__main__":
    try:
        sys.stdout.write(str(_ask_driver()))
    except (ConfigurationError, NvdecError) as error:
        sys.exit(str(error))
