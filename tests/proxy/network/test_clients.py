"""The time that a head may take, by a clock of the test's own; over sockets it is in `integration/test_faults`."""

from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.connection import Client, ConnectionState
from mitmproxy.options import Options
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import ResponseEndOfMessage, ResponseHeaders

from proxy.doors.network.clients import GuardedHttp1

HEAD = b"GET / HTTP/1.1\r\nHost: api.example\r\n\r\n"


class Connection:
    """A client's side of HTTP/1 with its clock. timers: those that it asked for and that have not rung."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr("proxy.doors.network.clients.time.monotonic", lambda: self.now)
        client = Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2), state=ConnectionState.OPEN)
        self._layer = GuardedHttp1(Context(client, Options()), lambda _event: None, 65_536, 20.0)
        self._client = client
        self.timers: list[tuple[float, commands.RequestWakeup]] = []
        self.closed, self.heads = False, 0
        self._give(events.Start())

    def _give(self, event: Any) -> None:
        for command in self._layer.handle_event(event):
            if isinstance(command, commands.RequestWakeup):
                self.timers.append((self.now + command.delay, command))
            self.closed |= isinstance(command, commands.CloseConnection)
            self.heads += isinstance(command, ReceiveHttp) and hasattr(command.event, "request")

    def sends(self, data: bytes) -> None:
        self._give(events.DataReceived(self._client, data))

    def is_answered(self, stream_id: int) -> None:
        self._give(ResponseHeaders(stream_id, http.Response.make(204), end_stream=True))
        self._give(ResponseEndOfMessage(stream_id))

    def leaves(self) -> None:
        self._client.state = ConnectionState.CAN_WRITE
        self._give(events.ConnectionClosed(self._client))

    def wait(self, seconds: float) -> None:
        """Time passes, and the timers ring when they should."""
        until = self.now + seconds
        while due := [timer for timer in self.timers if timer[0] <= until]:
            at, command = min(due, key=lambda timer: timer[0])
            self.timers.remove((at, command))
            self.now = at
            self._give(events.Wakeup(command))
        self.now = until


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Connection:
    return Connection(monkeypatch)


def test_a_head_that_comes_whole_needs_no_timer(client: Connection) -> None:
    client.sends(HEAD)
    assert (client.heads, client.timers, client.closed) == (1, [], False)


def test_a_head_that_is_not_whole_in_time_ends_the_connection(client: Connection) -> None:
    for byte in HEAD[:19]:
        client.sends(bytes([byte]))
        client.wait(1)
    assert (client.closed, len(client.timers)) == (False, 1)
    client.wait(1)
    assert (client.closed, client.timers, client.heads) == (True, [], 0)
    client.sends(HEAD[19:])
    assert client.heads == 0


def test_each_head_has_its_own_time_and_one_timer_is_enough(client: Connection) -> None:
    for turn in range(20):
        client.sends(HEAD[:10])
        client.wait(15)
        assert len(client.timers) == 1
        client.sends(HEAD[10:])
        assert (client.heads, client.closed) == (turn + 1, False)
        client.is_answered(2 * turn + 1)
    client.sends(HEAD[:10])
    client.wait(19.9)
    assert not client.closed
    client.wait(0.2)
    assert client.closed


def test_an_idle_connection_and_a_slow_answer_are_not_cut(client: Connection) -> None:
    client.sends(HEAD[:10])
    client.sends(HEAD[10:])
    client.wait(500)
    client.is_answered(1)
    client.wait(500)
    assert (client.closed, client.timers) == (False, [])


def test_the_next_request_that_came_early_has_its_time_from_the_answer_on(client: Connection) -> None:
    client.sends(HEAD + HEAD[:10])
    client.wait(500)
    client.is_answered(1)
    client.wait(19)
    assert not client.closed
    client.wait(2)
    assert client.closed


def test_a_client_that_leaves_in_the_middle_of_a_head_leaves_no_timer_behind(client: Connection) -> None:
    client.sends(HEAD[:10])
    client.leaves()
    client.wait(30)
    assert (client.closed, client.timers) == (True, [])
