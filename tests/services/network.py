"""Machines on one machine: network namespaces that meet at a bridge, made without privileges if need be."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

HUB_ADDRESS = "10.77.0.254"
_IS_ROOT = os.geteuid() == 0
_UNSHARE = ["unshare", "-n"] if _IS_ROOT else ["unshare", "-Urn"]
_HOLD = ["sleep", "3600"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A namespace, held by a process."""

    name: str
    address: str
    pid: int

    def command(self, *argv: str) -> tuple[str, ...]:
        """`argv` on this machine."""
        user = () if _IS_ROOT else ("-U", "--preserve-credentials")
        return ("nsenter", "-t", str(self.pid), *user, "-n", "--", *argv)

    def run(self, *argv: str) -> str:
        """Run `argv` there to its end; its output."""
        done = subprocess.run(self.command(*argv), capture_output=True, check=True, timeout=60)
        return done.stdout.decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A hub and the machines that it connects."""

    hub: Machine
    machines: dict[str, Machine]

    def cut_off(self, name: str) -> None:
        """No packet reaches the machine or comes from it; nobody is told."""
        self.hub.run("ip", "link", "set", f"to-{name}", "down")

    def connect_again(self, name: str) -> None:
        """Undo `cut_off`."""
        self.hub.run("ip", "link", "set", f"to-{name}", "up")


def is_possible() -> bool:
    """Whether this system lets us make namespaces and links between them."""
    try:
        probe = [*_UNSHARE, "ip", "link", "add", "probe", "type", "bridge"]
        return subprocess.run(probe, capture_output=True, check=False, timeout=10).returncode == 0
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def network(names: list[str]) -> Iterator[Network]:
    """Machines 10.77.0.1, .2, ... in the order of `names`, and the hub 10.77.0.254."""
    with contextlib.ExitStack() as stack:
        hub = Machine(name="hub", address=HUB_ADDRESS, pid=_held(stack, _UNSHARE))
        for line in ("link set lo up", "link add bridge type bridge", "link set bridge up"):
            hub.run("ip", *line.split())
        hub.run("ip", "address", "add", f"{HUB_ADDRESS}/24", "dev", "bridge")
        inner = _UNSHARE if _IS_ROOT else list(hub.command("unshare", "-n"))
        machines = {}
        for number, name in enumerate(names, start=1):
            machines[name] = Machine(name=name, address=f"10.77.0.{number}", pid=_held(stack, inner))
            _plug_in(hub, machines[name])
        yield Network(hub=hub, machines=machines)


@contextlib.contextmanager
def relay(prefix: tuple[str, ...], listen: str, target: str, is_ready: Callable[[], bool]) -> Iterator[None]:
    """Carry connections until the block ends."""
    argv = (*prefix, sys.executable, str(Path(__file__).with_name("relay.py")), listen, target)
    process = subprocess.Popen(argv)
    try:
        deadline_s = time.monotonic() + 30
        while not is_ready():
            assert process.poll() is None
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait(10)


def is_listening(machine: Machine, port: int) -> Callable[[], bool]:
    """Whether somebody there listens at `port`."""
    return lambda: f":{port:04X} 00000000:0000 0A" in machine.run("cat", "/proc/net/tcp")


def _held(stack: contextlib.ExitStack, unshare: list[str]) -> int:
    """The process that holds a new namespace until `stack` ends."""
    holder = stack.enter_context(subprocess.Popen([*unshare, *_HOLD]))
    stack.callback(holder.wait, 10)
    stack.callback(holder.kill)
    ours = Path("/proc/self/ns/net").readlink()
    deadline_s = time.monotonic() + 10
    comm = Path(f"/proc/{holder.pid}/comm")
    while Path(f"/proc/{holder.pid}/ns/net").readlink() == ours or comm.read_text().strip() != _HOLD[0]:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    return holder.pid


def _plug_in(hub: Machine, machine: Machine) -> None:
    """A cable from the machine to the hub's bridge."""
    cable = f"to-{machine.name}"
    hub.run(*f"ip link add {cable} type veth peer name net0 netns {machine.pid}".split())
    hub.run(*f"ip link set {cable} master bridge up".split())
    machine.run("ip", "address", "add", f"{machine.address}/24", "dev", "net0")
    for device in ("lo", "net0"):
        machine.run("ip", "link", "set", device, "up")
