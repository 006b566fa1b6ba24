"""Pseudonyms for people and sessions: what the log holds instead of an identifier.

An identifier enters here and goes no further: it is hashed under the index key to find its row, and the row's own
random key gives the reference. Destroying the row makes the reference mean nothing, to us as to anybody else.
A reference is still personal data for whoever holds the index key and the row; docs/audit-record.md says so.
"""

import base64
import hashlib
import hmac
import re
import secrets
import threading
import time
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import sqlalchemy as sa

from audit.errors import SigningKeyError
from audit.fields import MARKED
from audit.ids import now_ms
from audit.signing import read_secret, write_secret
from audit.store import Store
from audit.tables import reference, tree

KEY_BYTES = 32
REMEMBERED = 50_000
FRESH_S = 2.0
"""How long a reference is taken from memory: an erasure by another process acts within this time."""
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]*", re.ASCII).fullmatch
# A model may be called after its version and its day, `gpt-4.1-2025-04-14`: ten digits with signs between.
_MANY_DIGITS = re.compile(r"[0-9]{9}|(?:[0-9][._:/-]?){11}").search
_HAS_LETTER = re.compile(r"[A-Za-z]").search


class Space(StrEnum):
    """What an identifier names; the same text in two spaces has unrelated references."""

    SUBJECT = "subject"
    SESSION = "session"
    ACTOR = "actor"


@dataclass(frozen=True, slots=True)
class NewReference:
    """A reference that is not in the database yet."""

    lookup: bytes
    ref: str
    key: bytes
    space: Space

    def row(self) -> dict[str, str | bytes | int]:
        """As the table holds it. Two processes may each have made one for the same person: both stay."""
        return {"lookup": self.lookup, "ref": self.ref, "key": self.key, "space": str(self.space), "created": now_ms()}


class References:
    """The references of one ledger. Safe to use from several threads; never blocks on the writer."""

    def __init__(self, store: Store, index_key: bytes) -> None:
        self._store, self._index_key = store, index_key
        self._lock = threading.Lock()
        self._remembered: dict[bytes, tuple[str, float]] = {}
        self._pending: dict[bytes, NewReference] = {}
        self._adopted: dict[str, NewReference] = {}

    def subject(self, identifier: str) -> str:
        """The reference of a person: 22 characters."""
        return self._resolve(Space.SUBJECT, identifier)

    def session(self, identifier: str) -> str:
        """The reference of a session."""
        return self._resolve(Space.SESSION, identifier)

    def actor(self, identifier: str) -> str:
        """The reference of somebody who acts on or looks into the log."""
        return self._resolve(Space.ACTOR, identifier)

    def made(self, identifiers: Sequence[str]) -> list[str]:
        """New references of many persons of whom there is none yet; stored with the next commit."""
        new = []
        for identifier in identifiers:
            key = secrets.token_bytes(KEY_BYTES)
            lookup = self._hash(Space.SUBJECT, identifier)
            new.append(NewReference(lookup, _reference(key, Space.SUBJECT), key, Space.SUBJECT))
        self.adopt(new)
        return [one.ref for one in new]

    def marked(self, name: str) -> str:
        """A name that came over the network, for a record: itself where it is plain, else `~` and a keyed digest.

        Plain is a name of at most 96 letters, digits and . _ : / - with a letter, without a run of nine digits or of
        eleven with signs between, so that addresses, numbers however written and anything with a space do not pass.
        """
        if len(name) <= MARKED.longest and _PLAIN(name) and _HAS_LETTER(name) and _MANY_DIGITS(name) is None:
            return name
        return "~" + self._hash("name", name).hex()[:16]

    def known(self, space: Space, identifier: str) -> tuple[str, ...]:
        """Every reference that identifier has in the database, without making one."""
        lookup = self._hash(space, identifier)
        with self._store.read() as connection:
            rows = sa.select(reference.c.ref).where(reference.c.lookup == lookup).order_by(reference.c.created)
            return tuple(connection.execute(rows).scalars())

    def destroy(self, refs: Sequence[str]) -> int:
        """Destroys the keys of references, durably; returns how many there were."""
        with self._store.write() as connection:
            gone = connection.execute(sa.delete(reference).where(reference.c.ref.in_(refs))).rowcount
            connection.execute(sa.update(tree).values(erasures=tree.c.erasures + 1))
        self._store.forget_freed_pages()
        self.forget()
        return gone

    def forget(self) -> None:
        """Drops what is remembered; called when another process has destroyed references."""
        with self._lock:
            self._remembered.clear()

    def take_pending(self) -> tuple[NewReference, ...]:
        """The references that are not in the database yet; for the writer, which calls `stored` after its commit."""
        with self._lock:
            return (*self._pending.values(), *self._adopted.values())

    def adopt(self, references: Iterable[NewReference]) -> None:
        """Takes references that another process made, to be stored with the next commit."""
        with self._lock:
            self._adopted.update((new.ref, new) for new in references)

    def stored(self, references: Iterable[NewReference]) -> None:
        """Says that these are in the database now."""
        now = time.monotonic()
        with self._lock:
            for new in references:
                self._adopted.pop(new.ref, None)
                if self._pending.pop(new.lookup, None) is not None:
                    self._remember(new.lookup, new.ref, now)

    def look_up_pending(self) -> None:
        """After a commit of which nobody knows: finds out which of these are in the database already."""
        pending = self.take_pending()
        with self._store.read() as connection:
            rows = sa.select(reference.c.ref).where(reference.c.ref.in_([one.ref for one in pending]))
            there = set(connection.execute(rows).scalars())
        self.stored([one for one in pending if one.ref in there])

    def _resolve(self, space: Space, identifier: str) -> str:
        lookup = self._hash(space, identifier)
        now = time.monotonic()
        with self._lock:
            if lookup in self._pending:
                return self._pending[lookup].ref
            ref, since = self._remembered.get(lookup, ("", 0.0))
            if ref and now - since < FRESH_S:
                return ref
        ref = self._stored_ref(lookup)
        with self._lock:
            if ref:
                self._remember(lookup, ref, now)
                return ref
            if lookup not in self._pending:
                key = secrets.token_bytes(KEY_BYTES)
                self._pending[lookup] = NewReference(lookup, _reference(key, space), key, space)
            return self._pending[lookup].ref

    def _remember(self, lookup: bytes, ref: str, now: float) -> None:
        if len(self._remembered) >= REMEMBERED:
            self._remembered.pop(next(iter(self._remembered)))
        self._remembered[lookup] = (ref, now)

    def _stored_ref(self, lookup: bytes) -> str:
        with self._store.read() as connection:
            rows = sa.select(reference.c.ref).where(reference.c.lookup == lookup).order_by(reference.c.created)
            return connection.execute(rows.limit(1)).scalar() or ""

    def _hash(self, space: str, identifier: str) -> bytes:
        text = unicodedata.normalize("NFC", identifier).encode("utf-8", "surrogatepass")
        return hmac.digest(self._index_key, f"dragoman/reference/v1/{space}\n".encode() + text, hashlib.sha256)


def _reference(key: bytes, space: Space) -> str:
    digest = hmac.digest(key, f"dragoman/reference/v1/{space}".encode(), hashlib.sha256)[:16]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def create_index_key(path: Path) -> None:
    """Makes the key under which identifiers are looked up, where a first start has not done so already."""
    if not path.exists():
        write_secret(path, secrets.token_bytes(KEY_BYTES))


def index_key(path: Path) -> bytes:
    """That key. Raises SigningKeyError; a lost one is never replaced, because no person could be found any more."""
    key = read_secret(path)
    if len(key) != KEY_BYTES:
        raise SigningKeyError(f"{path} is not an index key of {KEY_BYTES} bytes")
    return key
