"""What the gRPC server counts, for Prometheus; docs/observing.md explains each figure."""

from prometheus_client import CollectorRegistry, Counter, Histogram

_DURATIONS_S = (0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 600)


class RpcMetrics:
    """Labels are methods of the protocol and statuses of gRPC."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter("marey_rpc_calls", "Calls that ended.", ("method", "status"), registry=registry)
        self._duration_s = Histogram(
            "marey_rpc_call_duration_seconds", "Of whole calls, streams included.", ("method",),
            registry=registry, buckets=_DURATIONS_S,
        )  # fmt: skip

    def count_call(self, method: str, status: str, duration_s: float) -> None:
        """A call has ended."""
        self._calls.labels(method, status).inc()
        self._duration_s.labels(method).observe(duration_s)
