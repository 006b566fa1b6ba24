"""What the engine does less here: hooks that nobody listens to, and two writes where one says the same."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy.proxy import commands
from mitmproxy.proxy.layers.http._hooks import HttpRequestHook, HttpResponseHeadersHook
from mitmproxy.test import tflow, tutils

from proxy.doors.network import connections
from proxy.doors.network.connections import JOINED_BYTES, LeanConnection, joined, spared

CLIENT, SERVER = tflow.tclient_conn(), tflow.tserver_conn()


def sends() -> st.SearchStrategy[list[tuple[str, bytes]]]:
    data = st.binary(max_size=40) | st.integers(JOINED_BYTES, JOINED_BYTES + 1).map(bytes)
    return st.lists(st.tuples(st.sampled_from(["client", "server", "close"]), data), max_size=12)


def made(steps: list[tuple[str, bytes]]) -> list[commands.Command]:
    to = {"client": CLIENT, "server": SERVER}
    return [
        commands.SendData(to[where], data) if where in to else commands.CloseConnection(SERVER) for where, data in steps
    ]


def flat(found: list[commands.Command]) -> list[tuple[Any, bytes | None]]:
    """What each connection gets, byte by byte, and what happens between."""
    told: list[tuple[Any, bytes | None]] = []
    for command in found:
        if not isinstance(command, commands.SendData):
            told.append((command, None))
        elif told and told[-1][0] is command.connection:
            told[-1] = (command.connection, (told[-1][1] or b"") + command.data)
        else:
            told.append((command.connection, command.data))
    return told


@given(sends())
def test_joined_pieces_say_the_same_in_the_same_order(steps: list[tuple[str, bytes]]) -> None:
    given_to = made(steps)
    before = flat(given_to)
    after = list(joined(iter(given_to)))
    assert flat(after) == before
    for one, other in pairwise(after):
        if isinstance(one, commands.SendData) and isinstance(other, commands.SendData):
            assert one.connection is not other.connection or max(len(one.data), len(other.data)) > JOINED_BYTES


def test_what_was_held_back_when_a_layer_raises_is_not_written() -> None:
    def raising() -> Iterator[commands.Command]:
        yield commands.SendData(SERVER, b"half")
        raise RuntimeError

    seen = []
    with pytest.raises(RuntimeError):
        for command in joined(raising()):
            seen.append(command)
    assert seen == []


def test_hooks_that_nobody_listens_to_are_answered_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "listened", lambda name: name == "request")
    flow, replies = tflow.tflow(req=tutils.treq()), []
    other = commands.CloseConnection(SERVER)

    def layer() -> Any:
        for command in (HttpResponseHeadersHook(flow), HttpRequestHook(flow), other):
            replies.append((yield command))

    spare, seen = spared(layer()), []
    reply = None
    while True:
        try:
            seen.append(spare.send(reply))
        except StopIteration:
            break
        reply = f"to {type(seen[-1]).__name__}"
    assert [type(command) for command in seen] == [HttpRequestHook, commands.CloseConnection]
    assert replies == [None, "to HttpRequestHook", "to CloseConnection"]


async def test_the_engine_makes_connections_of_ours(running, upstream):
    """It makes them by a name in one of its modules: another version of it may not."""
    async with running.client() as client:
        assert (await client.post(f"https://api.example:{upstream.port}/", content=b"for Anna")).content == b"for Anna"
        kinds = {type(one) for one in running.door._proxyserver.connections.values()}
        assert kinds == {LeanConnection}


async def test_an_addon_that_comes_later_is_told_as_well(running, upstream):
    told: list[str] = []

    class Listening:
        def requestheaders(self, _flow):
            told.append("requestheaders")

        async def responseheaders(self, _flow):
            told.append("responseheaders")

        def response(self, _flow):
            told.append("response")

    running.door._master.addons.add(Listening())
    async with running.client() as client:
        await client.post(f"https://api.example:{upstream.port}/", content=b"for Anna")
    assert told == ["requestheaders", "responseheaders", "response"]


async def test_a_request_and_its_answer_are_written_at_once(running, upstream, monkeypatch):
    written: list[bytes] = []

    async with running.client() as client:
        url = f"https://api.example:{upstream.port}/"
        await client.post(url, content=b"for Anna")
        handler = next(iter(running.door._proxyserver.connections.values()))
        for io in handler.transports.values():
            real = io.writer.write
            monkeypatch.setattr(io.writer, "write", lambda data, real=real: (written.append(data), real(data)))
        await client.post(url, content=b"for Anna")
    # In TLS: one record for the request, and one for the answer.
    assert len(written) == 2
