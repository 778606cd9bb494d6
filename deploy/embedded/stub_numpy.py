"""NumPy of Triton's stubs, the processes that run Python models. It need not be the NumPy of this process."""

import os
import shutil
import sys
from pathlib import Path

from core.errors import NumpyVersionError
from deploy.own_process import ask_command

NUMPY_MAJOR = 1
_TIMEOUT_S = 60.0
_ASK = "import numpy; print(numpy.__version__)"


def search_path() -> str:
    """PATH for Triton: a stub embeds the Python that the first `python3` there belongs to."""
    return ":".join(filter(None, (str(Path(sys.prefix) / "bin"), os.environ.get("PATH"))))


def stub_numpy() -> str | None:
    """Version of the NumPy that a stub imports; None where it finds none. Stubs do not read PYTHONPATH."""
    python = shutil.which("python3", path=search_path())
    if python is None:
        return None
    return ask_command([python, "-I", "-c", _ASK], _TIMEOUT_S).text or None


def check_numpy(version: str | None) -> None:
    """Refuse a NumPy that Triton's stub was not built for: it would pass zeros without a word."""
    if version is None or int(version.split(".")[0]) != NUMPY_MAJOR:
        raise NumpyVersionError(
            f"expected NumPy {NUMPY_MAJOR}, got {version or 'none'} in {sys.prefix}: Triton's Python backend "
            "would pass zeros, and it does not read PYTHONPATH. "
            "Install numpy==1.26.4 there (`make setup` does)."
        )
