"""Persons that somebody asked about a moment ago, so that a list of their transfers can go on without the identifier.

What is kept is the log's references, in memory alone, for the token that asked, under a name that nobody can guess.
"""

import secrets
import threading
from collections import OrderedDict

from proxy.console.access import Visitor
from proxy.console.questions import NotFoundError

MOST = 500
"""Persons that are remembered; the one that was asked about longest ago goes first."""


class Sought:
    """Safe between threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[str, tuple[str, ...]]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, visitor: Visitor, refs: tuple[str, ...]) -> str:
        """The name under which this visitor finds them again."""
        name = secrets.token_urlsafe(24)
        with self._lock:
            self._known[name] = visitor.token.id, refs
            if len(self._known) > MOST:
                self._known.popitem(last=False)
        return name

    def find(self, visitor: Visitor, name: str) -> tuple[str, ...]:
        """The references of a name. Raises NotFoundError, also for another visitor's."""
        with self._lock:
            token, refs = self._known.get(name, ("", ()))
        if token != visitor.token.id:
            raise NotFoundError("nobody was asked about under this name, or it is too long ago; ask again")
        return refs
