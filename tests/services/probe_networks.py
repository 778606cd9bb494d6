"""Tiny networks with the contract of the real ones, whose answers tell which pixels reached them.

`yolo` always sees one person in the same place; its score is the mean brightness of the input / 255.
`hrnet` blurs each crop: every joint is where the crop is brightest.
"""

import shutil
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from model_repository.contract import MODELS
from model_repository.glue.pixels import GREY

PERSON_CXCYWH = (208.0, 117.0, 120.0, 160.0)
"""Place of the person in the detector's input, network px."""
PICTURE_ROWS, GREY_ROWS = 306, 14
"""Of the detector's input, when a picture of 16:9 is letterboxed into it."""
JOINTS = 26
_BLUR = 7
"""Width of the blur, crop px: heatmap cell h is centred at crop index 4 h, as HRNet's are."""


def score_of(level: float) -> float:
    """The person's score in a picture of 16:9 and of one brightness."""
    return (PICTURE_ROWS * level + GREY_ROWS * GREY) / (PICTURE_ROWS + GREY_ROWS) / 255


def level_of_score(score: float) -> float:
    """The brightness of a picture of 16:9, by the person's score in it."""
    return (score * 255 * (PICTURE_ROWS + GREY_ROWS) - GREY_ROWS * GREY) / PICTURE_ROWS


def write_probe_networks(models: Path) -> Path:
    """Write both networks into the folder `models`, which is returned."""
    for name, model in {"yolo": _yolo(), "hrnet": _hrnet()}.items():
        (models / name / "1").mkdir(parents=True)
        onnx.save(model, models / name / "1" / "model.onnx")
        shutil.copy(MODELS / name / "config.pbtxt", models / name)
    return models


def _yolo() -> onnx.ModelProto:
    person = np.zeros((1, 3570, 5), np.float32)
    person[0, 0, :4] = PERSON_CXCYWH
    score = np.zeros((1, 3570, 5), np.float32)
    score[0, 0, 4] = 1 / 255
    constants = {
        "axes": np.array([1, 2, 3]),
        "column": np.array([-1, 1, 1]),
        "person": person,
        "score": score,
    }
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "axes"], ["mean"]),
        helper.make_node("Reshape", ["mean", "column"], ["brightness"]),
        helper.make_node("Mul", ["brightness", "score"], ["scores"]),
        helper.make_node("Add", ["scores", "person"], ["predictions"]),
    ]
    return _model(nodes, ("images", [320, 544, 3]), ("predictions", [3570, 5]), constants)


def _hrnet() -> onnx.ModelProto:
    line = np.array([1, 2, 3, 4, 3, 2, 1], np.float32) / 16
    kernel = np.broadcast_to(np.outer(line, line) / 3 / 255, (JOINTS, 3, _BLUR, _BLUR)).astype(np.float32)
    nodes = [
        helper.make_node("Cast", ["crops"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "kernel"], ["heatmaps"], strides=[4, 4], pads=[3, 3, 3, 3]),
    ]
    return _model(nodes, ("crops", [256, 192, 3]), ("heatmaps", [JOINTS, 64, 48]), {"kernel": kernel})


def _model(
    nodes: list[onnx.NodeProto],
    source: tuple[str, list[int]],
    target: tuple[str, list[int]],
    constants: dict[str, NDArray[np.float32] | NDArray[np.int64]],
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "probe",
        [helper.make_tensor_value_info(source[0], TensorProto.UINT8, ["rows", *source[1]])],
        [helper.make_tensor_value_info(target[0], TensorProto.FLOAT, ["rows", *target[1]])],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
