"""Triton model `letterbox` that dies of some frames: of green ones the server, of blue ones its own process.

It lies in the model's folder beside the shipped one, `shipped_letterbox.py`.
"""

import os
import signal

import numpy as np
from numpy.typing import NDArray
from shipped_letterbox import TritonPythonModel as Shipped  # type: ignore[import-not-found]

_BRIGHT, _DARK = 150, 80


class TritonPythonModel(Shipped):  # type: ignore[misc]
    """The shipped one, for every other frame."""

    def _run(self, frames: NDArray[np.uint8]) -> object:
        for red, green, blue in np.asarray(frames).mean(axis=(1, 2)):
            if green > _BRIGHT and max(red, blue) < _DARK:
                os.kill(os.getppid(), signal.SIGKILL)
            if blue > _BRIGHT and max(red, green) < _DARK:
                os.kill(os.getpid(), signal.SIGKILL)
        return super()._run(frames)
