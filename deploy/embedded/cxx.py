"""The C++ compiler that PyTorch makes networks with: `python -m deploy.embedded.cxx COMPILER` tries one."""

import ctypes
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.own_process import ask_command

_TIMEOUT_S = 60.0
_TRIAL = '#include <locale>\nextern "C" const void* trial() { return &std::locale::classic(); }\n'
_SHARED, _OWN = "shared", "own"


def compiler(environment: Mapping[str, str]) -> str:
    """The one that PyTorch takes."""
    return environment.get("CXX", "g++")


def compiler_problem(name: str) -> str:
    """Why networks cannot be compiled with it; empty if they can.

    A compiled network must use PyTorch's libstdc++. With a copy of its own beside that one it does not open:
    `std::regex` meets the other copy's facets of the locale, and SIGSEGV or `std::bad_cast` follows.
    """
    if shutil.which(name) is None:
        return (
            f"there is no C++ compiler {name!r} to compile networks with: install g++, or set CXX to another"
        )
    answer = ask_command([sys.executable, "-P", "-m", __name__, name], _TIMEOUT_S)
    if answer.problem:
        return f"the C++ compiler {name!r} makes no library that can be opened: {answer.problem}"
    if answer.text == _OWN:
        return (
            f"expected the C++ compiler {name!r} to link libstdc++.so.6, got libraries with a copy of it "
            "inside, which crash beside PyTorch: set CXX to another compiler, such as /usr/bin/g++"
        )
    return ""


def _try(name: str) -> str:
    """Which libstdc++ comes with a library of this compiler into a process that has none."""
    with TemporaryDirectory() as folder:
        source, library = Path(folder) / "trial.cpp", Path(folder) / "trial.so"
        source.write_text(_TRIAL)
        subprocess.run([name, "-shared", "-fPIC", str(source), "-o", str(library)], check=True)
        ctypes.CDLL(str(library))
    return _SHARED if "/libstdc++.so" in Path("/proc/self/maps").read_text() else _OWN


if __name__ == "__main__":
    sys.stdout.write(_try(sys.argv[1]))
