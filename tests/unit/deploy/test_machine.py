"""What is said about the machine."""

from pathlib import Path

import pytest

from deploy.embedded.machine import driver_version, gpu_names


def test_gpus_are_named_as_the_driver_names_them(tmp_path: Path) -> None:
    card = tmp_path / "gpus" / "0000:01:00.0"
    card.mkdir(parents=True)
    (card / "information").write_text("Model: \t\t NVIDIA H200\nIRQ:   \t\t 0\n")
    assert gpu_names(tmp_path) == ["NVIDIA H200"]
    assert gpu_names(tmp_path / "absent") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 2023",
            "535.129.03",
        ),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build", "580.65.06"),
        ("something else", "of unknown version"),
    ],
)
def test_the_drivers_version_is_read(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "version").write_text(f"{text}\nGCC version:  gcc version 12.2.0\n")
    assert driver_version(tmp_path) == expected
    assert driver_version(tmp_path / "absent") is None
