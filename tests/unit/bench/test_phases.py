"""What a bench keeps of a phase that ran in a process of its own."""

import sys
from pathlib import Path

import pytest

from bench.phases import run_phase

START = "from bench.phases import say, say_and_end\n"
MEASURE = START + "say({'compile_s': 142.3})\nsay({'compile_s': 142.3, 'open_s': 36.0})\n"


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("", ""),
        (
            "import atexit; atexit.register(print, '{}'); say_and_end({'compile_s': 142.3, 'open_s': 36.0})",
            "",
        ),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ('print(\'{"open_s": 36.0, "fp\', flush=True); import os; os._exit(3)', "exit status 3"),
        ("import time; time.sleep(60)", "timed out"),
    ],
)
def test_figures_stay_whatever_comes_after_them(script: str, error: str, tmp_path: Path) -> None:
    limit_s = 3.0 if error == "timed out" else 30.0
    figures = run_phase([sys.executable, "-c", MEASURE + script], tmp_path / "log", limit_s)
    assert error in str(figures.pop("error", ""))
    assert figures == {"compile_s": 142.3, "open_s": 36.0}


def test_a_phase_without_figures_says_what_it_said(tmp_path: Path) -> None:
    figures = run_phase([sys.executable, "-c", "print('no GPU')"], tmp_path / "log", 30.0)
    assert list(figures) == ["error"]
    assert "no GPU" in str(figures["error"])
