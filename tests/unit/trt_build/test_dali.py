"""DALI is optional."""

import pytest

from core.errors import ConfigurationError
from trt_build import dali
from trt_build.dali import letterbox_config, letterbox_pipeline


def test_without_it_a_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dali, "is_installed", lambda: False)
    with pytest.raises(ConfigurationError, match="--group dali"):
        letterbox_pipeline((416, 416), 8, "cpu")


def test_triton_is_told_the_sizes() -> None:
    config = letterbox_config("letterbox_dali", (416, 640), 8)
    assert (config.backend, config.max_batch_size) == ("dali", 8)
    assert list(config.input[0].dims) == [-1, -1, 3]
    assert list(config.output[0].dims) == [416, 640, 3]
