"""What callers read out of the committed configurations."""

import pytest

from core.errors import ModelContractError
from model_repository.contract import ModelConfig, committed_configs, frames_per_request_max, read_config
from orchestrator.parameters import PEOPLE_PER_FRAME_MAX


def crop_config() -> ModelConfig:
    return read_config(committed_configs()["crop"])


def test_the_people_of_the_most_frames_fit_into_the_pose_networks_batch() -> None:
    crop, pose = crop_config(), read_config(committed_configs()["hrnet"])
    people_max = int(crop.parameters["people_per_frame_max"].string_value)
    assert people_max == PEOPLE_PER_FRAME_MAX
    assert frames_per_request_max(crop) * people_max <= pose.max_batch_size


@pytest.mark.parametrize("text", ["", "0", "many"])
def test_a_server_that_does_not_say_how_many_frames_is_refused(text: str) -> None:
    crop = crop_config()
    crop.parameters["frames_per_request_max"].string_value = text
    with pytest.raises(ModelContractError, match=f"crop: expected frames_per_request_max .* got '{text}'"):
        frames_per_request_max(crop)
