"""Literal propagation over the segments of one request, at a cost that follows what is new in it.

What was looked for in a segment before is remembered by digests and positions (`redaction.cache`); the texts that are
compared are those of the request itself, so nothing of one request is kept here for the next.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Final

from redaction.cache import SegmentCache
from redaction.finding import SegmentFindings
from redaction.propagate import MAX_LITERALS, Automaton, Form, Sought, Told, Values, forms_of, lower, ordered
from redaction.segment import Segment

# Text that is looked through for literals before the loop gets a turn: about 2 ms.
_TURN_CHARS: Final = 64_000
# Up to so many new values each text is asked for each of them; beyond, one automaton for all is cheaper.
_FEW: Final = 64
# Up to so many characters only values whose longest word stands there are looked for.
_SHORT: Final = 4_000
# A turn adds so many texts at most: an answer, a call and its result, a question. More than that is looked at anew.
_TURN: Final = 4
_WORD: Final = re.compile(r"[^\W_]+")
_NO_WORD: Final = 0


class Conversation:
    """The segments of one request. digests: theirs in the cache. alone: what was found in each by itself.

    fresh: places of segments that were not known before this request.
    """

    def __init__(
        self,
        cache: SegmentCache,
        segments: Sequence[Segment],
        digests: Sequence[bytes],
        alone: Callable[[int], SegmentFindings],
        fresh: Set[int],
    ) -> None:
        self._cache = cache
        self._segments = segments
        self._digests = digests
        self._alone = alone
        self._old = [place for place in range(len(segments)) if place not in fresh]

    async def begin(self) -> None:
        """What can be done before the fresh segments were looked at."""
        await self._of(self._old)

    async def propagated(self) -> list[SegmentFindings]:
        """As `redaction.propagate.propagate`."""
        return list(await self._of(range(len(self._segments))))

    async def _of(self, places: Sequence[int]) -> Sequence[SegmentFindings]:
        """The findings of these segments, with the values of all of them looked for in each."""
        key = self._key(places)
        found = self._cache.get_all(key)
        if found is None:
            before, told = self._before(places), {place: self._told(place) for place in places}
            found = await (self._grown(before, told) if before else self._looked(places, told))
            self._cache.put_all(key, found)
        return found

    def _key(self, places: Sequence[int]) -> bytes:
        return self._cache.joined([self._digests[place] for place in places])

    def _before(self, places: Sequence[int]) -> Sequence[int]:
        """Those of a turn before: all that is old here, then what is known of that but for its last texts."""
        if 0 < len(self._old) < len(places):
            return self._old
        shorter = (places[:-new] for new in range(1, min(_TURN, len(places) - 1) + 1))
        return next((some for some in shorter if self._cache.get_all(self._key(some)) is not None), ())

    async def _grown(self, before: Sequence[int], told: Mapping[int, Told]) -> Sequence[SegmentFindings]:
        """What a turn adds mostly stands nowhere else: where it does not, the findings are those of the turn before.

        told: of all places, in order.
        """
        known = dict(zip(before, await self._of(before), strict=True))
        spelled = {
            name: lower(self._value(place, form))
            for place, one in told.items()
            if place not in known
            for name, form in one.forms.items()
        }
        new = set(spelled)
        for place in before if new else ():
            new.difference_update(told[place].forms)
        if len(new) > _FEW or sum([len(one.forms) for one in told.values()]) > MAX_LITERALS:
            return await self._looked(tuple(told), told)
        sought = Sought([spelled[name] for name in new])
        again = [place for place in told if place not in known or sought.may_stand_in(self._segments[place].text)]
        known.update(zip(again, await self._looked(again, told), strict=True))
        return [known[place] for place in told]

    async def _looked(self, places: Sequence[int], told: Mapping[int, Told]) -> Sequence[SegmentFindings]:
        """The findings of these places with what is told looked for in each."""
        automaton = Automaton(ordered(self._values([self._segments[place].text for place in places], told)))
        found: list[SegmentFindings] = []
        chars = 0
        for place in places:
            segment = self._segments[place]
            found.append(automaton.extend(segment, self._alone(place)))
            chars += len(segment.text)
            if chars > _TURN_CHARS:
                chars = 0
                await asyncio.sleep(0)
        return found

    def _values(self, texts: Sequence[str], told: Mapping[int, Told]) -> Values:
        """What is told, less what surely stands in none of the texts."""
        named: dict[bytes, tuple[int, Form]] = {}
        if sum(map(len, texts)) > _SHORT:
            for place, (forms, _) in told.items():
                named.update([(name, (place, form)) for name, form in forms.items()])
        else:
            near = {_NO_WORD, *map(hash, _WORD.findall("\n".join(map(lower, texts))))}
            for place, (forms, words) in told.items():
                for word in near.intersection(words):
                    named.update([(name, (place, forms[name])) for name in words[word]])
        values: dict[tuple[str, bool], str] = {}
        for place, form in named.values():
            key = self._value(place, form), form.exact
            if values.setdefault(key, form.entity_type) > form.entity_type:
                values[key] = form.entity_type
        return values

    def _value(self, place: int, form: Form) -> str:
        value = self._segments[place].text[form.start : form.end]
        return value if form.exact else lower(value)

    def _told(self, place: int) -> Told:
        return self._cache.told(self._digests[place], lambda: self._made(place))

    def _made(self, place: int) -> Told:
        text, alone = self._segments[place].text, self._alone(place)
        if self._cache.get(self._digests[place]) is None:
            self._cache.put(self._digests[place], alone)  # a long text is known by its windows only
        forms: dict[bytes, Form] = {}
        words: dict[int, list[bytes]] = {}
        for form in forms_of(text, alone):
            value = self._value(place, form)
            name = self._cache.name(f"{form.exact:d}{form.entity_type} {value}")
            if name not in forms:
                forms[name] = form
                # The last of the longest: numbers begin alike.
                word = max(reversed(_WORD.findall(lower(value))), key=len, default=None)
                words.setdefault(hash(word) if word else _NO_WORD, []).append(name)
        return Told(forms, words)
