"""Commands for whoever runs an installation."""

import pytest
from click import UsageError
from click.testing import CliRunner
from marey.cli.session import EXIT_UNREACHABLE

from core.jobs import Tier
from deploy.clusters import Cluster, clusters, clusters_table
from deploy.commands import worker
from deploy.operations import parse_changes, tiers


def test_values_are_numbers_words_or_the_default() -> None:
    given = ("partitions=4", "lease_s=2.5", "dedicated=true", "max_attempts=default", "batches_per_run=many")
    assert parse_changes(given) == {
        "partitions": 4,
        "lease_s": 2.5,
        "dedicated": True,
        "max_attempts": None,
        "batches_per_run": "many",
    }


def test_a_change_without_a_value_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="expected LEVER=VALUE, got 'partitions'"):
        parse_changes(["partitions"])


def test_without_a_stack_it_is_told_where_one_was_expected() -> None:
    result = CliRunner().invoke(tiers, ["--home", "/nonexistent"], env={"MAREY_DATABASE_URL": None})
    assert result.exit_code == 1
    assert "expected MAREY_DATABASE_URL or a stack in /nonexistent" in result.output


def test_scripts_see_that_the_database_is_away() -> None:
    url = "postgresql://nobody@127.0.0.1:1/marey"
    result = CliRunner().invoke(tiers, [], env={"MAREY_DATABASE_URL": url})
    assert result.exit_code == EXIT_UNREACHABLE
    assert "Postgres does not answer" in result.output


@pytest.mark.parametrize("tier", Tier)
def test_a_worker_is_dedicated_to_a_tier_by_its_name(tier: Tier) -> None:
    result = CliRunner().invoke(worker, ["--tier", tier.value], env={"MAREY_DATABASE_URL": None})
    assert result.exit_code == 1
    assert "MAREY_DATABASE_URL" in result.output


def test_a_wrong_list_of_clusters_is_told() -> None:
    result = CliRunner().invoke(clusters, [], env={"MAREY_CLUSTER_URLS": "grpc://triton:8001"})
    assert result.exit_code == 1
    assert "MAREY_CLUSTER_URLS: expected host:port" in result.output


def test_clusters_are_told_with_what_is_wrong() -> None:
    found = [
        Cluster(url="a:1", projects=["lab"], code="ok", detail="", networks={"yolo": "0123456789abcdef"}),
        Cluster(url="b:1", projects=[], code="inference_unavailable", detail="refused", networks={}),
    ]
    columns = [list(column.cells) for column in clusters_table(found).columns]
    assert columns == [
        ["a:1", "b:1"],
        ["lab", "-"],
        ["ok", "inference_unavailable: refused"],
        ["yolo 0123456789ab", "-"],
    ]
