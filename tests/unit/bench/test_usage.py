"""CPU time and memory of processes, as the kernel counts them."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from bench.usage import cpu_s, forget_peak, memory_mb, service_pid

GUARD = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=sys.stdin)
child.wait()
sys.stdin.read()
"""
SERVICE = """
import subprocess, sys, time
big = bytearray(64 << 20)
del big
helper = [sys.executable, "-c", "import time\\nwhile time.process_time() < 0.3: pass"]
subprocess.run(helper)
print("ready", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def guard() -> Iterator[int]:
    """A process with a child that took 64 MB for a moment and had a helper work for 0.3 s."""
    with subprocess.Popen(
        [sys.executable, "-c", GUARD, SERVICE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process.pid
        process.kill()


def test_cpu_time_of_helpers_that_ended_counts(guard: int) -> None:
    found = cpu_s({"service": guard, "nobody": 2**22 + 1})
    assert found["service"] >= 0.29
    assert found["nobody"] == 0


def test_a_peak_can_be_forgotten(guard: int) -> None:
    service = service_pid(guard)
    assert memory_mb(service, "VmHWM") > memory_mb(service, "VmRSS") + 50
    forget_peak(service)
    assert memory_mb(service, "VmHWM") < memory_mb(service, "VmRSS") + 10
