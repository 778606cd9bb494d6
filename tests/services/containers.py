"""Services of compose.yaml on machines of their own, confined as containers are, without Docker.

Each has its network and the names of the others, a root that it cannot write, its volumes and a `/tmp`, no
capabilities, and of the environment what the file and the image give. Not tried: the images, other users.
"""

import contextlib
import os
import re
import subprocess
import sysconfig
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.compose import FILE, ROOT, SERVICES, aliases, environment, filled
from tests.services.network import Network

_DOCKERFILE = (ROOT / "deploy" / "compose" / "Dockerfile").read_text()
_PLACES = re.findall(r"/var/lib/marey(?:/\w+)?(?=[ \n])", _DOCKERFILE.partition("COPY --from")[0])
_CONFINE = """set -eu
hosts=$1 places=$2 volumes=$3 configs=$4 checkout=$5
shift 5
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
cp -a /etc/. /mnt
mount --move /mnt /etc
cp "$hosts" /etc/hosts
mount -t tmpfs tmpfs /var/lib
mkdir -p $places
for volume in $volumes; do mount --bind "${volume%%:*}" "${volume#*:}"; done
for config in $configs; do mkdir -p "$(dirname "${config#*:}")" && cp "${config%%:*}" "${config#*:}"; done
mount -o remount,ro /var/lib
mount -o remount,ro /etc
mount --bind "$checkout" /mnt
mount -t tmpfs tmpfs /tmp
case $checkout in
/tmp/*)
    mkdir -p "$checkout"
    mount --bind /mnt "$checkout"
    mount -o remount,bind,ro "$checkout"
    ;;
esac
umount /mnt
mount -o remount,bind,ro /
cd /var/lib/marey
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
"""
_IMAGE = {
    "PATH": f"{sysconfig.get_path('scripts')}:/usr/bin:/bin",
    "HOME": "/var/lib/marey/home",
    "PYTHONPATH": f"{ROOT}:{ROOT / 'sdk'}",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
}
_HEALTHY_TIMEOUT_S = 120.0
_STOP_TIMEOUT_S = 45.0


def is_possible() -> bool:
    """Whether this user may mount."""
    return os.geteuid() == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What the containers have in common."""

    net: Network
    folder: Path
    """Of volumes and logs."""
    changes: Mapping[str, str]
    """Variables that differ from the file's."""

    def volume(self, name: str) -> Path:
        """Where a volume's files are."""
        path = self.folder / "volumes" / name
        path.mkdir(parents=True, exist_ok=True)
        return path


@contextlib.contextmanager
def container(host: Host, service: str) -> Iterator[subprocess.Popen[bytes]]:
    """The process of a service, once its health check says that it works; asked to stop at the end."""
    log = host.folder / f"{service}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(_command(host, service), stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline_s = time.monotonic() + _HEALTHY_TIMEOUT_S
        while not _is_healthy(process, service):
            if process.poll() is not None or time.monotonic() > deadline_s:
                raise RuntimeError(f"{service} is not healthy: {log.read_text()[-3000:]}")
            time.sleep(0.2)
        yield process
    finally:
        process.terminate()
        process.wait(_STOP_TIMEOUT_S)


def _command(host: Host, service: str) -> tuple[str, ...]:
    """The file's command, on the service's machine and confined."""
    given = (
        _IMAGE
        | environment(service)
        | {name: value for name, value in host.changes.items() if name in environment(service)}
    )
    confine = ("unshare", "-m", "sh", "-c", _CONFINE, "confine")
    return host.net.machines[service].command(
        *("env", "-i", *(f"{name}={value}" for name, value in given.items())),
        *confine,
        *(
            str(_hosts(host)),
            " ".join(_PLACES),
            " ".join(_volumes(host, service)),
            " ".join(_configs(service)),
            str(ROOT),
        ),
        *SERVICES[service]["command"],
    )


def _volumes(host: Host, service: str) -> list[str]:
    """`source:target` of each; one without a name is the service's own."""
    mounts = []
    for volume in SERVICES[service].get("volumes", []):
        name, _, target = volume.rpartition(":")
        mounts.append(f"{host.volume(name or f'{service}-own')}:{target}")
    return mounts


def _configs(service: str) -> list[str]:
    """`source:target` of each configuration file."""
    return [
        f"{ROOT / filled(FILE['configs'][config['source']]['file'])}:{config['target']}"
        for config in SERVICES[service].get("configs", [])
    ]


def _hosts(host: Host) -> Path:
    """The names under which services find each other."""
    path = host.folder / "hosts"
    lines = ["127.0.0.1 localhost"]
    for name, machine in host.net.machines.items():
        lines.append(f"{machine.address} {' '.join(sorted(aliases(name)))}")
    path.write_text("\n".join(lines) + "\n")
    return path


def _is_healthy(process: subprocess.Popen[bytes], service: str) -> bool:
    """What the service's health check says, asked where the service runs, once it is confined."""
    if _mounts(process.pid) == _mounts(os.getpid()):
        return False
    _, *check = SERVICES[service]["healthcheck"]["test"]
    inside = ["nsenter", "-t", str(process.pid), "-m", "-n", "env", "-i", f"PATH={_IMAGE['PATH']}"]
    return subprocess.run([*inside, *check], capture_output=True, check=False, timeout=30).returncode == 0


def _mounts(pid: int) -> Path | None:
    """The namespace of a process's mounts; None when it has ended."""
    try:
        return Path(f"/proc/{pid}/ns/mnt").readlink()
    except OSError:
        return None
