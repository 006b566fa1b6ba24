"""One transfer's answer head: what is ours to say in it, and what of the provider's does not go on."""

import gzip

import pytest

from proxy.errors import FormatError
from proxy.exchange import Cleared, Exchange, State
from proxy.formats.base import Endpoint
from proxy.formats.openai_chat import FORMAT
from proxy.framing.coding import decoder
from proxy.messages import Headers, Origin, Outgoing
from redaction.restore import Restorable, Restorer


def begun() -> Exchange:
    exchange = Exchange("01ID", clock_ms=lambda: 0, decoder=decoder)
    exchange.advance(State.INSPECTED)
    outgoing = Outgoing(Origin("https", "h", 443), "POST", b"/", Headers(), b"")
    exchange.clear(Cleared(outgoing, FORMAT, Endpoint("openai_chat", "chat"), Restorer(Restorable({}))))
    exchange.sent()
    return exchange


def test_a_provider_cannot_say_what_only_we_say():
    exchange = begun()
    came = {"dragoman-transfer": "01OTHER", "Dragoman-Reason": "destination_stopped", "dragoman-receipt": "x", "a": "b"}
    head = exchange.answer(200, Headers(tuple((name.encode(), value.encode()) for name, value in came.items())))
    assert dict(head.fields) == {b"a": b"b", b"dragoman-transfer": b"01ID"}


@pytest.mark.parametrize(
    ("coding", "body"),
    [("made-up", b"{}"), ("gzip", b"{}"), ("gzip", gzip.compress(b"{}", mtime=0)[:-6])],
    ids=["unknown", "no gzip", "cut off"],
)
def test_a_coding_that_cannot_be_read_is_the_providers_fault(coding, body):
    exchange = begun()
    with pytest.raises(FormatError) as caught:
        exchange.answer(200, Headers(((b"content-encoding", coding.encode()),)))
        for piece in exchange.unpacked(body):
            exchange.feed(piece)
        exchange.finish()
    assert (caught.value.code, caught.value.status) == ("upstream_unreadable", 502)
