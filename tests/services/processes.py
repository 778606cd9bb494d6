"""Helpers: Marey's own processes, each of its own, as `marey NAME` starts them."""

import os
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from deploy.embedded.process import ServiceCommand
from orchestrator.settings import Settings
from tests.services.running import answers, running

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class MareyProcess:
    """A process under way."""

    process: subprocess.Popen[bytes]
    log: Path

    def ended(self, timeout_s: float) -> int:
        """Wait for its end; its exit code."""
        return self.process.wait(timeout_s)


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables that say where the services of `settings` are."""
    return {
        "MAREY_DATABASE_URL": settings.database_url,
        "MAREY_NATS_URL": settings.nats_url,
        "MAREY_TRITON_URL": settings.triton_url,
        "MAREY_STORE_URL": settings.store_url,
    }


@contextmanager
def marey_process(
    role: str,
    environment: Mapping[str, str],
    folder: Path,
    prefix: Sequence[str] = (),
    says: str | None = None,
) -> Iterator[MareyProcess]:
    """`marey ROLE` once it works; asked to stop at the end of the block, if it still runs.

    `prefix` is a command that starts another one. An API is told its port by MAREY_API_PORT, the others their
    ready file. With `says` the block begins once its log has these words, and it need not work.
    """
    name = f"{role}-{len(list(folder.glob(f'{role}-*.log')))}"
    ready_file = folder / f"{name}.ready"
    command = ServiceCommand(
        name=name,
        argv=(*prefix, str(Path(sysconfig.get_path("scripts"), "marey")), role),
        env={
            **environment,
            "MAREY_HOME": str(folder),
            "MAREY_READY_FILE": str(ready_file),
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "sdk"))),
        },
        cwd=folder,
        stop_timeout_s=60,
    )
    port = environment.get("MAREY_API_PORT")
    is_ready = partial(answers, int(port)) if port else ready_file.exists
    log = folder / f"{name}.log"

    def has_said() -> bool:
        return says is not None and says in log.read_text()

    with running(command, log, is_ready if says is None else has_said) as process:
        yield MareyProcess(process=process, log=log)
