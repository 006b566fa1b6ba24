"""OpenTelemetry over OTLP/HTTP: a log record for each entry, and for outcomes the two metrics of GenAI clients.

Metrics are sums over one batch (delta temporality), so that nothing has to be kept between batches; a batch that comes
again after a failure counts again, which a collector cannot tell. Encoding and sending are the SDK's own.
"""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from audit import otel
from audit.questions.following import Followed
from audit.values import ExportFormat
from proxy.config import secret
from proxy.errors import ConfigError
from proxy.outbound.collectors import CollectorSession
from proxy.outbound.streams.base import Exporter, Option, SendError, StreamSettings, checked_url

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.metrics.export import MetricsData

SIGNALS = frozenset({"logs", "metrics"})
_WARN, _INFO = 13, 9
"""Severity numbers of OpenTelemetry's log data model."""
_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = tuple(4**power for power in range(14))
"""Bounds of the buckets as the conventions ask for them."""


class OtlpSink:
    """Sends logs, metrics or both to one collector."""

    def __init__(self, settings: StreamSettings) -> None:
        from opentelemetry.exporter.otlp.proto.http import Compression
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        options = settings.options
        base = checked_url(options["endpoint"], "endpoint").rstrip("/")
        signals = set(options["signals"].split(","))
        if not signals or signals - SIGNALS:
            raise ConfigError("signals: write logs, metrics, or logs,metrics")
        headers = {"authorization": secret(options["authorization"])} if options["authorization"] else {}
        # The SDK logs what a collector answers; that is not ours to repeat.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        given: dict[str, Any] = {
            "headers": headers,
            "timeout": float(options["timeout_s"]),
            "certificate_file": options["ca"] or None,
            "compression": Compression.Gzip,
        }
        through = settings.through
        self._logs = self._metrics = None
        if "logs" in signals:
            self._logs = OTLPLogExporter(f"{base}/v1/logs", session=CollectorSession(through, base), **given)
        if "metrics" in signals:
            self._metrics = OTLPMetricExporter(f"{base}/v1/metrics", session=CollectorSession(through, base), **given)

    def send(self, batch: Sequence[Followed]) -> None:
        """See Sink."""
        if self._logs is not None and self._logs.export([_record(one) for one in batch]).name != "SUCCESS":
            raise SendError("the collector did not take the logs")
        if self._metrics is not None and (found := _measured(batch)) is not None:
            result = self._metrics.export(found)
            if result.name != "SUCCESS":
                raise SendError("the collector did not take the metrics")

    def close(self) -> None:
        """Ends both exporters."""
        if self._logs is not None:
            self._logs.shutdown()  # type: ignore[no-untyped-call]
        if self._metrics is not None:
            self._metrics.shutdown()


def _resource() -> Any:
    from opentelemetry.sdk.resources import Resource

    # Not `Resource.create`, which would read the environment and this process.
    return Resource({"service.name": "dragoman"})


def _record(one: Followed) -> "ReadableLogRecord":
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    found = otel.attributes(one.facts, one.of, one.place)
    severity = SeverityNumber(_WARN if "error.type" in found else _INFO)
    at = one.facts["at"] * 1_000_000
    made = LogRecord(
        timestamp=at,
        observed_timestamp=at,
        severity_number=severity,
        severity_text=severity.name,
        event_name=f"dragoman.audit.{one.facts['kind']}",
        attributes=found,
    )
    return ReadableLogRecord(made, _resource(), InstrumentationScope("dragoman.audit"))


def _measured(batch: Sequence[Followed]) -> "MetricsData | None":
    """The two metrics over the outcomes of a batch; None where it has none."""
    from opentelemetry.sdk.metrics import Histogram, MeterProvider
    from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
    from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View

    ended = [(one.facts, one.of) for one in batch if one.facts["kind"] == "outcome" and one.of is not None]
    if not ended:
        return None
    reader = InMemoryMetricReader(preferred_temporality={Histogram: AggregationTemporality.DELTA})
    views = [
        View(instrument_name=name, aggregation=ExplicitBucketHistogramAggregation(bounds))
        for name, bounds in (("gen_ai.client.operation.duration", _SECONDS), ("gen_ai.client.token.usage", _TOKENS))
    ]
    provider = MeterProvider([reader], resource=_resource(), views=views, shutdown_on_exit=False)
    meter = provider.get_meter("dragoman.audit")
    duration = meter.create_histogram("gen_ai.client.operation.duration", unit="s")
    usage = meter.create_histogram("gen_ai.client.token.usage", unit="{token}")
    for facts, of in ended:
        named = otel.model_attributes(of)
        error = otel.error_type(facts)
        duration.record(max(0, facts["at"] - of["at"]) / 1000, {**named, **({"error.type": error} if error else {})})
        for name, kind in (("tokens_in", "input"), ("tokens_out", "output")):
            if name in facts:
                usage.record(facts[name], {**named, "gen_ai.token.type": kind})
    found = reader.get_metrics_data()
    provider.shutdown()
    return found


EXPORTER = Exporter(
    "otlp",
    {
        "endpoint": Option(str, required=True),
        "signals": Option(str, "logs,metrics"),
        "authorization": Option(str, "", secret=True),
        "ca": Option(str, "", file=True),
        "timeout_s": Option(int, 10, most=300),
    },
    OtlpSink,
    lambda settings: ExportFormat.OTEL,
)
