"""What an operator needs to see, as Prometheus metrics: counts and times by closed names, never a value or a subject.

One instance per process with a registry of its own; the label sets are small on purpose.
"""

import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client import Counter as CounterMetric

from audit.canonical import Record
from audit.record import BlockedRecord, OutcomeRecord, TransferRecord

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

MOST_WAITING = 256
"""Records that wait to be counted; together they cost a fraction of what one by one they would."""


class Metrics:
    """Counters of transfers and failures, time per stage, gauges of what is open and of what ends."""

    content_type = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._known: dict[tuple[CounterMetric | Histogram, tuple[str, ...]], Any] = {}
        self._waiting: list[Record] = []
        # What several processes count lies in files that another one reads, which cannot ask for what waits here.
        self._most_waiting = 1 if "PROMETHEUS_MULTIPROC_DIR" in os.environ else MOST_WAITING
        self.transfers = self._counter(
            "dragoman_transfers_total", "Transfers by destination and decision.", "destination", "action"
        )
        self.refused = self._counter("dragoman_refused_total", "Refusals by reason code.", "reason")
        self.outcomes = self._counter("dragoman_outcomes_total", "Transfers that ended, by how.", "state")
        self.findings = self._counter(
            "dragoman_findings_total",
            "Personal data in requests, by kind and what was done.",
            "entity_type",
            "operator",
        )
        self.shadow = self._counter(
            "dragoman_shadow_ai_total", "Requests to model services that nobody registered.", "service"
        )
        self.events = self._counter(
            "dragoman_events_total", "What went wrong inside and was dealt with, by kind and class.", "kind", "error"
        )
        self.stage = Histogram(
            "dragoman_stage_seconds", "Time per stage.", ("stage",), buckets=_SECONDS, registry=self.registry
        )
        self.open = self._gauge("dragoman_open_transfers", "Transfers that are open.", over="livesum")
        self.takes = self._gauge(
            "dragoman_takes_transfers",
            "1 while models are loaded, the log takes records and stops can be seen.",
            over="livemin",
        )
        self.expiry = self._gauge(
            "dragoman_expiry_timestamp_seconds", "When a certificate or credential ends, seconds since 1970.", "what"
        )

    def observe(self, kind: str, label: str) -> None:
        """Count an event: `refused` by reason, `shadow_ai` by service, everything else by kind and error class.

        `sent` is counted when its record is seen.
        """
        if kind == "refused":
            self.refused.labels(label).inc()
        elif kind == "shadow_ai":
            self.shadow.labels(label).inc()
        elif kind != "sent":
            self.events.labels(kind, label).inc()

    def recorded(self, record: Record) -> None:
        """Count what a record says; at the latest when somebody asks."""
        self._waiting.append(record)
        if len(self._waiting) >= self._most_waiting:
            self._count()

    def _count(self) -> None:
        records, self._waiting = self._waiting, []
        outcomes: Counter[str] = Counter()
        transfers: Counter[tuple[str, str]] = Counter()
        findings: Counter[tuple[str, str]] = Counter()
        spent: dict[str, list[float]] = {}
        for record in records:
            if isinstance(record, OutcomeRecord):
                outcomes[record.state] += 1
            elif isinstance(record, TransferRecord | BlockedRecord):
                transfers[record.destination.name if record.destination else "", record.action] += 1
                for finding in record.findings:
                    findings[finding.entity_type, finding.operator] += finding.n
                for one in record.stages:
                    spent.setdefault(one.stage, []).append(one.us / 1_000_000)
        for state, n in outcomes.items():
            self._of(self.outcomes, state).inc(n)
        for labels, n in transfers.items():
            self._of(self.transfers, *labels).inc(n)
        for labels, n in findings.items():
            self._of(self.findings, *labels).inc(n)
        for stage, seconds in spent.items():
            _observe(self._of(self.stage, stage), seconds)

    def ends(self, found: Iterable[tuple[str, float]]) -> None:
        """What ends, and when (seconds since 1970); what is not there any more is forgotten."""
        self.expiry.clear()
        for what, at in found:
            self.expiry.labels(what).set(at)

    def render(self) -> bytes:
        """The metrics in the text format."""
        self._count()
        return generate_latest(self.registry)

    def _of[M: (CounterMetric, Histogram)](self, metric: M, *labels: str) -> M:
        """The metric of these labels, which the library looks up at a cost: this is on every request's path."""
        child = self._known.get((metric, labels))
        if child is None:
            child = self._known[metric, labels] = metric.labels(*labels)
        made: M = child
        return made

    def _counter(self, name: str, says: str, *labels: str) -> CounterMetric:
        return CounterMetric(name, says, labels, registry=self.registry)

    def _gauge(
        self, name: str, says: str, *labels: str, over: Literal["livesum", "livemin", "livemax"] = "livemax"
    ) -> Gauge:
        """over: what the processes of one machine make together."""
        return Gauge(name, says, labels, registry=self.registry, multiprocess_mode=over)


def _observe(histogram: Histogram, seconds: list[float]) -> None:
    """Each of these, as `histogram.observe` would; the library has nothing for many."""
    histogram._sum.inc(sum(seconds))
    for bucket, n in Counter([bisect_left(histogram._upper_bounds, one) for one in seconds]).items():
        histogram._buckets[bucket].inc(n)
