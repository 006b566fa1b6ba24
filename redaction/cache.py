"""Findings of texts that were seen before, so that the cost of a conversation follows its new text.

Keys are keyed digests under a random key of this process, values are positions and types: a dump of this memory does
not give the text back. Nor does its timing tell anybody what others sent: each owner's texts are remembered for that
owner alone. Nothing is written anywhere.
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redaction.finding import SegmentFindings
from redaction.segment import Segment

if TYPE_CHECKING:
    from redaction.propagate import Told

# What an entry and a finding weigh in CPython 3.12, measured with tracemalloc and rounded up.
_ENTRY_BYTES = 384
_TEXT_BYTES = 64
_FINDING_BYTES = 160
_TOLD_BYTES = 448
_FORM_BYTES = 400


@dataclass(slots=True)
class _Entry:
    """found: in one text, or in all of several. weight: estimated bytes. told: worked out when first asked for."""

    found: Sequence[SegmentFindings]
    weight: int
    told: "Told | None" = None


class SegmentCache:
    """Least recently used findings, bounded in bytes. Not thread-safe: one event loop owns it."""

    def __init__(self, version: str, *, max_bytes: int = 64 * 1024 * 1024) -> None:
        self._key = secrets.token_bytes(32)
        self._version = version.encode()
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()

    def digest(self, segment: Segment, owner: bytes = b"") -> bytes:
        """The key of a segment: whose it is, and all that its findings may depend on, so not its place in the body."""
        kind, hint = segment.kind.encode("utf-8", "surrogatepass"), segment.hint.encode("utf-8", "surrogatepass")
        version = self._version
        head = b"%d %d %d %d %b%b%b%b" % (len(version), len(kind), len(hint), len(owner), version, kind, hint, owner)
        mac = hashlib.blake2b(head, key=self._key, digest_size=16)
        mac.update(segment.text.encode("utf-8", "surrogatepass"))
        return mac.digest()

    def name(self, value: str) -> bytes:
        """A digest of something that is looked for."""
        return hashlib.blake2b(value.encode("utf-8", "surrogatepass"), key=self._key, digest_size=16).digest()

    def joined(self, digests: Sequence[bytes]) -> bytes:
        """The key of several segments together."""
        return hashlib.blake2b(b"".join(digests), key=self._key, digest_size=16, person=b"together").digest()

    def get(self, digest: bytes) -> SegmentFindings | None:
        found = self.get_all(digest)
        return found[0] if found is not None else None

    def get_all(self, digest: bytes) -> Sequence[SegmentFindings] | None:
        """The findings of several segments; see `joined`."""
        entry = self._entries.get(digest)
        if entry is None:
            return None
        self._entries.move_to_end(digest)
        return entry.found

    def put(self, digest: bytes, found: SegmentFindings) -> None:
        self.put_all(digest, (found,))

    def put_all(self, digest: bytes, found: Sequence[SegmentFindings]) -> None:
        # What several entries share is counted with each: whichever of them goes, the others still hold it.
        weight = _ENTRY_BYTES + sum([_TEXT_BYTES + _FINDING_BYTES * len(one.findings) for one in found])
        if weight > self._max_bytes:
            return
        before = self._entries.pop(digest, None)
        if before is not None:
            self._bytes -= before.weight
        self._entries[digest] = _Entry(found, weight)
        self._bytes += weight
        self._trim()

    def told(self, digest: bytes, make: "Callable[[], Told]") -> "Told":
        """See `redaction.propagate.Told`: made once for a segment whose findings are known here."""
        entry = self._entries.get(digest)
        if entry is not None and entry.told is not None:
            return entry.told
        told = make()
        entry = self._entries.get(digest)
        if entry is not None:
            entry.told = told
            grown = _TOLD_BYTES + _FORM_BYTES * len(told.forms)
            entry.weight += grown
            self._bytes += grown
            self._trim()
        return told

    def _trim(self) -> None:
        while self._bytes > self._max_bytes:
            _, oldest = self._entries.popitem(last=False)
            self._bytes -= oldest.weight

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size_bytes(self) -> int:
        """The estimated weight of what is held, at most `max_bytes`."""
        return self._bytes
