"""Static int8 of an exported network."""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from model_repository.graphs import float_tail

Pixels = NDArray[np.uint8]
PERCENTILE = 99.99
"""Of activations within the range: the whole range moves joints much further."""


class _Calibration:
    """What onnxruntime calls a CalibrationDataReader."""

    def __init__(self, input_name: str, batches: Iterable[Pixels]) -> None:
        self._feeds: Iterator[dict[str, Pixels]] = ({input_name: batch} for batch in batches)

    def get_next(self) -> dict[str, Pixels] | None:
        return next(self._feeds, None)


def quantise(source: Path, target: Path, calibration: Iterable[Pixels]) -> None:
    """Write `source` (fp32 ONNX) as int8 QDQ: weights per channel, activations by their calibrated range.

    `calibration` gives network inputs UINT8 [N, H, W, 3], a few hundred pictures like those to come. The last
    convolutions and all that follows stay float: coordinates and heatmaps need more than 256 levels.
    """
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        graph = onnx.load(str(prepared)).graph
        quantize_static(
            str(prepared),
            str(target),
            _Calibration(graph.input[0].name, calibration),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            # 7-bit weights: without VNNI an AVX2 processor adds pairs of products in 16 bits and saturates.
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.Percentile,
            extra_options={"CalibPercentile": PERCENTILE, "CalibTensorRangeSymmetric": False},
            nodes_to_exclude=float_tail(graph),
        )
