"""What an operator needs to see, as Prometheus metrics: counts and times by closed names, never a value or a subject.

One instance per process with a registry of its own; the label sets are small on purpose.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Counters of transfers and failures, time per stage, gauges of what is open."""

    content_type = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.transfers = Counter(
            "dragoman_transfers_total",
            "Transfers by destination and decision.",
            ("destination", "action"),
            registry=self.registry,
        )
        self.refused = Counter(
            "dragoman_refused_total", "Refusals by reason code.", ("reason",), registry=self.registry
        )
        self.events = Counter(
            "dragoman_events_total",
            "What went wrong inside and was dealt with, by kind and error class.",
            ("kind", "error"),
            registry=self.registry,
        )
        self.stage = Histogram(
            "dragoman_stage_seconds", "Time per stage.", ("stage",), buckets=_SECONDS, registry=self.registry
        )
        self.open = Gauge("dragoman_open_transfers", "Transfers that are open.", registry=self.registry)
        self.detection_workers = Gauge(
            "dragoman_detection_workers", "Detection workers that can take work.", registry=self.registry
        )

    def observe(self, kind: str, label: str) -> None:
        """Count an event: `refused` by reason, everything else by kind and error class."""
        if kind == "refused":
            self.refused.labels(label).inc()
        else:
            self.events.labels(kind, label).inc()

    def render(self) -> bytes:
        """The metrics in the text format."""
        return generate_latest(self.registry)
