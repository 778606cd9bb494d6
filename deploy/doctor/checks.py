"""Judgements of `marey doctor` on what was found. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from core.errors import ConfigurationError
from deploy.doctor.facts import PORTS_TRIED, Facts
from deploy.embedded.nats import MAX_FILE_STORE_BYTES
from deploy.embedded.services import PORT_NAMES
from deploy.embedded.stub_numpy import check_numpy
from deploy.embedded.target import ELSEWHERE, choose_target
from deploy.embedded.triton import check_python

MIB = 1 << 20
DISK_MIN_BYTES = MAX_FILE_STORE_BYTES + (1 << 30)
"""JetStream's largest store, and 1 GiB for Postgres and some videos."""
STUBS_BYTES = 64 * MIB
"""Shared memory that Triton's Python models take beside the frames."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The outcome of one check. `note`: the service runs, but not with all that the machine has."""

    check: str
    state: Literal["ok", "note", "fix"]
    sentence: str

    def __str__(self) -> str:
        return f"{self.state:<5}{self.check:<15}{self.sentence}"


def findings(facts: Facts) -> list[Finding]:
    """All checks, in the order in which they are worth reading."""
    triton = (check_triton, check_python_library, check_numpy_version, check_shared_memory)
    return [
        check(facts)
        for check in (
            check_target,
            check_driver,
            check_nvdec,
            *(triton if facts.own_triton else ()),
            check_disk,
            check_ports,
        )
    ]


def check_target(facts: Facts) -> Finding:
    """What the networks would run on."""
    if not facts.own_triton:
        return Finding(check="target", state="ok", sentence=ELSEWHERE)
    try:
        choice = choose_target(facts.target, facts.cores, facts.gpus, facts.cuda, facts.engines)
    except ConfigurationError as error:
        return Finding(check="target", state="fix", sentence=str(error))
    idle = facts.target == "auto" and facts.gpus and not facts.cuda.gpu
    return Finding(check="target", state="note" if idle else "ok", sentence=str(choice))


def check_driver(facts: Facts) -> Finding:
    """NVIDIA's driver, and the GPUs that it shows."""
    if facts.driver is None:
        return Finding(check="driver", state="ok", sentence="no NVIDIA driver, none is needed on a CPU")
    if not facts.gpus:
        sentence = f"NVIDIA driver {facts.driver} shows no GPU: `nvidia-smi` says more"
        return Finding(check="driver", state="note", sentence=sentence)
    sentence = f"NVIDIA driver {facts.driver}: {', '.join(facts.gpus)}"
    return Finding(check="driver", state="ok", sentence=sentence)


def check_nvdec(facts: Facts) -> Finding:
    """The GPU's video decoders. Without them the CPU decodes."""
    if not facts.gpus:
        return Finding(check="nvdec", state="ok", sentence="no GPU: videos are decoded on the CPU")
    if facts.nvdec.problem:
        sentence = (
            f"{facts.nvdec.problem}: videos are decoded on the CPU. In a container, "
            "NVIDIA_DRIVER_CAPABILITIES must include `video`."
        )
        return Finding(check="nvdec", state="note", sentence=sentence)
    count = facts.nvdec.engines
    if count == 0:
        return Finding(check="nvdec", state="note", sentence=f"{facts.gpus[0]} has no H.264 decoder")
    sentence = f"{count} engine{'s' if count > 1 else ''}: used where Triton's networks run on the GPU too"
    return Finding(check="nvdec", state="ok", sentence=sentence)


def check_triton(facts: Facts) -> Finding:
    """The server's program and all libraries that it loads."""
    if facts.triton_problem is not None:
        return Finding(check="triton", state="fix", sentence=facts.triton_problem)
    return Finding(check="triton", state="ok", sentence="tritonserver starts")


def check_python_library(facts: Facts) -> Finding:
    """What Triton's Python backend needs of this Python."""
    python = facts.python
    if python is None:
        return Finding(check="libpython", state="fix", sentence="cannot be judged before Triton is installed")
    return _judged("libpython", lambda: check_python(python), f"Python {python.version}, {python.library}")


def check_numpy_version(facts: Facts) -> Finding:
    """NumPy 2 would pass zeros to the networks."""
    return _judged("numpy", lambda: check_numpy(facts.numpy), facts.numpy or "none")


def check_shared_memory(facts: Facts) -> Finding:
    """Room for the frames of all requests in flight."""
    free, needed = facts.shared_memory_free_bytes, facts.frames_bytes + STUBS_BYTES
    if free is None:
        sentence = "expected to be able to write to /dev/shm; mount a tmpfs there"
        return Finding(check="shared memory", state="fix", sentence=sentence)
    if free < needed:
        sentence = (
            f"expected {needed // MIB} MiB free in /dev/shm, got {free // MIB}; make it larger "
            "(`mount -o remount,size=1G /dev/shm`, or --shm-size=1g for a container)"
        )
        return Finding(check="shared memory", state="fix", sentence=sentence)
    return Finding(check="shared memory", state="ok", sentence=f"{free // MIB} MiB free in /dev/shm")


def check_disk(facts: Facts) -> Finding:
    """Room in the stack's folder."""
    free, needed = facts.home_free_bytes, DISK_MIN_BYTES
    if free is None:
        sentence = f"expected to be able to write to {facts.home}; choose a folder with --home or MAREY_HOME"
        return Finding(check="disk", state="fix", sentence=sentence)
    if free < needed:
        sentence = (
            f"expected {needed // MIB} MiB free for {facts.home}, got {free // MIB}; free some, or choose "
            "another disk with --home or MAREY_HOME"
        )
        return Finding(check="disk", state="fix", sentence=sentence)
    return Finding(check="disk", state="ok", sentence=f"{free // MIB} MiB free for {facts.home}")


def check_ports(facts: Facts) -> Finding:
    """The port that was asked for, and enough others on this machine's own address."""
    if not facts.api_port_free:
        sentence = f"expected port {facts.api_port} to be free, got one that is in use; choose another"
        return Finding(check="ports", state="fix", sentence=sentence)
    if facts.free_ports < len(PORT_NAMES):
        sentence = (
            f"expected {len(PORT_NAMES)} free ports among {PORTS_TRIED} tried on 127.0.0.1, got "
            f"{facts.free_ports}; stop what listens there"
        )
        return Finding(check="ports", state="fix", sentence=sentence)
    asked = "" if facts.api_port is None else f"{facts.api_port} is free, and "
    sentence = f"{asked}{facts.free_ports} of {PORTS_TRIED} tried on 127.0.0.1 are free"
    return Finding(check="ports", state="ok", sentence=sentence)


def _judged(name: str, check: Callable[[], None], fine: str) -> Finding:
    """The outcome of a check that the stack makes at its start."""
    try:
        check()
    except ConfigurationError as error:
        return Finding(check=name, state="fix", sentence=str(error))
    return Finding(check=name, state="ok", sentence=fine)
