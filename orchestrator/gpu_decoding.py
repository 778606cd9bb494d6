"""Whether this worker decodes on a GPU, and why not."""

import logging
from dataclasses import dataclass
from typing import Self

from core.errors import ConfigurationError
from ingest.nvdec.cuvid import NvdecError, load
from ingest.nvdec.decoder import NvdecDecoder
from ingest.nvdec.device import Gpu
from ingest.nvdec.pool import DecoderPool
from orchestrator.triton import TritonClient

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuDecoding:
    """A GPU whose decoders work."""

    gpu: Gpu
    decoder: NvdecDecoder
    engines: int
    """NVDEC engines; one run keeps one of them busy."""

    @classmethod
    def open(cls) -> Self:
        """The first GPU that CUDA shows. Raises ConfigurationError that says what is missing."""
        gpu = Gpu()
        try:
            pool = DecoderPool(load())
        except NvdecError as error:
            raise ConfigurationError(f"expected the driver's NVDEC, got: {error}") from error
        if pool.engines == 0:
            raise ConfigurationError("expected a GPU with NVDEC engines, got one without")
        return cls(gpu=gpu, decoder=NvdecDecoder(gpu, pool), engines=pool.engines)


async def open_gpu_decoding(triton: TritonClient) -> GpuDecoding | None:
    """The GPU's decoders, if Triton's networks run on one; the log says which, or why not."""
    try:
        if not await triton.networks_run_on_gpu():
            raise ConfigurationError("Triton's networks run on the CPU")
        decoding = GpuDecoding.open()
    except ConfigurationError as error:
        _logger.info("videos are decoded on the CPU: %s", error, extra={"action": "decode"})
        return None
    _logger.info("videos are decoded by %d NVDEC engines", decoding.engines, extra={"action": "decode"})
    return decoding
