"""Messages of a WebSocket (RFC 6455): what one is, which may be sent, how many and how fast, and how a side ends.

The frames themselves are read and written by the doors' libraries; only whole messages come here. Pure.
"""

import re
from dataclasses import dataclass

from proxy.framing.events import Event, to_bytes
from proxy.messages import Headers

GOING_AWAY, POLICY, TOO_BIG, FAILED = 1001, 1008, 1009, 1011
"""Close codes of RFC 6455 section 7.4.1 that are ours to send."""
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")  # 16 bytes
REASON_BYTES = 123  # what is left of a control frame's 125 behind the code (section 5.5.1)


@dataclass(frozen=True, slots=True)
class Message:
    """One message. data: all its fragments. text: whether it came in text frames, so that it leaves in such."""

    data: bytes
    text: bool = True


@dataclass(frozen=True, slots=True)
class Close:
    """The end of a session. code: RFC 6455 section 7.4. reason: words of ours, never of the other side."""

    code: int
    reason: str = ""

    @property
    def payload_reason(self) -> str:
        """The reason, cut to what a close frame holds."""
        return self.reason.encode()[:REASON_BYTES].decode("utf-8", "ignore")


@dataclass(frozen=True, slots=True)
class MessageEvent(Event):
    """A message as an event of a stream; its raw bytes are the message."""

    def spelled(self, data: str) -> bytes:
        return to_bytes(data)


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Bounds of one session. message_bytes: of a message, all fragments, decompressed; OpenAI takes 15 MiB of audio.

    fragments: of one message. per_second, burst: messages of the client; speech is sent in 10 to 50 a second.
    lease_ms, lease_bytes: how long and how much of a medium passes under one record.
    """

    message_bytes: int = 24 * 1024 * 1024
    fragments: int = 4096
    per_second: float = 200.0
    burst: int = 1000
    lease_ms: int = 1000
    lease_bytes: int = 1024 * 1024


class Rate:
    """A token bucket: `burst` at once, `per_second` for ever."""

    def __init__(self, limits: SessionLimits, now_ms: int) -> None:
        self._limits = limits
        self._left = float(limits.burst)
        self._at = now_ms

    def take(self, now: int) -> bool:
        """Whether one more message is in time. now: in milliseconds."""
        gained = max(0, now - self._at) / 1000 * self._limits.per_second
        self._left, self._at = min(float(self._limits.burst), self._left + gained), now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def may_be_sent(code: int | None) -> int:
    """A close code that the other side may be told: those of section 7.4.1 that a frame may hold, else 1001.

    1005, 1006 and 1015 only say in one's own process that a code was missing.
    """
    if code is not None and (code in (1000, 1001, 1002, 1003) or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        return code
    return 1000 if code == 1005 else GOING_AWAY


def is_handshake(method: str, headers: Headers) -> bool:
    """Whether a request is a WebSocket handshake (section 4.2.1)."""
    if method != "GET":
        return False
    upgrade = [part.strip().lower() for value in headers.all("upgrade") for part in value.split(",")]
    connection = [part.strip().lower() for value in headers.all("connection") for part in value.split(",")]
    keys = headers.all("sec-websocket-key")
    return (
        upgrade == ["websocket"]
        and "upgrade" in connection
        and headers.all("sec-websocket-version") == ("13",)
        and len(keys) == 1
        and _KEY.fullmatch(keys[0]) is not None
    )
