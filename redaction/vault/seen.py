"""What this process has seen lately: scopes by reference, and placeholders by what they stand for.

A request whose values are all known costs no database access. Originals are held in memory, never longer than a
scope is trusted unseen; how much is held is bounded, the least recently used goes first. Safe between threads.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from redaction.vault.base import Item, ReplacedText, Scope
from redaction.vault.cipher import ScopeKeys

TRUSTED_S = 30.0  # a scope that another process shredded is used here no longer than this
MAX_TOKENS = 200_000  # about 60 MB; a place in a text that was replaced counts as one
MAX_PLACES = 20_000
"""Replaced places that are remembered of one scope; a longer conversation begins to remember anew."""
MAX_SCOPES = 20_000


@dataclass(slots=True)
class SeenScope:
    """A scope, its keys and its placeholders. checked: monotonic seconds when the database last knew it.

    texts: what became of its texts, by digest. places: how many places of them were replaced, and one for each text.
    """

    ref: str
    scope: Scope
    keys: ScopeKeys
    checked: float
    tokens: dict[Item, str] = field(default_factory=dict)
    persons: set[str] = field(default_factory=set)
    texts: dict[bytes, ReplacedText] = field(default_factory=dict)
    places: int = 0


class Seen:
    """The bounded memory. clock: monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._scopes: OrderedDict[str, SeenScope] = OrderedDict()
        self._refs: dict[str, str] = {}
        self._size = 0

    def by_ref(self, ref: str) -> SeenScope | None:
        """A scope that may be used without looking."""
        with self._lock:
            seen = self._scopes.get(self._refs.get(ref, ""))
            if seen is None or self._clock() - seen.checked > TRUSTED_S:
                return None
            self._scopes.move_to_end(seen.scope.id)
            return seen

    def by_id(self, scope_id: str) -> SeenScope | None:
        """A scope, trusted or not."""
        with self._lock:
            return self._scopes.get(scope_id)

    def checked(self, ref: str, scope: Scope, keys: ScopeKeys) -> SeenScope:
        """The database knows this scope right now."""
        with self._lock:
            seen = self._scopes.get(scope.id)
            if seen is None:
                seen = self._scopes[scope.id] = SeenScope(ref, scope, keys, self._clock())
            seen.checked = self._clock()
            if ref:
                self._refs[ref] = scope.id
                seen.ref = ref
            self._scopes.move_to_end(scope.id)
            self._trim()
            return seen

    def tokens(self, scope: Scope, items: Sequence[Item], persons: Sequence[str] = ()) -> list[str] | None:
        """All placeholders of these items, None if one or a person is not known or the scope needs a look."""
        with self._lock:
            seen = self._scopes.get(scope.id)
            if seen is None or self._clock() - seen.checked > TRUSTED_S or not seen.persons.issuperset(persons):
                return None
            known = seen.tokens
            found = [known.get(item) for item in items]
            return None if None in found else found  # type: ignore[return-value]

    def known(self, scope: Scope, items: Iterable[Item]) -> dict[Item, str]:
        """The placeholders of those items that are known."""
        with self._lock:
            seen = self._scopes.get(scope.id)
            if seen is None or self._clock() - seen.checked > TRUSTED_S:
                return {}
            return {item: seen.tokens[item] for item in items if item in seen.tokens}

    def concerns(self, scope: Scope, persons: Iterable[str]) -> bool:
        """Whether it is known that the scope concerns these persons."""
        with self._lock:
            seen = self._scopes.get(scope.id)
            return seen is not None and self._clock() - seen.checked <= TRUSTED_S and seen.persons.issuperset(persons)

    def remember(self, scope: Scope, pairs: Iterable[tuple[Item, str]], persons: Iterable[str] = ()) -> None:
        """Placeholders, and whom the scope concerns, as committed."""
        with self._lock:
            seen = self._scopes.get(scope.id)
            if seen is None:
                return
            seen.persons.update(persons)
            before = len(seen.tokens)
            seen.tokens.update(pairs)
            self._size += len(seen.tokens) - before
            self._trim()

    def texts(self, scope: Scope) -> Mapping[bytes, ReplacedText]:
        """What became of a scope's texts; nothing where the scope needs a look."""
        with self._lock:
            seen = self._scopes.get(scope.id)
            return {} if seen is None or self._clock() - seen.checked > TRUSTED_S else seen.texts

    def remember_texts(self, scope: Scope, texts: Mapping[bytes, ReplacedText]) -> None:
        """What became of some more; see `MAX_PLACES`."""
        new = sum(len(text.plan) + 1 for text in texts.values())
        with self._lock:
            seen = self._scopes.get(scope.id)
            if seen is None or new > MAX_PLACES:
                return
            if seen.places + new > MAX_PLACES:
                self._size -= seen.places
                seen.texts, seen.places = {}, 0
            # A text that is there already counts again: its entry may have been another.
            seen.texts.update(texts)
            seen.places += new
            self._size += new
            self._trim()

    def forget(self, scope_id: str) -> None:
        """A scope is no more."""
        with self._lock:
            self._drop(scope_id)

    def clear(self) -> None:
        """Everything."""
        with self._lock:
            self._scopes.clear()
            self._refs.clear()
            self._size = 0

    def _trim(self) -> None:
        while self._scopes and (self._size > MAX_TOKENS or len(self._scopes) > MAX_SCOPES):
            self._drop(next(iter(self._scopes)))

    def _drop(self, scope_id: str) -> None:
        seen = self._scopes.pop(scope_id, None)
        if seen is not None:
            self._size -= len(seen.tokens) + seen.places
            if self._refs.get(seen.ref) == scope_id:
                del self._refs[seen.ref]
