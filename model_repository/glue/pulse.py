"""A model's process that stood still ends instead of answering, and so does one that computes for too long.

Triton's Python backend gives a request up when the process of its model shows no sign of life for a whole
second, and takes what the process answers when it goes on for the answer to the next request: poses of one
picture would be delivered for another. Whoever started Triton starts it again when it loses such a process,
and looks at the files that the pulses touch: who stands still for good cannot end by itself.
"""

from __future__ import annotations

import faulthandler
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

PULSES_VARIABLE = "MAREY_PULSES"
"""Folder where each process touches a file, named by its id, at every beat. Unset: nobody looks."""
STANDSTILL_S = 0.8
"""Shorter than the backend's patience."""
ANSWER_LIMIT_S = 120.0
"""After so long nobody waits for an answer any more (`orchestrator.triton.REQUEST_TIMEOUT_S`)."""
EXIT_STATUS = 75
"""EX_TEMPFAIL of sysexits.h."""
_BEAT_S = 0.1
_COMPUTING_SHARE = 0.25


class Pulse:
    """Beats in a thread of its own. Answers are made `with` it, which looks before and after."""

    def __init__(self, answer_limit_s: float = ANSWER_LIMIT_S) -> None:
        self._answer_limit_s = answer_limit_s
        self._answering_s: float | None = None
        """Since when an answer is being made."""
        self._file = _file_of_this_process()
        self._beat()
        threading.Thread(target=self._run, name="pulse", daemon=True).start()

    def __enter__(self) -> None:
        self._look()
        self._answering_s = time.monotonic()

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._answering_s = None
        self._look()

    def _run(self) -> None:
        while True:
            time.sleep(_BEAT_S)
            self._look()
            self._look_at_the_answer()
            self._beat()

    def _beat(self) -> None:
        self._beat_s, self._cpu_s = time.monotonic(), time.process_time()
        if self._file is not None:
            with suppress(OSError):
                self._file.touch()

    def _look(self) -> None:
        """Ends the process if it stood still since the last beat. One that computed meanwhile did not: a long
        call that holds Python's lock, as when CUDA starts, keeps this thread back but not the backend's."""
        gap_s, computed_s = time.monotonic() - self._beat_s, time.process_time() - self._cpu_s
        if gap_s > STANDSTILL_S and computed_s < _COMPUTING_SHARE * gap_s:
            _say(f"stood still for {gap_s:.1f} s: it ends instead of answering")
            os._exit(EXIT_STATUS)

    def _look_at_the_answer(self) -> None:
        """Ends the process if it hangs in an answer, and says where."""
        began_s = self._answering_s
        if began_s is not None and time.monotonic() - began_s > self._answer_limit_s:
            _say(f"made an answer for more than {self._answer_limit_s:g} s: it ends, and was here")
            faulthandler.dump_traceback()
            os._exit(EXIT_STATUS)


def _say(what: str) -> None:
    """A line in Triton's log, past Python's buffers: the process is about to end without them."""
    os.write(2, f"a model's process ({os.getpid()}) {what}\n".encode())


def _file_of_this_process() -> Path | None:
    folder = os.environ.get(PULSES_VARIABLE)
    return None if folder is None else Path(folder, str(os.getpid()))
