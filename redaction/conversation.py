"""Literal propagation over the segments of one request, at a cost that follows what is new in it.

What was looked for in a segment before is remembered by digests and positions (`redaction.cache`); the texts that are
compared are those of the request itself, so nothing of one request is kept here for the next.
"""

import asyncio
from collections.abc import Sequence, Set
from types import MappingProxyType
from typing import Final

from redaction.cache import SegmentCache
from redaction.finding import SegmentFindings
from redaction.propagate import (
    MAX_LITERALS,
    Automaton,
    Form,
    Sought,
    Values,
    forms_of,
    lower,
    ordered,
    spelled,
    values_of,
)  # fmt: skip
from redaction.segment import Segment

# Text that is looked through for literals before the loop gets a turn: about 2 ms.
_TURN_CHARS: Final = 64_000
# Up to so many new values each text is asked for each of them; beyond, one automaton for all is cheaper.
_FEW: Final = 64
# Up to so many characters it is cheaper to ask which values stand in them at all than to build an automaton of all.
_SHORT: Final = 4_000

type Told = tuple[tuple[Form, ...], bytes]
"""See `Conversation._told`."""

_NOTHING: Final[Told] = ((), b"")


class Conversation:
    """The segments of one request with what was found in each alone. digests: theirs in the cache.

    fresh: digests of segments that were not known before this request.
    """

    def __init__(
        self,
        cache: SegmentCache,
        segments: Sequence[Segment],
        digests: Sequence[bytes],
        found: Sequence[SegmentFindings],
        fresh: Set[bytes],
    ) -> None:
        self._cache = cache
        self._segments = segments
        self._digests = digests
        self._found = found
        self._fresh = fresh
        self._looks: dict[int, Told] = {}
        self._old = [place for place, digest in enumerate(digests) if digest not in fresh]

    async def propagated(self) -> list[SegmentFindings]:
        """As `redaction.propagate.propagate`."""
        again = self._cache.told(self._digests)
        if again is not None and (seen := self._seen(again)) is not None:
            return seen
        everywhere = range(len(self._segments))
        digest = self._digest(everywhere)
        if not digest:
            self._cache.tell(self._digests, b"")
            return list(self._found)
        keys = self._keys(everywhere, digest)
        known = [self._cache.get(key) for key in keys]
        values: Values = MappingProxyType({})
        if None in known:
            before = self._values(self._old)
            values = self._values([place for place in everywhere if self._digests[place] in self._fresh], before)
            await self._as_before(before, values, keys, known)
        self._cache.tell(self._digests, digest)
        return await self._looked(values, everywhere, keys, known)

    def _seen(self, digest: bytes) -> list[SegmentFindings] | None:
        """The findings of a request that came before, segment by segment, while they are all remembered."""
        if not digest:
            return list(self._found)
        known = [self._cache.get(key) for key in self._keys(range(len(self._digests)), digest)]
        found = [one for one in known if one is not None]
        return found if len(found) == len(known) else None

    async def _found_with(self, values: Values, places: Sequence[int]) -> list[SegmentFindings]:
        """The findings of some segments with their own values looked for in each."""
        if not values:
            return [self._found[place] for place in places]
        keys = self._keys(places, self._digest(places))
        return await self._looked(values, places, keys, [self._cache.get(key) for key in keys])

    def _values(self, places: Sequence[int], known: Values = MappingProxyType({})) -> Values:
        return values_of(((self._segments[place].text, self._told(place)[0]) for place in places), known)

    def _told(self, place: int) -> Told:
        """What of a segment is looked for elsewhere, and a digest of it, b"" where it is nothing."""
        told = self._looks.get(place)
        if told is None:
            nothing = not self._found[place].findings
            told = _NOTHING if nothing else self._cache.forms(self._digests[place], lambda: self._made(place))
            self._looks[place] = told
        return told

    def _made(self, place: int) -> Told:
        text = self._segments[place].text
        forms = forms_of(text, self._found[place])
        return forms, self._cache.values_digest(spelled(text, forms)) if forms else b""

    def _digest(self, places: Sequence[int]) -> bytes:
        """One digest for what these segments look for in each other, b"" for nothing."""
        digests = {self._told(place)[1] for place in places}
        digests.discard(b"")
        return self._cache.joined(sorted(digests)) if digests else b""

    def _keys(self, places: Sequence[int], digest: bytes) -> list[bytes]:
        return [self._cache.derived(self._digests[place], digest) for place in places]

    async def _as_before(
        self, values_before: Values, values: Values, keys: Sequence[bytes], known: list[SegmentFindings | None]
    ) -> None:
        """What a turn adds mostly stands nowhere else: where it does not, the findings are those of the turn before."""
        if not self._old or len(self._old) == len(keys) or len(values) > MAX_LITERALS:
            return
        new = {lower(key[0]) for key, kind in values.items() if values_before.get(key) != kind}
        if len(new) > _FEW:
            return
        sought = Sought(new)
        before = await self._found_with(values_before, self._old)
        for place, found in zip(self._old, before, strict=True):
            if known[place] is None and not sought.may_stand_in(self._segments[place].text):
                known[place] = found
                self._cache.put(keys[place], found)

    async def _looked(
        self, values: Values, places: Sequence[int], keys: Sequence[bytes], known: list[SegmentFindings | None]
    ) -> list[SegmentFindings]:
        """`known` with what is missing looked for and remembered."""
        missing = [number for number, found in enumerate(known) if found is None]
        texts = [self._segments[places[number]].text for number in missing]
        if missing and sum(map(len, texts)) <= _SHORT:
            near = "\n".join(map(lower, texts))
            values = {key: kind for key, kind in values.items() if (lower(key[0]) if key[1] else key[0]) in near}
        automaton = Automaton(ordered(values)) if missing else None
        chars = 0
        for number in missing:
            assert automaton is not None, "there is something to look for"
            segment = self._segments[places[number]]
            extended = known[number] = automaton.extend(segment, self._found[places[number]])
            self._cache.put(keys[number], extended)
            chars += len(segment.text)
            if chars > _TURN_CHARS:
                chars = 0
                await asyncio.sleep(0)
        return [found for found in known if found is not None]
