import pytest
from click.testing import CliRunner

from deploy.models import SeedRange, models


@pytest.mark.parametrize(("text", "expected"), [("5-9", range(5, 10)), ("7", range(7, 8)), ("0-0", range(1))])
def test_seeds_are_read_with_both_ends(text: str, expected: range) -> None:
    assert SeedRange().convert(text, None, None) == expected


@pytest.mark.parametrize("text", ["", "a", "3-", "-3", "9-5", "1-2-3"])
def test_what_is_no_range_of_seeds_is_a_usage_error(text: str) -> None:
    result = CliRunner().invoke(models, ["evaluate", "pose_2d", f"--seeds={text}"])
    assert result.exit_code == 2
    assert "--seeds" in result.output
