"""Sessions of the pages: in memory, ended by idleness, by age, by signing out, and with their token.

A cookie holds 256 random bits; only their digest is kept, beside the digest of the token that opened the session.
"""

import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from proxy.console.access import Visitor
from proxy.control.tokens import digest

MOST = 1_000
"""Sessions at the same time; the one that was used longest ago ends first."""


@dataclass(slots=True)
class Session:
    """One signed-in browser. token: digest of its token. visitor: whom a provider named. form: what its forms carry."""

    token: bytes
    form: str
    opened: float
    used: float
    visitor: Visitor | None = None

    def sent(self, form: str) -> bool:
        """Whether a form came from a page of this session."""
        return hmac.compare_digest(self.form.encode(), form.encode("utf-8", "surrogatepass"))


class Sessions:
    """idle_s, longest_s: after how many seconds without a request, and altogether, a session ends."""

    def __init__(self, idle_s: float, longest_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._idle_s, self._longest_s, self._clock = idle_s, longest_s, clock
        self._sessions: dict[bytes, Session] = {}
        self._lock = threading.Lock()

    def open(self, token: str, visitor: Visitor | None = None) -> str:
        """A new session; returns what its cookie holds. visitor: whom a provider named, instead."""
        cookie, now = secrets.token_urlsafe(32), self._clock()
        with self._lock:
            if len(self._sessions) >= MOST:
                del self._sessions[min(self._sessions, key=lambda one: self._sessions[one].used)]
            self._sessions[digest(cookie)] = Session(digest(token), secrets.token_urlsafe(32), now, now, visitor)
        return cookie

    def find(self, cookie: str) -> Session | None:
        """The session of a cookie, which counts as used; None where it has ended."""
        found = self.peek(cookie)
        if found is not None:
            found.used = self._clock()
        return found

    def peek(self, cookie: str) -> Session | None:
        """The same, not counted as use: for what a page asks by itself while nobody touches it."""
        now, key = self._clock(), digest(cookie)
        with self._lock:
            found = self._sessions.get(key)
            if found is None:
                return None
            if now - found.used >= self._idle_s or now - found.opened >= self._longest_s:
                del self._sessions[key]
                return None
            return found

    def close(self, cookie: str) -> None:
        """Ends a session."""
        with self._lock:
            self._sessions.pop(digest(cookie), None)
