"""A plan is refused, with a sentence, on machines that it was not made for."""

import msgspec
import pytest

from model_repository.plans import BatchProfile, EngineSpec, PlanRuntime, refusal

TUNED = EngineSpec(
    network="yolo",
    onnx_sha256="0" * 64,
    builder="tensorrt 10.13.3.9",
    compute_capabilities=("9.0",),
    gpu="NVIDIA H200",
    precision="fp16",
    batches=BatchProfile(tuned=32, largest=32),
)
COMPILED = msgspec.structs.replace(
    TUNED, builder="tensorrt-rtx 1.7.1.116", compute_capabilities=("8.6", "8.9"), gpu=None
)
H200 = PlanRuntime(library="tensorrt 10.13.3.9", compute_capability="9.0", gpu="NVIDIA H200")
L4 = PlanRuntime(library="tensorrt-rtx 1.7.1.116", compute_capability="8.9", gpu="NVIDIA L4")


def test_a_plan_runs_where_it_was_made_for() -> None:
    assert refusal(TUNED, H200) is None
    assert refusal(COMPILED, L4) is None


@pytest.mark.parametrize(
    ("spec", "change", "sentence"),
    [
        (
            TUNED,
            {"library": "tensorrt 10.14.1"},
            "expected a plan of tensorrt 10.14.1, got one of tensorrt 10.13",
        ),
        (COMPILED, {"library": "tensorrt 1.7.1.116"}, "got one of tensorrt-rtx 1.7.1.116"),
        (TUNED, {"gpu": "NVIDIA H100"}, "expected a plan tuned on NVIDIA H100, got one for NVIDIA H200"),
        (
            COMPILED,
            {"compute_capability": "12.0"},
            "compute capability 12.0 (NVIDIA L4), got one for 8.6 or 8.9",
        ),
    ],
)
def test_any_other_machine_is_told_what_to_do(
    spec: EngineSpec, change: dict[str, str], sentence: str
) -> None:
    machine = {
        "library": spec.builder,
        "compute_capability": spec.compute_capabilities[-1],
        "gpu": "NVIDIA H200",
    }
    machine |= {"gpu": "NVIDIA L4"} if spec.gpu is None else {}
    said = refusal(spec, PlanRuntime(**(machine | change)))
    assert said is not None
    assert sentence in said
    assert said.endswith("Build it here: marey models engines")
