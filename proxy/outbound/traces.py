"""OpenTelemetry traces of transfers, sent to a collector over HTTP: one span a transfer, one beneath it for each stage.

Spans are made of records, after these are durable, so they can hold no personal data; references of persons and
sessions stay out as well, because whoever holds the index key can resolve them. Off unless a collector is named; one
that is away costs its spans and nothing else.
"""

from collections import OrderedDict
from collections.abc import Iterator
from importlib.metadata import version

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from audit.canonical import Record
from audit.record import BlockedRecord, ExchangeFacts, OutcomeRecord, TransferRecord
from proxy.next_proxy import NextProxy
from proxy.outbound.collectors import CollectorSession

OPEN_SPANS = 10_000
"""Transfers that may wait for their end; beyond it the oldest is told without one."""
TIMEOUT_S = 5
MS = 1_000_000
US = 1_000

type Value = str | int


class Traces:
    """A watcher of records. endpoint: URL that takes OTLP traces, such as `http://127.0.0.1:4318/v1/traces`."""

    def __init__(self, endpoint: str, *, node: str, through: NextProxy | None = None) -> None:
        resource = Resource.create(
            {"service.name": "dragoman", "service.version": version("dragoman"), "service.instance.id": node}
        )
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint, timeout=TIMEOUT_S, session=CollectorSession(through, endpoint))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("dragoman")
        self._open: OrderedDict[str, TransferRecord] = OrderedDict()

    def recorded(self, record: Record) -> None:
        """Take a record in; a span leaves when its transfer has ended."""
        match record:
            case TransferRecord():
                self._open[record.id] = record
                if len(self._open) > OPEN_SPANS:
                    self._tell(self._open.popitem(last=False)[1], None)
            case OutcomeRecord():
                begun = self._open.pop(record.id, None)
                if begun is not None:
                    self._tell(begun, record)
            case BlockedRecord():
                self._tell(record, None)

    def close(self) -> None:
        """Send what waits, for a few seconds at most. Blocks."""
        self._provider.shutdown()

    def _tell(self, record: ExchangeFacts, outcome: OutcomeRecord | None) -> None:
        start = record.at * MS
        span = self._tracer.start_span(
            f"transfer {record.destination.name}" if record.destination else "transfer",
            kind=SpanKind.SERVER,
            start_time=start,
            attributes=dict(_facts(record, outcome)),
        )
        at = self._stages(span, record, start)
        if outcome is None:
            span.end(max(at, start))
            return
        if outcome.first_byte_at is not None:
            self._child(span, "first byte", at, outcome.first_byte_at * MS)
            at = outcome.first_byte_at * MS
        self._child(span, "answer", at, outcome.at * MS)
        if outcome.state != "complete":
            span.set_status(Status(StatusCode.ERROR, outcome.error or outcome.state))
        span.end(max(outcome.at * MS, at))

    def _stages(self, span: Span, record: ExchangeFacts, at: int) -> int:
        """The stages, end to end: a record says how long each took, not when it began. Returns where they end."""
        for spent in record.stages:
            self._child(span, spent.stage, at, at + spent.us * US)
            at += spent.us * US
        return at

    def _child(self, parent: Span, name: str, start: int, end: int) -> None:
        context = trace.set_span_in_context(parent)
        self._tracer.start_span(name, context=context, start_time=start).end(max(start, end))


def _facts(record: ExchangeFacts, outcome: OutcomeRecord | None) -> Iterator[tuple[str, Value]]:
    """What a span says; names of the OpenTelemetry conventions where there is one."""
    yield "dragoman.transfer", record.id
    yield "dragoman.application", record.application
    yield "dragoman.action", record.action
    yield "dragoman.door", record.door
    yield "dragoman.findings", sum(found.n for found in record.findings)
    yield "http.request.body.size", record.bytes_in
    named: tuple[tuple[str, Value | None], ...] = (
        ("gen_ai.provider.name", record.provider),
        ("gen_ai.operation.name", record.endpoint),
        ("gen_ai.request.model", record.model),
        ("server.address", record.host),
    )
    yield from ((name, value) for name, value in named if value is not None)
    if isinstance(record, BlockedRecord):
        yield "error.type", record.reason
        yield "http.response.status_code", record.status
    if outcome is None:
        return
    yield "dragoman.state", outcome.state
    counts: tuple[tuple[str, Value | None], ...] = (
        ("http.response.status_code", outcome.upstream_status),
        ("gen_ai.usage.input_tokens", outcome.tokens_in),
        ("gen_ai.usage.output_tokens", outcome.tokens_out),
    )
    yield from ((name, value) for name, value in counts if value is not None)
