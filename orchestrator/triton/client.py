"""Triton's client: poses of frames, and the checks that a server must pass before it gets work."""

import math
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import InferInput, InferResult
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.grpc.model_config_pb2 import ModelInstanceGroup

from core.errors import (
    InferenceError,
    InferenceLostError,
    InferenceTimeoutError,
    InferenceUnavailableError,
    ModelContractError,
)
from core.networks import Networks
from core.poses import BOX_CHANNELS, KEYPOINT_CHANNELS
from model_repository.checks import (
    canary_frames,
    canary_rows,
    differences,
    letterbox_fault,
    network_fault,
    poses_fault,
)
from model_repository.contract import (
    NETWORKS,
    ModelConfig,
    ModelContract,
    committed_configs,
    contract_of,
    frames_per_request_max,
    network_digest,
    read_config,
)
from model_repository.glue.between import DETECTED
from model_repository.sizes import PipelineSizes, fit
from orchestrator.triton.errors import triton_errors

PIPELINE = "pose_2d"
REQUEST_TIMEOUT_S = 120.0
"""For one request of a few frames, waiting in the server's queues included."""
CONTROL_TIMEOUT_S = 10.0
"""For a request that computes nothing."""

_LARGEST_MESSAGE_BYTES = (1 << 31) - 1
_CHANNEL = [
    ("grpc.max_send_message_length", _LARGEST_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", _LARGEST_MESSAGE_BYTES),
    # gRPC else waits up to two minutes before it tries again to reach a server that was away.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 1000),
]

FrameShape = tuple[int, int, int, int]
"""Frames, height, width, 3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionFrames:
    """Frames that lie in a registered shared-memory region."""

    region: str
    offset_bytes: int
    shape: FrameShape


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FramePoses:
    """The M people of one request's frames."""

    frame_index: NDArray[np.int32]
    """[M] place of the person's frame in the request, increasing."""
    boxes_px: NDArray[np.float32]
    """[M, 5] x1 y1 x2 y2 score."""
    keypoints_px: NDArray[np.float32]
    """[M, K, 3] x y confidence."""


class TritonClient:
    """One gRPC channel to a Triton server. Every method raises InferenceError leaves."""

    def __init__(self, client: InferenceServerClient) -> None:
        self._client = client
        self._contracts: dict[str, ModelContract] = {}
        self._networks: Networks = {}
        self._frames_max = 0

    @property
    def joint_count(self) -> int:
        """Joints per person of the pose network that the server had when it was last asked."""
        outputs = {tensor.name: tensor for tensor in self._contracts[PIPELINE].outputs}
        return outputs["keypoints"].dims[1]

    @property
    def frames_per_request_max(self) -> int:
        """Frames that the server's pipeline takes in one request."""
        return self._frames_max

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect to host:port of the server's gRPC endpoint and see that it is ready.

        Raises ModelContractError as well, for networks of sizes that cannot work.
        """
        triton = cls(InferenceServerClient(url.removeprefix("grpc://"), channel_args=_CHANNEL))
        try:
            await triton.ready()
            await triton.networks()
        except BaseException:
            await triton.close()
            raise
        return triton

    async def close(self) -> None:
        """Close the channel; requests under way fail."""
        await self._client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def ready(self) -> None:
        """Raise InferenceUnavailableError unless all models can take requests."""
        with triton_errors("server"):
            ready = await self._client.is_server_ready(client_timeout=CONTROL_TIMEOUT_S)
        if not ready:
            raise InferenceUnavailableError("Triton: expected all models to be ready, got some that are not")

    async def regions(self) -> set[str]:
        """Names of the POSIX shared-memory regions that the server reads."""
        with triton_errors("shared memory"):
            status = await self._client.get_system_shared_memory_status(client_timeout=CONTROL_TIMEOUT_S)
        return set(status.regions)

    async def register_region(self, name: str, key: str, byte_size: int) -> None:
        """Let the server read the POSIX shared memory `key`; nothing happens where it already does."""
        if name not in await self.regions():
            with triton_errors("shared memory"):
                await self._client.register_system_shared_memory(
                    name, key, byte_size, client_timeout=CONTROL_TIMEOUT_S
                )

    async def unregister_region(self, name: str) -> None:
        """The server lets go of a region; an InferenceError while requests still read it."""
        with triton_errors("shared memory"):
            await self._client.unregister_system_shared_memory(name, client_timeout=CONTROL_TIMEOUT_S)

    async def device_regions(self) -> set[str]:
        """Names of the regions on a GPU that the server reads."""
        with triton_errors("GPU memory"):
            status = await self._client.get_cuda_shared_memory_status(client_timeout=CONTROL_TIMEOUT_S)
        return set(status.regions)

    async def register_device_region(self, name: str, handle: bytes, device: int, byte_size: int) -> None:
        """Let the server read GPU memory with this `cudaIpcMemHandle_t`; nothing where it already does."""
        if name not in await self.device_regions():
            with triton_errors("GPU memory"):
                await self._client.register_cuda_shared_memory(
                    name, b64encode(handle), device, byte_size, client_timeout=CONTROL_TIMEOUT_S
                )

    async def unregister_device_region(self, name: str) -> None:
        """The server lets go of a region on a GPU; an InferenceError while requests still read it."""
        with triton_errors("GPU memory"):
            await self._client.unregister_cuda_shared_memory(name, client_timeout=CONTROL_TIMEOUT_S)

    async def infer_pose_2d(
        self, frames: RegionFrames | NDArray[np.uint8], detected: Sequence[bool] | None = None
    ) -> FramePoses:
        """People of some RGB frames [N, H, W, 3], which travel by reference or in the request's body.

        The detector looks at the frames that `detected` [N] says, the first and the last among them; without
        it at all.
        Raises InferenceError for an answer that cannot be right, such as NaN: it is not to be kept.
        """
        poses = await self._people(frames, detected)
        if fault := self._fault(poses, frames.shape[0]):
            raise InferenceError(f"Triton, {PIPELINE}: {fault}")
        return poses

    def _fault(self, poses: FramePoses, frame_count: int) -> str | None:
        return poses_fault(poses.frame_index, poses.keypoints_px, frame_count, self.joint_count)

    async def _people(
        self, frames: RegionFrames | NDArray[np.uint8], detected: Sequence[bool] | None = None
    ) -> FramePoses:
        tensor = InferInput("frames", list(frames.shape), "UINT8")
        if isinstance(frames, RegionFrames):
            byte_size = math.prod(frames.shape)
            tensor.set_shared_memory(frames.region, byte_size, offset=frames.offset_bytes)
        else:
            tensor.set_data_from_numpy(frames)
        is_marked = detected is not None and not all(detected)
        marks = {DETECTED: "".join("1" if each else "0" for each in detected or ())} if is_marked else None
        result = await self._infer(PIPELINE, tensor, marks)
        return _without_padding(result)

    async def networks(self) -> Networks:
        """The networks that the server has now. Raises ModelContractError for sizes that cannot work."""
        configs = {name: await self._live_config(name) for name in NETWORKS}
        networks = {name: network_digest(config) for name, config in configs.items()}
        if networks != self._networks:
            self._contracts = _expected_contracts(*map(contract_of, configs.values()))
            self._frames_max = frames_per_request_max(await self._live_config("crop"))
            self._networks = networks
        return networks

    async def networks_run_on_gpu(self) -> bool:
        """Whether the server has its networks on a GPU."""
        for name in NETWORKS:
            config = await self._live_config(name)
            if not any(group.kind == ModelInstanceGroup.KIND_GPU for group in config.instance_group):
                return False
        return True

    async def check_contract(self) -> None:
        """Raise ModelContractError unless the server's models are as their committed config.pbtxt says,
        for networks of the sizes that the server has."""
        for contract in self._contracts.values():
            found = differences(contract, contract_of(await self._live_config(contract.name)))
            if found:
                raise ModelContractError(
                    f"model {contract.name} on the Triton server differs from its committed config.pbtxt: "
                    f"{'. '.join(found)}. Serve the models of this version of Marey."
                )

    async def canary(self) -> None:
        """Raise ModelContractError unless each model computes: a dead or blind one still says it is ready."""
        for contract in self._contracts.values():
            if contract.max_batch_size:
                outputs = await self._first_output(contract, canary_rows(contract))
                _refuse(contract.name, network_fault(outputs))
        images = await self._first_output(self._contracts["letterbox"], canary_frames())
        _refuse("letterbox", letterbox_fault(images))
        frames = canary_frames()
        _refuse(PIPELINE, self._fault(await self._people(frames), len(frames)))

    async def answered(self) -> int:
        """Requests that the pipeline has answered since the server was started."""
        with triton_errors(PIPELINE):
            found = await self._client.get_inference_statistics(PIPELINE, client_timeout=CONTROL_TIMEOUT_S)
        return sum(int(model.inference_stats.success.count) for model in found.model_stats)

    async def _live_config(self, model: str) -> ModelConfig:
        with triton_errors(model):
            response = await self._client.get_model_config(model, client_timeout=CONTROL_TIMEOUT_S)
        return response.config

    async def _first_output(self, contract: ModelContract, rows: NDArray[np.uint8]) -> NDArray[Any]:
        tensor = InferInput(contract.inputs[0].name, list(rows.shape), "UINT8")
        tensor.set_data_from_numpy(rows)
        return _array(await self._infer(contract.name, tensor), contract.outputs[0].name)

    async def _infer(
        self, model: str, tensor: InferInput, parameters: dict[str, str] | None = None
    ) -> InferResult:
        with triton_errors(model, on_timeout=InferenceTimeoutError, on_loss=InferenceLostError):
            return await self._client.infer(
                model, [tensor], parameters=parameters, client_timeout=REQUEST_TIMEOUT_S
            )


def _expected_contracts(detector: ModelContract, pose: ModelContract) -> dict[str, ModelContract]:
    """The committed contracts: everything around the networks follows their sizes."""
    sizes = PipelineSizes.of(detector, pose)
    committed = {name: read_config(path) for name, path in committed_configs().items()}
    return {name: contract_of(fit(config, sizes)) for name, config in committed.items()}


def _refuse(model: str, fault: str | None) -> None:
    if fault is not None:
        raise ModelContractError(
            f"model {model} on the Triton server fails its canary: {fault}. "
            "Check that its Python has NumPy 1 (numpy==1.26.4) and restart Triton."
        )


def _without_padding(result: InferResult) -> FramePoses:
    frame_index = _array(result, "frame_index")
    boxes, keypoints = _array(result, "boxes"), _array(result, "keypoints")
    people = len(frame_index)
    if boxes.shape != (people, BOX_CHANNELS) or keypoints.shape[::2] != (people, KEYPOINT_CHANNELS):
        raise InferenceError(
            f"{PIPELINE}: expected {people} boxes and poses, got {boxes.shape} and {keypoints.shape}"
        )
    real = frame_index >= 0
    return FramePoses(frame_index=frame_index[real], boxes_px=boxes[real], keypoints_px=keypoints[real])


def _array(result: InferResult, name: str) -> NDArray[Any]:
    array: NDArray[Any] | None = result.as_numpy(name)
    if array is None:
        raise InferenceError(f"Triton: expected an output {name}, got none")
    return array
