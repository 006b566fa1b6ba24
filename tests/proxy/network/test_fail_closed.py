"""Every way in which the engine fails open, played through a running door: the upstream must receive nothing.

One test for each row of the table that was measured on mitmproxy 12.2.3, and for each step of ours that can raise.
"""

import asyncio
import inspect
import logging

import httpx
import pytest
from mitmproxy.exceptions import AddonHalt, OptionsError

from proxy.doors.network.answers import Answer
from proxy.exchange import Ending

FAILURES = pytest.mark.parametrize(
    "failure",
    [RuntimeError("secret-in-the-text"), AddonHalt(), asyncio.CancelledError(), SystemExit(3), KeyError("Anna")],
    ids=["exception", "halt", "cancelled", "exit", "keyerror"],
)

pytestmark = pytest.mark.usefixtures("no_text_in_logs")


def engine_of(running):
    return running.door._master


def put_first(running, addon):
    """Before ours, where the engine would let it speak first."""
    chain = engine_of(running).addons.chain
    chain.insert(0, engine_of(running).addons.register(addon))


async def ask(running, upstream, *, http2=False):
    async with running.client(http2=http2) as client:
        return await client.post(f"https://api.example:{upstream.port}/", content=b"for Anna")


# --- our own hooks raise -------------------------------------------------------------------------------------------


@FAILURES
async def test_a_gate_that_raises_refuses(running, gate, upstream, failure):
    gate.fail["admit"] = failure
    answer = await ask(running, upstream)
    assert (answer.status_code, answer.headers["dragoman-reason"]) == (503, "failed_closed")
    assert answer.json()["error"]["code"] == "failed_closed"
    assert upstream.connections == 0
    assert running.door.counts["failed:request"] == 1
    assert ("network_failed", "request") in running.observed


@FAILURES
async def test_a_gate_that_cannot_screen_a_host_refuses_the_connection(running, gate, upstream, failure):
    gate.fail["screen_host"] = failure
    with pytest.raises(httpx.ProxyError, match="503"):
        await ask(running, upstream)
    assert upstream.connections == 0
    assert running.door.counts["failed:http_connect"] == 1


@FAILURES
async def test_a_step_that_fails_at_the_last_moment_sends_nothing(running, gate, upstream, failure):
    """The connection stands, the ledger would have to be told, and it cannot be."""
    gate.fail["sent"] = failure
    answer = await ask(running, upstream)
    assert (answer.status_code, answer.json()) == (503, {"provider_error": "failed_closed"})
    assert upstream.received == b""
    assert await gate.outcome() is Ending.NOT_SENT


@FAILURES
async def test_a_host_that_may_pass_is_closed_if_that_cannot_be_recorded(running, gate, upstream, failure):
    gate.open_hosts, gate.pass_hosts = set(), {"api.example"}
    gate.fail["passed"] = failure
    with pytest.raises(httpx.ProxyError, match="503"):
        await ask(running, upstream)
    assert upstream.connections == 0


@FAILURES
async def test_a_refusal_that_fails_is_a_refusal_all_the_same(running, gate, upstream, failure):
    gate.open_hosts, gate.fail["refuse"] = set(), failure
    with pytest.raises(httpx.ProxyError, match=r"403|503"):
        await ask(running, upstream)
    assert upstream.connections == 0


async def test_an_outcome_that_cannot_be_written_is_counted_and_the_answer_is_given(running, gate, upstream):
    gate.fail["close"] = RuntimeError("secret-in-the-text")
    assert (await ask(running, upstream)).content == b"for Anna"
    await running.door.drain(5)
    assert running.door.counts["failed:outcome"] == 1


async def test_a_request_that_cannot_be_made_what_was_allowed_is_not_sent(running, gate, upstream, monkeypatch):
    monkeypatch.setattr("proxy.doors.network.hooks.put", _raise)
    answer = await ask(running, upstream)
    assert answer.status_code == 503
    assert upstream.connections == 0
    assert await gate.outcome() is Ending.NOT_SENT


# --- hooks are skipped or go behind our back -----------------------------------------------------------------------


async def test_a_halt_before_our_hook_sends_nothing(running, gate, upstream):
    class Halting:
        def request(self, _flow):
            raise AddonHalt

    put_first(running, Halting())
    answer = await ask(running, upstream)
    assert (answer.status_code, answer.json()) == (503, {"provider_error": "failed_closed"})
    assert upstream.connections == 0
    assert not gate.admitted
    assert running.door.counts["failed:not_cleared"] == 1


async def test_even_without_any_hook_of_ours_nothing_is_sent_and_the_answer_is_ours(running, upstream):
    class Halting:
        def request(self, _flow):
            raise AddonHalt

        def error(self, _flow):
            raise AddonHalt

    put_first(running, Halting())
    answer = await ask(running, upstream)
    assert answer.headers["dragoman-reason"] == "upstream_unreachable"
    assert b"mitm" not in answer.content.lower()
    assert upstream.connections == 0


@pytest.mark.parametrize("hook", ["requestheaders", "request", "responseheaders", "response"])
async def test_another_addon_that_raises_changes_nothing(running, upstream, hook):
    class Raising:
        pass

    addon = Raising()
    setattr(addon, hook, lambda _flow: _raise())
    put_first(running, addon)
    assert (await ask(running, upstream)).content == b"for Anna"
    assert upstream.calls[0].body == b"for [PERSON_1]"
    assert running.door.counts["engine:error"] == 1


@pytest.mark.parametrize("change", ["body", "path", "host", "headers", "trailers"])
async def test_a_request_that_was_changed_after_the_gate_is_not_sent(running, upstream, change):
    class Changing:
        def request(self, flow):
            if change == "body":
                flow.request.content = b"for Anna"
            elif change == "path":
                flow.request.path = "/?q=Anna"
            elif change == "host":
                flow.request.host = "other.example"
            elif change == "headers":
                flow.request.headers["x-name"] = "Anna"
            else:
                flow.request.trailers = flow.request.headers.copy()

    engine_of(running).addons.add(Changing())
    assert (await ask(running, upstream)).status_code == 503
    assert upstream.connections == 0


async def test_a_request_that_is_streamed_past_the_gate_is_not_sent(running, upstream):
    """What `stream_large_bodies` does to a flow: the upstream is contacted before `request` is called."""

    class Streaming:
        def requestheaders(self, flow):
            flow.request.stream = True

    put_first(running, Streaming())
    assert (await ask(running, upstream)).status_code == 503
    assert upstream.connections == 0


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("stream_large_bodies", "1k"),
        ("ssl_insecure", True),
        ("ignore_hosts", ["api"]),
        ("connection_strategy", "eager"),
    ],
)
async def test_options_that_open_the_door_cannot_be_set_while_it_runs(running, upstream, option, value):
    with pytest.raises(OptionsError):
        engine_of(running).options.update(**{option: value})
    assert getattr(engine_of(running).options, option) != value
    assert (await ask(running, upstream)).content == b"for Anna"


@pytest.mark.parametrize("skipped", [("responseheaders",), ("response",), ("responseheaders", "response", "error")])
@pytest.mark.parametrize("streamed", [False, True])
async def test_an_answer_is_restored_although_hooks_are_skipped(running, upstream, skipped, streamed):
    class Halting:
        pass

    def halt(_flow):
        raise AddonHalt

    addon = Halting()
    for hook in skipped:
        setattr(addon, hook, halt)
    put_first(running, addon)

    async def stream(call):
        await call.begin_stream()
        await call.event(b"[PERSON_1]")
        await call.end_stream()

    if streamed:
        upstream.respond = stream
    answer = await ask(running, upstream)
    assert answer.content == (b"data: Anna\n\n" if streamed else b"for Anna")


async def test_an_answer_that_another_addon_takes_out_of_the_stream_is_still_restored(running, upstream):
    class Buffering:
        def responseheaders(self, flow):
            flow.response.stream = False

    engine_of(running).addons.add(Buffering())

    async def stream(call):
        await call.begin_stream()
        await call.event(b"[PERSON_1]")
        await call.end_stream()

    upstream.respond = stream
    assert (await ask(running, upstream)).content == b"data: Anna\n\n"


def test_the_engine_is_given_a_callable_that_it_can_call():
    """An async one would never be awaited, and the client would wait for ever."""
    assert not inspect.iscoroutinefunction(Answer.__call__)


# --- the engine itself fails ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("http2", [False, True])
async def test_a_crash_in_a_layer_ends_the_connection_instead_of_leaving_it_open(
    running, gate, upstream, http2, monkeypatch
):
    monkeypatch.setattr("proxy.doors.network.layers.Answer", _raise)
    with pytest.raises(httpx.RemoteProtocolError):
        await ask(running, upstream, http2=http2)
    assert await gate.outcome() is Ending.CLIENT_GONE
    assert running.door.counts["engine:error"] >= 1


async def test_the_engines_log_is_counted_and_says_nothing_of_a_request(running, caplog):
    reader, writer = await running.connect()
    writer.write(b"GET http://api.example/?q=Anna HTTP/1.1\r\nX: Anna")
    writer.write_eof()
    await reader.read()
    logging.getLogger("mitmproxy.proxy.server").error("about Anna: %s", "secret-in-the-text")
    assert running.door.counts["engine:error"] == 1
    assert "network engine: error at" in caplog.text
    writer.close()


def _raise(*_args, **_kwargs):
    raise RuntimeError("secret-in-the-text Anna")
