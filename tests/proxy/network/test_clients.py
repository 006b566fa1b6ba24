"""The time that heads and bodies may take, by a clock of the test's own; over sockets it is in
`integration/test_slow_clients`."""

from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest
from mitmproxy import http
from mitmproxy.connection import Client, ConnectionState
from mitmproxy.options import Options
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    RequestEndOfMessage,
    RequestHeaders,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
)

from proxy.doors.network.clients import ClientLimits, GuardedHttp1, GuardedHttp2, RequestTooSlow
from proxy.doors.network.translate import plain_reply
from proxy.messages import Refusal

HEAD = b"GET / HTTP/1.1\r\nHost: api.example\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: api.example\r\nContent-Length: 100000\r\n\r\n"
REFUSED = plain_reply(Refusal(408, "body_too_slow", "too slow"))


class Connection:
    """A client's side of HTTP with its clock. timers: those that it asked for and that have not rung.

    heads, ends: requests that began, and that came to their end. slow: streams whose bodies were too slow. told: how
    often a head was.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kind: type[GuardedHttp1 | GuardedHttp2] = GuardedHttp1) -> None:
        self.now = 100.0
        monkeypatch.setattr("proxy.doors.network.clients.time.monotonic", lambda: self.now)
        client = Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2), state=ConnectionState.OPEN)
        self.told = 0
        options = Options()
        options.add_option("validate_inbound_headers", bool, True, "an addon of the engine brings it")
        self._layer = kind(Context(client, options), lambda _event: REFUSED, ClientLimits(65_536, 20.0), self._tell)
        self._client = client
        self.timers: list[tuple[float, commands.RequestWakeup]] = []
        self.closed, self.heads, self.ends = False, 0, 0
        self.slow: list[int] = []
        self.sent = b""
        self._give(events.Start())

    def _tell(self) -> None:
        self.told += 1

    def _give(self, event: Any) -> None:
        for command in self._layer.handle_event(event):
            if isinstance(command, commands.RequestWakeup):
                self.timers.append((self.now + command.delay, command))
            elif isinstance(command, commands.SendData):
                self.sent += command.data
            elif isinstance(command, ReceiveHttp):
                self.heads += isinstance(command.event, RequestHeaders)
                self.ends += isinstance(command.event, RequestEndOfMessage)
                if isinstance(command.event, RequestTooSlow):
                    self.slow.append(command.event.stream_id)
            self.closed |= isinstance(command, commands.CloseConnection)

    def is_refused(self, stream_id: int) -> None:
        self._give(ResponseProtocolError(stream_id, "too slow", ErrorCode.REQUEST_TOO_LARGE))

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


# --- bodies -----------------------------------------------------------------------------------------------------------


def test_a_body_has_a_second_more_for_each_kib_and_is_then_refused(client: Connection) -> None:
    client.sends(POST)
    for _ in range(30):
        client.wait(1)
        client.sends(b"x" * 2048)
    assert (client.slow, client.closed, len(client.timers)) == ([], False, 1)
    client.wait(20 + 60 - 30 - 1)
    assert client.slow == []
    client.wait(2)
    assert client.slow == [1]
    client.sends(b"x")
    client.wait(1000)
    assert client.slow == [1]  # said once; the stream answers


def test_what_comes_after_the_refusal_is_dropped_for_a_while_and_the_connection_ends(client: Connection) -> None:
    client.sends(POST)
    client.wait(21)
    client.is_refused(1)
    assert client.sent.startswith(b"HTTP/1.1 408 ")
    client.sends(b"x" * 1024)
    client.wait(20.5)
    assert not client.closed
    client.wait(1)
    assert (client.closed, client.told) == (True, 0)


def test_a_body_that_came_in_time_leaves_no_limit_for_the_answer(client: Connection) -> None:
    client.sends(POST)
    client.sends(b"x" * 50_000)
    client.wait(19)
    client.sends(b"x" * 50_000)
    client.wait(1000)
    assert (client.ends, client.slow, client.closed, client.timers) == (1, [], False, [])


# --- HTTP/2 -----------------------------------------------------------------------------------------------------------


class Http2:
    """A client of h2, and the connection that hears it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.connection = Connection(monkeypatch, GuardedHttp2)
        self.client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self.client.initiate_connection()
        self.flush()
        self.flush()  # its word on what was set here

    def flush(self) -> None:
        """What it has to say is heard, and what was said to it as well."""
        self.connection.sends(self.client.data_to_send())
        self.client.receive_data(self.connection.sent)
        self.connection.sent = b""

    def head(self, stream: int, *, method: str = "POST", end: bool = False) -> bytes:
        """The bytes of a request's head, not said yet."""
        names = [(":method", method), (":scheme", "https"), (":authority", "api.example:443"), (":path", "/")]
        self.client.send_headers(stream, names, end_stream=end)
        data: bytes = self.client.data_to_send()
        return data


@pytest.fixture
def over_http2(monkeypatch: pytest.MonkeyPatch) -> Http2:
    return Http2(monkeypatch)


def test_a_frame_that_does_not_come_to_its_end_ends_the_connection(over_http2: Http2) -> None:
    it = over_http2.connection
    for byte in over_http2.head(1)[:19]:
        it.sends(bytes([byte]))
        it.wait(1)
    assert (it.closed, it.told, len(it.timers)) == (False, 0, 1)
    it.wait(1.5)
    assert (it.closed, it.told, it.heads) == (True, 1, 0)
    ended = over_http2.client.receive_data(it.sent)
    assert [type(one) for one in ended] == [h2.events.ConnectionTerminated]


def test_a_preface_that_does_not_come_to_its_end_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    it = Connection(monkeypatch, GuardedHttp2)
    it.sends(b"PRI * HTTP/2.0")
    it.wait(21)
    assert (it.closed, it.told) == (True, 1)


def test_frames_that_are_whole_in_time_and_an_idle_connection_are_not_cut(over_http2: Http2) -> None:
    it = over_http2.connection
    for stream in range(1, 40, 2):
        head = over_http2.head(stream, end=True)
        it.sends(head[:5])
        it.wait(15)
        assert len(it.timers) == 1
        it.sends(head[5:])
    it.wait(1000)
    assert (it.heads, it.ends, it.closed, it.timers, it.slow) == (20, 20, False, [], [])


def test_bodies_over_http2_have_each_its_own_time(over_http2: Http2) -> None:
    it, client = over_http2.connection, over_http2.client
    it.sends(over_http2.head(1))
    it.wait(10)
    it.sends(over_http2.head(3))
    for _ in range(5):
        client.send_data(3, b"x" * 1024)
        over_http2.flush()
    it.wait(9)
    assert it.slow == []
    it.wait(2)
    assert it.slow == [1]
    it.wait(13)  # 34 s: the other began at 10 and has five seconds more
    assert it.slow == [1]
    client.end_stream(3)
    over_http2.flush()
    it.wait(1000)
    assert (it.slow, it.ends, it.closed, it.told, it.timers) == ([1], 1, False, 0, [])


def test_a_body_that_is_refused_gets_its_answer_and_the_others_go_on(over_http2: Http2) -> None:
    it, client = over_http2.connection, over_http2.client
    it.sends(over_http2.head(1))
    it.wait(21)
    it.is_refused(1)
    got = client.receive_data(it.sent)
    it.sent = b""
    answers = [one for one in got if isinstance(one, h2.events.ResponseReceived)]
    assert [dict(one.headers)[b":status"] for one in answers] == [b"408"]
    assert [one.error_code for one in got if isinstance(one, h2.events.StreamReset)] == [0]
    it.sends(over_http2.head(3, end=True))
    assert (it.heads, it.ends, it.closed) == (2, 1, False)


def test_a_tunnel_over_http2_lasts_as_long_as_somebody_uses_it(over_http2: Http2) -> None:
    it = over_http2.connection
    it.sends(over_http2.head(1, method="CONNECT"))
    it.wait(1000)
    assert (it.heads, it.slow, it.timers) == (1, [], [])
