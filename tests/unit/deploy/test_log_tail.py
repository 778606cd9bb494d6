"""What is shown of a dead service's log."""

from pathlib import Path

from deploy.embedded.guarded import log_tail


def test_the_tail_has_the_last_lines_and_earlier_errors(tmp_path: Path) -> None:
    log = tmp_path / "triton.log"
    lines = ["I1123 starting", "E1123 model yolo has no file", *(f"I1123 line {n}" for n in range(40))]
    log.write_text("\n".join(lines) + "\n")
    shown = log_tail(log).splitlines()
    assert shown[0] == "    E1123 model yolo has no file"
    assert shown[1:] == [f"    I1123 line {n}" for n in range(25, 40)]


def test_long_lines_are_cut_and_a_missing_log_is_said(tmp_path: Path) -> None:
    log = tmp_path / "nats.log"
    assert log_tail(log) == "    (it wrote no log)"
    log.write_text("x" * 5000)
    assert log_tail(log) == "    " + "x" * 300
