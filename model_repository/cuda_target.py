"""Target `cuda`: Triton's Python backend on one NVIDIA GPU, networks by PyTorch or as TensorRT engines."""

from dataclasses import dataclass
from pathlib import Path

from tritonclient.grpc.model_config_pb2 import ModelConfig, ModelInstanceGroup

from model_repository.plans import PLAN_PATH
from model_repository.targets import set_parameters

GPU = 0
"""Of those that CUDA_VISIBLE_DEVICES shows: one server per GPU."""
LARGEST_STEP = 64
"""Rows after which a larger batch makes a network no faster per row."""
SMALL_BATCHES = (1, 8, 16)
"""Compiled beside the preferred batch sizes, for a live frame and for what is left over."""
PACKAGES = "packages"
"""Folder of the compiled network, in its version's directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CudaTarget:
    """The machine to render for."""

    gpu: str
    """Its name, such as `NVIDIA H200`: a compiled network runs on no other."""
    torch: str
    """Version of PyTorch, likewise."""
    engines: Path | None = None
    """Folder with a plan and its manifest for each network (`marey models engines`); None: PyTorch."""

    @property
    def runner(self) -> str:
        """PyTorch, or the library that made the plans."""
        return "torch_cuda" if self.engines is None else "tensorrt"

    def adapt_glue(self, config: ModelConfig) -> None:
        """Instances as committed, on one GPU: a request's tensors must not wander between GPUs."""
        for group in config.instance_group:
            group.gpus[:] = [GPU]

    def adapt_network(self, config: ModelConfig) -> None:
        """One instance; tensors stay on the GPU."""
        config.ClearField("instance_group")
        config.instance_group.add(kind=ModelInstanceGroup.KIND_GPU, count=1, gpus=[GPU])
        set_parameters(config, FORCE_CPU_ONLY_INPUT_TENSORS="no")
        if self.engines is None:
            batches = " ".join(map(str, batches_of(config)))
            set_parameters(config, batches=batches, packages=PACKAGES)
        else:
            set_parameters(config, plan=PLAN_PATH.name)


def batches_of(config: ModelConfig) -> tuple[int, ...]:
    """Batch sizes that a network is compiled for, rising; other numbers of rows are made up of them."""
    preferred = config.dynamic_batching.preferred_batch_size
    largest = min(LARGEST_STEP, config.max_batch_size)
    return tuple(sorted(size for size in {*SMALL_BATCHES, *preferred} if size <= largest))
