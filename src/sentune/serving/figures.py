"""Figures for Prometheus. Their labels are names of routes: never anything a client wrote."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

__all__ = ["Figures"]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Figures:
    """The figures of one server."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "sentune_requests", "Requests answered.", ("route", "status"), registry=registry
        )
        self._seconds = Histogram(
            "sentune_request_seconds",
            "From the first byte to the last one of the answer.",
            ("route",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._batches = Histogram(
            "sentune_batch_texts", "Texts computed together.", buckets=_SIZES, registry=registry
        )
        self._batch_seconds = Histogram(
            "sentune_batch_seconds", "To compute a batch.", buckets=_SECONDS, registry=registry
        )
        self._restarts = Counter(
            "sentune_worker_restarts", "Workers that died or hung.", registry=registry
        )
        self._truncated = Counter(
            "sentune_truncated_texts", "Texts that the length limit cut.", registry=registry
        )

    def watch(self, name: str, described: str, read: Callable[[], float]) -> None:
        """A value that is read whenever the figures are asked for."""
        Gauge(name, described, registry=self._registry).set_function(read)

    def tell(self, name: str, value: float) -> None:
        """What the engine reports."""
        if name == "batch_texts":
            self._batches.observe(value)
        elif name == "batch_seconds":
            self._batch_seconds.observe(value)
        else:
            self._restarts.inc(value)

    def answered(self, route: str, status: int, seconds: float, truncated: int) -> None:
        """Count a request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
        if truncated:
            self._truncated.inc(truncated)

    def text(self) -> bytes:
        """All figures, in the text format."""
        return generate_latest(self._registry)
