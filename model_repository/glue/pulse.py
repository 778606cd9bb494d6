"""A model's process that stood still ends instead of answering.

Triton's Python backend gives a request up when the process of its model shows no sign of life for a whole
second, and takes what the process answers when it goes on for the answer to the next request: poses of one
picture would be delivered for another. Whoever started Triton starts it again when it loses such a process.
"""

from __future__ import annotations

import os
import threading
import time
from types import TracebackType

STANDSTILL_S = 0.8
"""Shorter than the backend's patience."""
EXIT_STATUS = 75
"""EX_TEMPFAIL of sysexits.h."""
_BEAT_S = 0.1
_COMPUTING_SHARE = 0.25


class Pulse:
    """Beats in a thread of its own. Answers are made `with` it, which looks before and after."""

    def __init__(self) -> None:
        self._beat_s, self._cpu_s = time.monotonic(), time.process_time()
        threading.Thread(target=self._run, name="pulse", daemon=True).start()

    def __enter__(self) -> None:
        self._look()

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._look()

    def _run(self) -> None:
        while True:
            time.sleep(_BEAT_S)
            self._look()
            self._beat_s, self._cpu_s = time.monotonic(), time.process_time()

    def _look(self) -> None:
        """Ends the process if it stood still since the last beat. One that computed meanwhile did not: a long
        call that holds Python's lock, as when CUDA starts, keeps this thread back but not the backend's."""
        gap_s, computed_s = time.monotonic() - self._beat_s, time.process_time() - self._cpu_s
        if gap_s > STANDSTILL_S and computed_s < _COMPUTING_SHARE * gap_s:
            os._exit(EXIT_STATUS)
