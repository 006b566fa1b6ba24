"""Findings of texts that were seen before, so that the cost of a conversation follows its new text.

Keys are keyed digests under a random key of this process, values are positions and types: a dump of this memory does
not give the text back. Nor does its timing tell anybody what others sent: each owner's texts are remembered for that
owner alone. Nothing is written anywhere.
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redaction.finding import SegmentFindings
from redaction.segment import Segment

if TYPE_CHECKING:
    from redaction.propagate import Form

    type Told = tuple[tuple[Form, ...], bytes]

# What an entry and a finding weigh in CPython 3.12, measured with tracemalloc and rounded up.
_ENTRY_BYTES = 384
_FINDING_BYTES = 160
_FORM_BYTES = 112
MAX_TOLD = 8_192
"""Requests whose values' digest is remembered: 2 MB."""


@dataclass(slots=True)
class _Entry:
    """weight: estimated bytes. forms: see `redaction.propagate.forms_of`, with a digest of what they say.

    They are worked out when first asked for.
    """

    found: SegmentFindings
    weight: int
    forms: "Told | None" = None


class SegmentCache:
    """Least recently used findings, bounded in bytes. Not thread-safe: one event loop owns it."""

    def __init__(self, version: str, *, max_bytes: int = 64 * 1024 * 1024) -> None:
        self._key = secrets.token_bytes(32)
        self._version = version.encode()
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._told: OrderedDict[bytes, bytes] = OrderedDict()

    def digest(self, segment: Segment, owner: bytes = b"") -> bytes:
        """The key of a segment: whose it is, and all that its findings may depend on, so not its place in the body."""
        kind, hint = segment.kind.encode("utf-8", "surrogatepass"), segment.hint.encode("utf-8", "surrogatepass")
        version = self._version
        head = b"%d %d %d %d %b%b%b%b" % (len(version), len(kind), len(hint), len(owner), version, kind, hint, owner)
        mac = hashlib.blake2b(head, key=self._key, digest_size=16)
        mac.update(segment.text.encode("utf-8", "surrogatepass"))
        return mac.digest()

    def values_digest(self, literals: Iterable[str]) -> bytes:
        """One digest for the values that one segment looks for in the others."""
        joined = "".join(f"{len(literal)}:{literal}" for literal in literals)
        return hashlib.blake2b(joined.encode("utf-8", "surrogatepass"), key=self._key, digest_size=16).digest()

    def joined(self, digests: Sequence[bytes]) -> bytes:
        """One digest for several."""
        return hashlib.blake2b(b"".join(digests), key=self._key, digest_size=16).digest()

    def derived(self, digest: bytes, values: bytes) -> bytes:
        """The key of a segment's findings after the values of its neighbours (their digest) were looked for in it."""
        return hashlib.blake2b(digest + values, key=self._key, digest_size=16).digest()

    def told(self, digests: Sequence[bytes]) -> bytes | None:
        """The digest of the values of a request with these segments, b"" where it has none; None where not known."""
        return self._told.get(self.joined(digests))

    def tell(self, digests: Sequence[bytes], values: bytes) -> None:
        """Remember it, for as many requests as `MAX_TOLD`."""
        request = self.joined(digests)
        self._told[request] = values
        self._told.move_to_end(request)
        if len(self._told) > MAX_TOLD:
            self._told.popitem(last=False)

    def get(self, digest: bytes) -> SegmentFindings | None:
        entry = self._entries.get(digest)
        if entry is None:
            return None
        self._entries.move_to_end(digest)
        return entry.found

    def put(self, digest: bytes, found: SegmentFindings) -> None:
        weight = _ENTRY_BYTES + _FINDING_BYTES * len(found.findings)
        if weight > self._max_bytes:
            return
        before = self._entries.pop(digest, None)
        if before is not None:
            self._bytes -= before.weight
        self._entries[digest] = _Entry(found, weight)
        self._bytes += weight
        self._trim()

    def forms(self, digest: bytes, make: "Callable[[], Told]") -> "Told":
        """See `redaction.propagate.forms_of`: made once for a segment whose findings are known here."""
        entry = self._entries.get(digest)
        if entry is not None and entry.forms is not None:
            return entry.forms
        forms = make()
        if entry is not None:
            entry.forms = forms
            grown = _FORM_BYTES * (len(forms[0]) + 1)
            entry.weight += grown
            self._bytes += grown
            self._trim()
        return forms

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
