"""One transfer's answer head: what is ours to say in it, and what of the provider's does not go on."""

import gzip
import threading
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest

from proxy.errors import FormatError
from proxy.exchange import Cleared, Exchange, State
from proxy.formats.base import Endpoint
from proxy.formats.openai_chat import FORMAT
from proxy.framing.coding import decoder
from proxy.messages import Headers, Origin, Outgoing
from proxy.running.offloading import OFFLOAD_BYTES, offloading
from proxy.steps.held import Watch
from redaction import tokens
from redaction.restore import Redactor, Restorable, Restorer, Words

NOTHING = Restorer(Restorable({}))
TOKEN = tokens.mint(bytes(32), "PERSON", "Anna")


def begun(restorer=NOTHING, **more) -> Exchange:
    exchange = Exchange("01ID", clock_ms=lambda: 0, decoder=decoder)
    exchange.advance(State.INSPECTED)
    outgoing = Outgoing(Origin("https", "h", 443), "POST", b"/", Headers(), b"")
    exchange.clear(Cleared(outgoing, FORMAT, Endpoint("openai_chat", "chat"), restorer, **more))
    exchange.sent()
    return exchange


def test_a_provider_cannot_say_what_only_we_say():
    exchange = begun()
    came = {"dragoman-transfer": "01OTHER", "Dragoman-Reason": "destination_stopped", "dragoman-receipt": "x", "a": "b"}
    head = exchange.answer(200, Headers(tuple((name.encode(), value.encode()) for name, value in came.items())))
    assert dict(head.fields) == {b"a": b"b", b"dragoman-transfer": b"01ID"}


def test_another_way_to_the_provider_is_not_told():
    head = begun().answer(200, Headers(((b"Alt-Svc", b'h3=":443"; ma=86400'), (b"a", b"b"))))
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


@pytest.mark.parametrize("sentences", [False, True], ids=["whole", "by sentences"])
async def test_a_large_answer_that_is_looked_at_is_read_apart_from_the_loop(
    sentences: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[str, bool]] = []
    made = type(FORMAT).reader

    def reader(self, endpoint, status, headers, restorer):
        one = made(self, endpoint, status, headers, restorer)
        feed, finish = one.feed, one.finish

        def noted(name, work):
            read.append((name, threading.current_thread() is threading.main_thread()))
            return work()

        monkeypatch.setattr(one, "feed", lambda data: noted("feed", lambda: feed(data)), raising=False)
        monkeypatch.setattr(one, "finish", lambda: noted("finish", finish), raising=False)
        return one

    monkeypatch.setattr(type(FORMAT), "reader", reader)

    async def nothing(texts):
        return [() for _ in texts]

    body = orjson.dumps({"choices": [{"message": {"content": f"Hello {TOKEN}.", "image": "A" * OFFLOAD_BYTES}}]})
    words = Words()
    restorer = Redactor(Restorer(Restorable({TOKEN: "Anna"})), words)
    with ThreadPoolExecutor(1) as threads:
        watch = Watch(nothing, words, sentences=sentences)
        exchange = begun(restorer=restorer, watch=watch, offload=offloading(threads))
        exchange.answer(200, Headers(((b"content-type", b"application/json"),)))
        passed = await exchange.take(body) + await exchange.end()
    assert passed == body.replace(TOKEN.encode(), b"Anna")
    assert sorted(read) == [("feed", False)] * 2 + [("finish", False)] * 2
