"""What the API's process counts, for Prometheus; docs/observing.md explains each figure."""

from collections.abc import Mapping

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_DURATIONS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class HttpMetrics:
    """Labels are templates of routes, never paths: some of these hold tokens, and there is no end of them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "marey_http_requests", "Answered requests.", ("method", "route", "status"), registry=self.registry
        )
        self._duration_s = Histogram(
            "marey_http_request_duration_seconds", "Until the head of the answer was sent.",
            ("method", "route"), registry=self.registry, buckets=_DURATIONS_S,
        )  # fmt: skip
        self._series: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        """By method, route and status: looking series up would cost more than counting."""
        self._ready = Gauge(
            "marey_service_ready", "Whether a service does its work; Triton's is the canary picture.",
            ("service",), registry=self.registry,
        )  # fmt: skip

    def count_request(self, method: str, route: str, status: int, duration_s: float) -> None:
        """A request is answered."""
        method = method if method in _METHODS else "other"
        series = self._series.get((method, route, status))
        if series is None:
            series = self._requests.labels(method, route, status), self._duration_s.labels(method, route)
            self._series[method, route, status] = series
        series[0].inc()
        series[1].observe(duration_s)

    def show_ready(self, checks: Mapping[str, str]) -> None:
        """The report of `api.health.service.Readiness`."""
        for service, state in checks.items():
            self._ready.labels(service).set(state == "ok")

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)
