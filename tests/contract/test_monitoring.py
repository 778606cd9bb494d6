"""Prometheus' configuration, the alert rules and the dashboard fit what the processes export."""

import json
from collections.abc import Iterable
from pathlib import PurePosixPath

import promql_parser
import pytest
import yaml
from prometheus_client import Metric

from api.metrics.service import HttpMetrics
from orchestrator.metrics import Metrics, watch_pool
from orchestrator.store.figures import PoolUse
from tests.compose import FILE, ROOT, SERVICES, aliases, environment
from tests.triton_metrics import TRITON_GPU_METRICS, TRITON_METRICS

FOLDER = ROOT / "deploy" / "monitoring"
GRAFANA = FOLDER / "grafana"
SCRAPES = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())["scrape_configs"]
GROUPS = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
RULES = {rule["alert"]: rule["expr"] for group in GROUPS for rule in group["rules"]}
BOARD = json.loads((GRAFANA / "marey.json").read_text())
PANELS = [
    (f"{panel['title']} {target['refId']}", target["expr"])
    for panel in BOARD["panels"]
    for target in panel["targets"]
]
QUERIES = [*RULES.items(), *PANELS]
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


def series(families: Iterable[Metric]) -> set[str]:
    """Names under which Prometheus keeps what a process exports."""
    return {family.name + suffix for family in families for suffix in SUFFIXES[family.type]}


def exported() -> set[str]:
    """All that is scraped, and what Prometheus adds."""
    process, http = Metrics(), HttpMetrics()
    watch_pool(process.registry, lambda: PoolUse(in_use=0, idle=0, possible=1))
    own = series(process.registry.collect()) | series(http.registry.collect())
    return own | TRITON_METRICS | TRITON_GPU_METRICS | {"up"}


def selected(query: str) -> set[str]:
    """Names of the series that a query reads. Raises ValueError if it is no PromQL."""
    names: set[str] = set()

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            names.add(str(node.name))

    promql_parser.walk(promql_parser.parse(query), visit)
    return names


@pytest.mark.parametrize("query", [query for _, query in QUERIES], ids=[name for name, _ in QUERIES])
def test_every_series_that_is_asked_for_is_exported(query: str) -> None:
    names = selected(query)
    assert names
    assert names <= exported()


def test_a_query_that_is_wrong_is_found() -> None:
    assert selected("rate(marey_frame_total[5m])").isdisjoint(exported())
    with pytest.raises(ValueError, match="unclosed"):
        selected("rate(marey_frames_total[5m]")


def test_prometheus_asks_every_process_at_its_port() -> None:
    known = {alias: name for name in SERVICES for alias in aliases(name)}
    asked: dict[str, int] = {}
    for job in SCRAPES:
        for target in [one for group in job.get("static_configs", []) for one in group["targets"]]:
            host, port = target.split(":")
            asked[host] = int(port)
        for group in job.get("dns_sd_configs", []):
            asked |= dict.fromkeys(group["names"], group["port"])
    assert set(asked) <= set(known)
    assert set(asked) == {"api", "orchestrator", "worker", "worker-gpu", "inference", "store"}
    for name in ("orchestrator", "worker", "worker-gpu"):
        assert environment(name)["MAREY_METRICS_PORT"] == str(asked[name])
    assert environment("api")["MAREY_API_PORT"] == str(asked["api"])
    assert f"-metricsPort={asked['store']}" in SERVICES["store"]["command"]


def test_prometheus_reads_the_key_that_the_api_writes() -> None:
    [key_file] = [job["authorization"]["credentials_file"] for job in SCRAPES if "authorization" in job]
    assert key_file == environment("api")["MAREY_ADMIN_KEY_FILE"]
    folder = str(PurePosixPath(key_file).parent)
    assert f"key:{folder}" in SERVICES["api"]["volumes"]
    assert f"key:{folder}:ro" in SERVICES["prometheus"]["volumes"]
    assert SERVICES["prometheus"]["user"].split(":")[0] == SERVICES["api"]["user"].split(":")[0]


def test_each_file_lies_where_its_program_looks() -> None:
    targets = {one["source"]: PurePosixPath(one["target"]) for name in ("prometheus", "grafana") for one in
               SERVICES[name]["configs"]}  # fmt: skip
    assert f"--config.file={targets['prometheus']}" in SERVICES["prometheus"]["command"]
    rules = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())["rule_files"]
    assert [targets["prometheus"].parent / name for name in rules] == [targets["alerts"]]
    [provider] = yaml.safe_load((GRAFANA / "dashboards.yaml").read_text())["providers"]
    assert PurePosixPath(provider["options"]["path"]) == targets["grafana-dashboard"].parent
    assert FILE["configs"]["grafana-dashboard"]["file"].endswith(".json")


def test_the_dashboard_reads_the_provisioned_source_and_its_panels_do_not_overlap() -> None:
    [source] = yaml.safe_load((GRAFANA / "datasource.yaml").read_text())["datasources"]
    assert {panel["datasource"]["uid"] for panel in BOARD["panels"]} == {source["uid"]}
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in BOARD["panels"]]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
