"""The operator's commands on a real database."""

from click.testing import CliRunner, Result

from deploy.operations import levers


def run_levers(database_url: str, *arguments: str) -> Result:
    """`marey levers ...`."""
    return CliRunner().invoke(levers, arguments, env={"MAREY_DATABASE_URL": database_url})


def test_levers_are_shown_and_changed(database_url: str) -> None:
    assert run_levers(database_url).output == "default (standard): defaults\n"
    changed = run_levers(database_url, "default", "partitions=4", "dedicated=true")
    assert changed.exit_code == 0
    rows = [line.split() for line in changed.output.splitlines()]
    assert ["partitions", "4", "256"] in rows
    assert ["lease_s", "-", "-"] in rows
    assert run_levers(database_url).output == "default (standard): dedicated=true, partitions=4\n"
    run_levers(database_url, "default", "partitions=default", "dedicated=default")
    assert run_levers(database_url).output == "default (standard): defaults\n"


def test_what_is_wrong_is_told(database_url: str) -> None:
    for arguments, said in {
        ("lab",): "there is no project 'lab'",
        ("default", "partition=4"): "expected names among frame_batch_frames",
        ("default", "partitions=0"): "partitions",
    }.items():
        result = run_levers(database_url, *arguments)
        assert result.exit_code == 1
        assert said in result.output
