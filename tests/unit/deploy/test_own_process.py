"""What a process of its own answers, and why it does not."""

from pathlib import Path

import pytest

from deploy.own_process import Answer, ask, read_answer


@pytest.mark.parametrize(
    ("status", "output", "errors", "expected"),
    [
        (0, "a warning\n7\n", "", Answer(text="7")),
        (1, "7", "Traceback\nRuntimeError: no CUDA\n", Answer(problem="RuntimeError: no CUDA")),
        (-11, "", "", Answer(problem="the process ended with status -11 and said nothing")),
        (0, "", "", Answer(problem="the process ended with status 0 and said nothing")),
    ],
)
def test_the_last_line_counts(status: int, output: str, errors: str, expected: Answer) -> None:
    assert read_answer(status, output, errors) == expected


def test_a_module_is_asked() -> None:
    assert ask("platform", 30).text
    assert ask("no_such_module", 30).problem.endswith("No module named no_such_module")


def test_a_silent_process_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sleeper.py").write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert ask("sleeper", 1) == Answer(problem="no answer in 1 s")
