"""`marey doctor` on this machine, as a user runs it."""

import socket
import subprocess
from pathlib import Path

from deploy.doctor.nvdec import probe_nvdec
from tests.services.stacks import MAREY


def doctor(*options: str) -> subprocess.CompletedProcess[str]:
    """Its exit code and what it says."""
    return subprocess.run(
        [MAREY, "doctor", *options], capture_output=True, text=True, check=False, timeout=60
    )


def test_a_machine_that_runs_these_tests_needs_no_fixing(tmp_path: Path) -> None:
    result = doctor("--home", str(tmp_path / "new" / "home"))
    assert result.returncode == 0, result.stdout
    checks = [line[5:20].strip() for line in result.stdout.splitlines()]
    assert checks == [
        "target", "driver", "nvdec", "triton", "libpython", "numpy", "shared memory", "disk", "ports",
    ]  # fmt: skip
    assert not (tmp_path / "new").exists()


def test_a_taken_port_is_something_to_fix(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = doctor("--home", str(tmp_path), "--api-port", str(port))
    assert result.returncode == 1
    assert f"fix  ports          expected port {port} to be free" in result.stdout


def test_engines_without_a_gpu_are_something_to_fix(tmp_path: Path) -> None:
    result = doctor("--home", str(tmp_path), "--target", "cpu", "--engines", str(tmp_path))
    assert result.returncode == 1
    assert f"fix  target         expected a GPU for the engines in {tmp_path}" in result.stdout


def test_asking_for_decoders_never_fails() -> None:
    found = probe_nvdec()
    assert found.engines or found.problem
