"""The glue on a GPU. One kernel samples all pixels of a request, one copy fetches what is small."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_repository.glue import pixel_arrays
from model_repository.glue.boxes import Size
from model_repository.glue.devices import GlueDevice
from model_repository.glue.heatmaps import read_peaks
from model_repository.glue.sampling_kernel import sample
from model_repository.glue.torch_arrays import likely_rows, torch_arrays


def gpu(device_id: int) -> GlueDevice:
    """The GPU of that number."""
    torch.cuda.set_device(device_id)
    arrays = torch_arrays(torch.device("cuda", device_id), sample)

    def letterbox(frames: Tensor, network_hw: Size) -> Tensor:
        return pixel_arrays.letterbox(arrays, arrays.upload(frames), network_hw)

    def warp_crops(
        frames: Tensor, index: NDArray[np.int32], transforms: NDArray[np.float64], crop_hw: Size
    ) -> Tensor:
        return pixel_arrays.warp_crops(arrays, arrays.upload(frames), index, transforms, crop_hw)

    return GlueDevice(
        letterbox=letterbox,
        warp_crops=warp_crops,
        likely_rows=lambda predictions, score_min: likely_rows(arrays.upload(predictions), score_min),
        read_peaks=lambda heatmaps: read_peaks(arrays, arrays.upload(heatmaps)),
    )
