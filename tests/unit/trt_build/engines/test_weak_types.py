"""Which layers of a network stay fp32 where TensorRT would choose, and how it is told."""

from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace

from tests.tiny_networks import pose_like
from trt_build.engines.half import write_half
from trt_build.engines.weak_types import float_layers, hold_types

FLOAT, HALF, INT = "float32", "float16", "int32"


@dataclass
class Layer:
    """What `hold_types` needs of TensorRT's layers."""

    name: str
    dtype: str
    precision: str | None = None
    output_types: dict[int, str] = field(default_factory=dict)

    def get_output(self, _: int) -> SimpleNamespace:
        return SimpleNamespace(dtype=self.dtype)

    def set_output_type(self, number: int, dtype: str) -> None:
        self.output_types[number] = dtype


def held(*layers: Layer) -> tuple[list[str], list[Layer]]:
    """The flags that are set, and the layers held to fp32, of which `a` and `b` should be."""
    library = ModuleType("library")
    for name, value in {"float32": FLOAT, "float16": HALF}.items():
        setattr(library, name, value)
    library.BuilderFlag = SimpleNamespace(FP16="fp16", OBEY_PRECISION_CONSTRAINTS="obey")  # type: ignore[attr-defined]
    flags: list[str] = []
    network = SimpleNamespace(num_layers=len(layers), get_layer=lambda number: layers[number])
    hold_types(library, network, SimpleNamespace(set_flag=flags.append), ("a", "b"))
    return flags, [layer for layer in layers if layer.precision == FLOAT and layer.output_types == {0: FLOAT}]


def test_what_surrounds_the_convolutions_is_fp32(tmp_path: Path) -> None:
    half = tmp_path / "half.onnx"
    write_half(pose_like(tmp_path), half)
    assert float_layers(half) == {"transpose", "last_conv", "sigmoid"}


def test_named_layers_are_held_and_the_others_are_free() -> None:
    named, free = Layer("a", FLOAT), Layer("c", HALF)
    flags, kept = held(named, free, Layer("b", HALF))
    assert flags == ["fp16", "obey"]
    assert [layer.name for layer in kept] == ["a", "b"]
    assert free.precision is None


def test_shapes_keep_their_integers() -> None:
    shape = Layer("a", INT)
    assert held(shape) == (["fp16", "obey"], [])
    assert shape.precision is None
