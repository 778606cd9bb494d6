"""What is said about the machine."""

from pathlib import Path

from deploy.embedded.machine import describe_target, gpu_names, usable_cores


def test_gpus_are_named_as_the_driver_names_them(tmp_path: Path) -> None:
    card = tmp_path / "0000:01:00.0"
    card.mkdir()
    (card / "information").write_text("Model: \t\t NVIDIA H200\nIRQ:   \t\t 0\n")
    assert gpu_names(tmp_path) == ["NVIDIA H200"]
    assert gpu_names(tmp_path / "absent") == []


def test_the_target_names_the_cores() -> None:
    assert describe_target().startswith(f"CPU, {usable_cores()} core")
