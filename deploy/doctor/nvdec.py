"""How many NVDEC engines the first GPU has."""

import sys
from dataclasses import dataclass

from core.errors import ConfigurationError
from deploy.own_process import Answer, ask
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
    return nvdec_of(ask(__name__, _TIMEOUT_S))


def nvdec_of(answer: Answer) -> Nvdec:
    """What the driver said, in the process that asked it."""
    return Nvdec(problem=answer.problem) if answer.problem else Nvdec(engines=int(answer.text))


def _ask_driver() -> int:
    """Raises ConfigurationError or NvdecError for a driver that does not answer."""
    Gpu()
    return DecoderPool(load()).engines


if __name__ == "__main__":
    try:
        sys.stdout.write(str(_ask_driver()))
    except (ConfigurationError, NvdecError) as error:
        sys.exit(str(error))
