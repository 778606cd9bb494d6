"""Which target is chosen on which machine, and what is said about it."""

from pathlib import Path

import pytest

from core.errors import ConfigurationError
from deploy.embedded.cuda_probe import CudaMachine, cuda_machine
from deploy.embedded.target import POOL_COPIES, REQUESTS_IN_FLIGHT, choose_target, pool_bytes
from deploy.own_process import Answer
from model_repository.cpu_target import CpuTarget
from model_repository.cuda_target import CudaTarget
from orchestrator.settings import GPU_FRAMES

GPUS = ["NVIDIA H200"]
CUDA = CudaMachine(gpu="NVIDIA H200", memory_bytes=140 << 30, torch="2.11.0+cu130")
NO_TORCH = CudaMachine(problem="PyTorch is not installed")


def test_a_gpu_that_pytorch_has_is_used() -> None:
    choice = choose_target("auto", 16, GPUS, CUDA)
    assert choice.target == CudaTarget(gpu="NVIDIA H200", torch="2.11.0+cu130")
    assert str(choice) == "cuda (PyTorch 2.11.0+cu130, NVIDIA H200), because PyTorch has a GPU"
    assert "compiled first" in choice.note
    assert choice.gpu_pool_bytes == pool_bytes(GPU_FRAMES.slot_bytes, CUDA.memory_bytes)


def test_only_a_target_that_nobody_asked_for_has_a_fallback() -> None:
    choice = choose_target("auto", 16, GPUS, CUDA)
    assert choice.otherwise == CpuTarget(cores=16)
    assert choose_target("cuda", 16, GPUS, CUDA).otherwise is None
    assert choose_target("auto", 16, GPUS, CUDA, Path("/engines")).otherwise is None
    assert choose_target("cpu", 16, GPUS, CUDA).otherwise is None


def test_a_fallback_says_what_did_not_work() -> None:
    fallen = choose_target("auto", 2, GPUS, CUDA).fallen_back("triton ended with status 1\n    its log\n")
    assert str(fallen) == (
        "cpu (ONNX Runtime, 2 cores), because cuda (PyTorch 2.11.0+cu130, NVIDIA H200) does not work here: "
        "triton ended with status 1"
    )
    assert (fallen.otherwise, fallen.gpu_pool_bytes) == (None, 0)


def test_without_a_gpu_the_cpu_is_used() -> None:
    choice = choose_target("auto", 1, [], CudaMachine())
    assert choice.target == CpuTarget(cores=1)
    assert choice.note == ""
    assert str(choice) == "cpu (ONNX Runtime, 1 core), because NVIDIA's driver shows no GPU"


def test_a_gpu_without_pytorch_is_named() -> None:
    choice = choose_target("auto", 2, GPUS, NO_TORCH)
    assert str(choice).endswith("because PyTorch is not installed; not used: NVIDIA H200")


def test_a_wish_counts() -> None:
    assert choose_target("cpu", 2, GPUS, CUDA).target == CpuTarget(cores=2)
    with pytest.raises(ConfigurationError, match="expected a GPU for the target cuda, got none: PyTorch is"):
        choose_target("cuda", 2, GPUS, NO_TORCH)


def test_engines_need_a_gpu() -> None:
    folder = Path("/engines")
    assert choose_target("auto", 2, GPUS, CUDA, folder).target == CudaTarget(
        gpu="NVIDIA H200", torch="2.11.0+cu130", engines=folder
    )
    with pytest.raises(ConfigurationError, match=r"expected a GPU for the engines in /engines, got .* cpu"):
        choose_target("auto", 2, GPUS, NO_TORCH, folder)


def test_a_small_gpu_keeps_memory_for_the_networks() -> None:
    assert pool_bytes(112 << 20, 140 << 30) == POOL_COPIES * REQUESTS_IN_FLIGHT * (112 << 20)
    assert pool_bytes(112 << 20, 8 << 30) == 1 << 30


def test_pytorchs_answer_is_read() -> None:
    answer = Answer(text='{"gpu": "L4", "memory_bytes": 5, "torch": "2.11.0"}')
    assert cuda_machine(answer) == CudaMachine(gpu="L4", memory_bytes=5, torch="2.11.0")
    broken = cuda_machine(Answer(problem="RuntimeError: no CUDA"))
    assert broken == CudaMachine(problem="PyTorch cannot use the GPU: RuntimeError: no CUDA")
