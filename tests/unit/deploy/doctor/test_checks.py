"""What `marey doctor` says of a machine, by what was found there."""

from dataclasses import replace
from pathlib import Path

import pytest

from deploy.doctor.checks import DISK_MIN_BYTES, STUBS_BYTES, Finding, findings
from deploy.doctor.facts import Facts
from deploy.doctor.nvdec import Nvdec, nvdec_of
from deploy.embedded.cuda_probe import CudaMachine
from deploy.embedded.triton import PythonBuild
from deploy.own_process import Answer

MIB = 1 << 20
PYTHON = PythonBuild(
    version="3.11",
    stub=Path("/t/stubs/3.11/stub"),
    has_stub=True,
    library=Path("/p/lib/libpython3.11.so.1.0"),
    has_library=True,
)
LAPTOP = Facts(
    home=Path("/home/me/.marey"),
    own_triton=True,
    cores=8,
    gpus=(),
    cuda=CudaMachine(),
    driver=None,
    nvdec=Nvdec(),
    triton_problem=None,
    python=PYTHON,
    numpy="1.26.4",
    frames_bytes=560 * MIB,
    shared_memory_free_bytes=8000 * MIB,
    home_free_bytes=90_000 * MIB,
    free_ports=50,
    api_port=None,
    api_port_free=True,
)
SERVER = replace(
    LAPTOP,
    gpus=("NVIDIA H200",),
    cuda=CudaMachine(gpu="NVIDIA H200", memory_bytes=140 << 30, torch="2.11.0+cu130"),
    driver="580.65.06",
    nvdec=Nvdec(engines=7),
)


def finding(facts: Facts, check: str) -> Finding:
    """The outcome of one check."""
    (found,) = [each for each in findings(facts) if each.check == check]
    return found


@pytest.mark.parametrize(
    "facts",
    [
        LAPTOP,
        SERVER,
        replace(LAPTOP, api_port=8080),
        replace(SERVER, target="cpu", cuda=CudaMachine(problem="no PyTorch")),
    ],
)
def test_nothing_to_fix(facts: Facts) -> None:
    assert {each.state for each in findings(facts)} == {"ok"}


@pytest.mark.parametrize(
    ("facts", "check", "sentence"),
    [
        (
            replace(LAPTOP, target="cuda", cuda=CudaMachine(problem="no PyTorch")),
            "target",
            "expected a GPU for the target cuda, got none: no PyTorch",
        ),
        (replace(LAPTOP, engines=Path("/plans")), "target", "expected a GPU for the engines in /plans, got"),
        (replace(SERVER, target="cpu", engines=Path("/plans")), "target", "because it was asked for"),
        (replace(LAPTOP, numpy="2.1.0"), "numpy", "expected NumPy 1, got 2.1.0"),
        (replace(LAPTOP, triton_problem="expected x to start"), "triton", "expected x to start"),
        (replace(LAPTOP, python=None), "libpython", "before Triton is installed"),
        (replace(LAPTOP, python=replace(PYTHON, has_library=False)), "libpython", "libpython3.11.so.1.0"),
        (replace(LAPTOP, python=replace(PYTHON, has_stub=False)), "libpython", "has a stub, got 3.11"),
        (
            replace(LAPTOP, shared_memory_free_bytes=64 * MIB),
            "shared memory",
            "expected 624 MiB free in /dev/shm, got 64; make it larger",
        ),
        (replace(LAPTOP, shared_memory_free_bytes=None), "shared memory", "to write to /dev/shm"),
        (replace(LAPTOP, home_free_bytes=100 * MIB), "disk", "MiB free for /home/me/.marey, got 100;"),
        (replace(LAPTOP, home_free_bytes=None), "disk", "expected to be able to write to /home/me/.marey"),
        (replace(LAPTOP, api_port=80, api_port_free=False), "ports", "expected port 80 to be free"),
        (replace(LAPTOP, free_ports=4), "ports", "expected 8 free ports among 50 tried on 127.0.0.1, got 4"),
    ],
)
def test_what_must_be_fixed_is_said(facts: Facts, check: str, sentence: str) -> None:
    found = finding(facts, check)
    assert found.state == "fix"
    assert sentence in found.sentence
    assert [each.check for each in findings(facts) if each.state == "fix"] == [check]


@pytest.mark.parametrize(
    ("facts", "check", "sentence"),
    [
        (replace(SERVER, gpus=()), "driver", "driver 580.65.06 shows no GPU"),
        (replace(SERVER, nvdec=Nvdec(problem="no library")), "nvdec", "no library: videos are decoded on"),
        (replace(SERVER, nvdec=Nvdec(engines=0)), "nvdec", "NVIDIA H200 has no H.264 decoder"),
    ],
)
def test_a_gpu_that_cannot_be_used_is_no_reason_to_stop(facts: Facts, check: str, sentence: str) -> None:
    found = finding(facts, check)
    assert (found.state, sentence in found.sentence) == ("note", True)
    assert "fix" not in {each.state for each in findings(facts)}


def test_a_gpu_is_named_with_its_decoders() -> None:
    assert finding(SERVER, "driver").sentence == "NVIDIA driver 580.65.06: NVIDIA H200"
    assert finding(SERVER, "nvdec").sentence.startswith("7 engines")


def test_just_enough_is_enough() -> None:
    exact = replace(
        LAPTOP,
        shared_memory_free_bytes=LAPTOP.frames_bytes + STUBS_BYTES,
        home_free_bytes=DISK_MIN_BYTES,
        free_ports=8,
    )
    assert {each.state for each in findings(exact)} == {"ok"}


def test_a_triton_elsewhere_needs_nothing_of_this_machine() -> None:
    elsewhere = replace(LAPTOP, own_triton=False, triton_problem="absent", python=None, numpy="2.1.0")
    found = findings(elsewhere)
    assert {each.state for each in found} == {"ok"}
    assert not {"triton", "libpython", "numpy", "shared memory"} & {each.check for each in found}


def test_a_finding_is_one_line() -> None:
    assert str(Finding(check="disk", state="ok", sentence="much")) == "ok   disk           much"


def test_the_drivers_answer_is_read() -> None:
    assert nvdec_of(Answer(text="7")) == Nvdec(engines=7)
    assert nvdec_of(Answer(problem="no such file")) == Nvdec(problem="no such file")
