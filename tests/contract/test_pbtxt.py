"""Contracts of the committed config.pbtxt files, with Triton's own protobuf. Needs no server and no GPU."""

import json

import pytest
from tritonclient.grpc.model_config_pb2 import ModelConfig

from core.skeletons import SKELETONS
from model_repository.contract import (
    MODELS,
    ModelContract,
    TensorSpec,
    committed_configs,
    contract_of,
    read_config,
)

CONFIGS: dict[str, ModelConfig] = {name: read_config(path) for name, path in committed_configs().items()}
CONTRACTS = {name: contract_of(config) for name, config in CONFIGS.items()}
ENSEMBLES = [name for name, config in CONFIGS.items() if config.platform == "ensemble"]
NETWORKS = [name for name, config in CONFIGS.items() if config.platform == "tensorrt_plan"]


def whole(contract: ModelContract, tensor: TensorSpec) -> tuple[str, tuple[int, ...]]:
    """Type and dims of a tensor as other steps see it: a batching model's first dimension varies."""
    dims = (-1, *tensor.dims) if contract.max_batch_size else tensor.dims
    return tensor.datatype, dims


def by_name(tensors: tuple[TensorSpec, ...]) -> dict[str, TensorSpec]:
    return {tensor.name: tensor for tensor in tensors}


def test_the_committed_models() -> None:
    assert set(CONFIGS) == {"letterbox", "yolo", "crop", "hrnet", "keypoints", "pose_2d"}
    assert sorted(NETWORKS) == ["hrnet", "yolo"]


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_name_is_the_folder_and_the_version_exists(name: str) -> None:
    assert CONFIGS[name].name == name
    assert (committed_configs()[name].parent / "1").is_dir()


@pytest.mark.parametrize("name", ENSEMBLES)
def test_steps_join_tensors_of_equal_type_and_shape(name: str) -> None:
    known = {tensor.name: whole(CONTRACTS[name], tensor) for tensor in CONTRACTS[name].inputs}
    for step in CONFIGS[name].ensemble_scheduling.step:
        model = CONTRACTS[step.model_name]
        assert set(step.input_map) == set(by_name(model.inputs))
        for tensor_name, source in step.input_map.items():
            assert whole(model, by_name(model.inputs)[tensor_name]) == known[source], (
                step.model_name,
                source,
            )
        for tensor_name, target in step.output_map.items():
            assert target not in known
            known[target] = whole(model, by_name(model.outputs)[tensor_name])
    for tensor in CONTRACTS[name].outputs:
        assert whole(CONTRACTS[name], tensor) == known[tensor.name]


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_batch_requests_within_bounds(name: str) -> None:
    config = CONFIGS[name]
    assert config.HasField("dynamic_batching")
    assert max(config.dynamic_batching.preferred_batch_size) <= config.max_batch_size
    assert config.dynamic_batching.default_queue_policy.max_queue_size > 0


def test_the_people_of_a_request_fit_the_pose_networks_batch() -> None:
    setting = {key: value.string_value for key, value in CONFIGS["crop"].parameters.items()}
    people = int(setting["frames_per_request_max"]) * int(setting["people_per_frame_max"])
    assert people <= CONTRACTS["hrnet"].max_batch_size
    assert int(setting["frames_per_request_max"]) <= CONTRACTS["yolo"].max_batch_size


def test_the_pose_network_has_the_joints_of_its_skeleton() -> None:
    network = json.loads((MODELS / "hrnet" / "network.json").read_text(encoding="utf-8"))
    joints = by_name(CONTRACTS["hrnet"].outputs)["heatmaps"].dims[0]
    assert joints == len(SKELETONS[network["skeleton"]].joints)
    assert by_name(CONTRACTS["pose_2d"].outputs)["keypoints"].dims == (-1, joints, 3)
