"""Triton of the embedded stack: its runtime model repository and the command that serves it."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigurationError
from deploy.embedded.packages import cache_folder, compile_networks, compiler_environment
from deploy.embedded.process import ServiceCommand
from deploy.embedded.stub_numpy import check_numpy, search_path, stub_numpy
from model_repository.contract import (
    MODELS,
    NETWORKS,
    ModelConfig,
    config_text,
    configs_with,
    declare_digest,
    read_config,
)
from model_repository.cuda_target import GPU, PACKAGES, CudaTarget, batches_of
from model_repository.glue.pulse import PULSES_VARIABLE
from model_repository.plans import MANIFEST_NAME, PLAN_PATH
from model_repository.sizes import fit_all
from model_repository.targets import MODEL_FILE, NETWORK_PLATFORM, Target, render

SHARED_MEMORY = Path("/dev/shm")
_LOAD_TIMEOUT_S = 30.0
KEPT_HEAP_BYTES = 512 << 20
"""The stub copies each request's frames to its heap. Faulting its pages in anew costs more than the copy."""
STUB_MEMORY_BYTES = 4 << 20
"""First size and growth step of the memory between Triton and each Python model; pages are used on touch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TritonPorts:
    """Where the server listens."""

    http: int
    grpc: int
    metrics: int
    host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonBuild:
    """What Triton's Python backend needs of the Python that it embeds."""

    version: str
    stub: Path
    """Triton's program for this version, whether it exists or not."""
    has_stub: bool
    library: Path
    """The interpreter's shared library, likewise."""
    has_library: bool


def build_repository(target: Target, out: Path, models: Path | None = None) -> None:
    """Make `out` a directory that `triton_command` can serve; what an earlier call left there is replaced.

    The networks in the folder `models`, as `marey models import` writes them, take the place of the committed
    ones; the other models follow their sizes. Raises ConfigurationError when this Python cannot run Triton's
    Python backend, when a network has no file, or when the sizes cannot be served.
    """
    check_numpy(stub_numpy())
    check_python(python_build())
    paths = configs_with(models)
    _check_network_files(paths)
    configs = fit_all({name: read_config(path) for name, path in paths.items()})
    out.mkdir(parents=True, exist_ok=True)
    for part in (out / "models", out / "backends", pulses_folder(out)):
        shutil.rmtree(part, ignore_errors=True)
    pulses_folder(out).mkdir()
    _link_backend(out / "backends" / "python")
    for name, config in configs.items():
        _build_model(config, paths[name].parent / "1", out / "models" / name, target)
    if isinstance(target, CudaTarget):
        _add_compiled(paths, out / "models", target)
    remove_stale_regions(out)


def triton_command(repository: Path, ports: TritonPorts, gpu_pool_bytes: int = 0) -> ServiceCommand:
    """The server over a repository that `build_repository` made; it logs to stderr.

    `gpu_pool_bytes` of the GPU's memory carry tensors between its models; 0 for a server without a GPU.
    """
    return ServiceCommand(
        name="triton",
        argv=(
            str(_server()),
            f"--model-repository={repository / 'models'}",
            f"--backend-directory={repository / 'backends'}",
            "--disable-auto-complete-config",
            "--strict-readiness=true",
            "--exit-timeout-secs=5",
            "--allow-gpu-metrics=false",
            *_addresses(ports),
            *([f"--cuda-memory-pool-byte-size={GPU}:{gpu_pool_bytes}"] if gpu_pool_bytes else []),
            f"--backend-config=python,shm-region-prefix-name={region_prefix(repository)}",
            f"--backend-config=python,shm-default-byte-size={STUB_MEMORY_BYTES}",
            f"--backend-config=python,shm-growth-byte-size={STUB_MEMORY_BYTES}",
        ),
        env={**_environment(), PULSES_VARIABLE: str(pulses_folder(repository))},
        cwd=repository,
    )


def pulses_folder(repository: Path) -> Path:
    """Where the processes of this repository's models show that they live."""
    return repository / "pulses"


def python_build() -> PythonBuild:
    """The Python that runs this. Raises ConfigurationError if Triton is not installed."""
    stub, library = _stub(), _libpython()
    return PythonBuild(
        version=_python_version(),
        stub=stub,
        has_stub=stub.exists(),
        library=library,
        has_library=library.exists(),
    )


def check_python(python: PythonBuild) -> None:
    """Refuse a Python that Triton has no stub for, or one without a shared library."""
    if not python.has_stub:
        raise ConfigurationError(
            f"expected a Python for which {python.stub.parents[1]} has a stub, got {python.version}. "
            "Run `make setup` with Python 3.11 or 3.12."
        )
    if not python.has_library:
        raise ConfigurationError(
            f"expected the shared library {python.library}, got none: Triton's Python backend needs a Python "
            "built with one. Run `make setup` with such a Python (uv's own builds have it)."
        )


def check_server() -> None:
    """Refuse a server that this machine cannot load. Raises ConfigurationError."""
    said = server_help()
    # Its own exit status is 1 after any help text.
    if "--model-repository" not in said:
        raise ConfigurationError(
            f"expected {_server()} to start, got {said.strip()[-300:]!r}. "
            "It needs Linux on x86-64 with glibc 2.35 or newer."
        )


def server_help() -> str:
    """What the server says to `--help`. Raises ConfigurationError if it does not end."""
    environment = {**os.environ, **_environment()}
    try:
        result = subprocess.run(
            [_server(), "--help"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LOAD_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(f"expected {_server()} to start, got {error}") from error
    return result.stdout + result.stderr


def region_prefix(repository: Path) -> str:
    """Name prefix of the shared memory of this repository's server: two stacks never meet."""
    return f"marey_{hashlib.sha256(str(repository.resolve()).encode()).hexdigest()[:12]}_"


def remove_stale_regions(repository: Path) -> None:
    """Remove what a killed server of this repository left in shared memory; none may be running."""
    for path in SHARED_MEMORY.glob(f"{region_prefix(repository)}*"):
        path.unlink(missing_ok=True)


def _link_backend(folder: Path) -> None:
    """The stub imports from this folder (and not from PYTHONPATH), so the glue's package lies there too."""
    folder.mkdir(parents=True)
    for path in (_server_root() / "backends" / "python").iterdir():
        (folder / path.name).symlink_to(path)
    (folder / _stub().name).symlink_to(_stub())
    (folder / MODELS.name).symlink_to(MODELS)


def _build_model(config: ModelConfig, files: Path, folder: Path, target: Target) -> None:
    version = folder / "1"
    version.mkdir(parents=True)
    rendered = render(config, target)
    if config.platform == NETWORK_PLATFORM:
        declare_digest(rendered, files / MODEL_FILE)
        (version / "model.py").symlink_to(MODELS / "runners" / target.runner / "model.py")
    for path in files.glob("model*"):
        (version / path.name).symlink_to(path.resolve())
    (folder / "config.pbtxt").write_text(config_text(rendered), encoding="utf-8")


def _check_network_files(configs: Mapping[str, Path]) -> None:
    for name in NETWORKS:
        file = configs[name].parent / "1" / MODEL_FILE
        if not file.exists():
            raise ConfigurationError(f"expected the network {name} in {file}, got no such file")


def _add_compiled(configs: Mapping[str, Path], models: Path, target: CudaTarget) -> None:
    if target.engines is None:
        _add_packages(configs, models, target)
    else:
        _add_engines(target.engines, models)


def _add_engines(engines: Path, models: Path) -> None:
    """Link the networks' plans and manifests into the built models."""
    for name in NETWORKS:
        for part in (PLAN_PATH, Path(MANIFEST_NAME)):
            file = (engines / name / part).resolve()
            if not file.is_file():
                raise ConfigurationError(
                    f"expected {file}, got no such file. `marey models engines` makes it."
                )
            (models / name / part).symlink_to(file)


def _add_packages(configs: Mapping[str, Path], models: Path, target: CudaTarget) -> None:
    """Compile what is new, and link the networks' packages into the built models."""
    files = {name: (configs[name].parent / "1" / MODEL_FILE).resolve() for name in NETWORKS}
    folders = compile_networks(
        {files[name]: batches_of(read_config(configs[name])) for name in NETWORKS}, target
    )
    for name in NETWORKS:
        (models / name / "1" / PACKAGES).symlink_to(folders[files[name]])


def _addresses(ports: TritonPorts) -> tuple[str, ...]:
    return (
        f"--http-address={ports.host}",
        f"--http-port={ports.http}",
        f"--grpc-address={ports.host}",
        f"--grpc-port={ports.grpc}",
        f"--metrics-address={ports.host}",
        f"--metrics-port={ports.metrics}",
    )


def _environment() -> dict[str, str]:
    """Models use one thread each."""
    libraries = (
        _wheel().parent / "nvidia_pytriton.libs",
        _libpython().parent,
        os.environ.get("LD_LIBRARY_PATH"),
    )
    return {
        "LD_LIBRARY_PATH": ":".join(str(part) for part in libraries if part),
        "PATH": search_path(),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MALLOC_MMAP_MAX_": "0",
        "MALLOC_TRIM_THRESHOLD_": str(KEPT_HEAP_BYTES),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        **compiler_environment(cache_folder(os.environ)),
    }


def _server_root() -> Path:
    return _wheel() / "tritonserver"


def _server() -> Path:
    return _server_root() / "bin" / "tritonserver"


def _wheel() -> Path:
    """Folder of the wheel that carries Triton; its own Python code is not imported."""
    spec = importlib.util.find_spec("pytriton")
    if spec is None or spec.origin is None:
        raise ConfigurationError("expected the package nvidia-pytriton, got none. Run `make setup`.")
    return Path(spec.origin).parent


def _python_version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _stub() -> Path:
    return _server_root() / "python_backend_stubs" / _python_version() / "triton_python_backend_stub"


def _libpython() -> Path:
    """The interpreter's shared library: under the prefix of a relocated Python, in a folder per
    architecture on Debian."""
    name = f"libpython{_python_version()}.so.1.0"
    system = Path(sysconfig.get_config_var("LIBDIR") or "/usr/lib")
    folders = [Path(sys.base_prefix) / "lib", system, system / (sysconfig.get_config_var("MULTIARCH") or "")]
    return next((folder / name for folder in folders if (folder / name).exists()), folders[0] / name)
