"""An answer that is looked at before anybody gets it: what may go on, and what is cut out of it.

The same answer is read twice: a `Listener` hears its words as the provider sent them, somebody says in `Words` up to
where they were looked at and what to cut, and a `Redactor` lets exactly that go on, placeholders restored. Pure.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from redaction.errors import RestoreError
from redaction.restore.channel import Element
from redaction.restore.encodings import Encoding
from redaction.restore.restorer import Restorer
from redaction.restore.spelling import Restorable

MAX_WORDS: Final = 4 * 1024 * 1024
"""Characters of all channels of one answer; a person reads for weeks."""
CONTEXT: Final = 200
"""Characters before a sentence that are looked at again with it: a title, a street."""
LONGEST: Final = 4000
"""A sentence that does not end is cut at white space after so many characters (lists, code)."""
# A full stop ends a sentence after a word of some length and before a capital letter; `Dr.` and `Str. 12` go on.
_END: Final = re.compile(r"(?:(?<=[^\W\d_]{3})\.|[!?…。！？])[\"'»”)\]]*\s+(?=[^\W\d_])(?![a-zà-öø-ÿ])|\n\s*(?=\S)")


@dataclass(frozen=True, slots=True)
class Cut:
    """What is taken out of a text and what stands there instead. start, end: code points, half open."""

    start: int
    end: int
    instead: str


@dataclass(slots=True)
class Heard:
    """One channel's words as the provider sent them. cleared: up to there they were looked at. ended: none follow.

    waiting: words that nobody looked at yet. context: the last of those before. cuts: in the order of the text.
    again: with fewer words waiting nothing can be due.
    """

    json: bool = False
    ended: bool = False
    cleared: int = 0
    context: str = ""
    waiting: list[str] = field(default_factory=list)
    size: int = 0
    cuts: list[Cut] = field(default_factory=list)
    again: int = 0
    digest: "hashlib.blake2b" = field(default_factory=lambda: hashlib.blake2b(digest_size=16))

    def hear(self, text: str) -> None:
        """The next piece."""
        self.waiting.append(text)
        self.size += len(text)
        self.digest.update(text.encode("utf-8", "surrogatepass"))

    def due(self, *, final: bool, sentences: bool) -> int:
        """How many of the waiting words can be looked at now; 0 where more have to come first."""
        if self.ended or final:
            return self.size
        if self.json or not sentences or self.size < self.again:
            return 0
        text = self.pending
        # No end has only white space behind it, and each of a million line breaks at the end would be looked past.
        ends = [match.end() for match in _END.finditer(text.rstrip())]
        if ends:
            return ends[-1]
        if len(text) <= LONGEST:
            return 0
        # Words without any blank come from nobody who writes prose: they are not searched whole with every piece.
        self.again = len(text) + len(text) // 8
        return text.rfind(" ", 0, len(text) - CONTEXT) + 1

    @property
    def pending(self) -> str:
        """The waiting words."""
        if len(self.waiting) > 1:
            self.waiting[:] = ["".join(self.waiting)]
        return self.waiting[0] if self.waiting else ""

    def clear(self, n: int, cuts: Iterable[Cut]) -> None:
        """The first n waiting words were looked at. cuts: in them, counted from their beginning."""
        text, at = self.pending, self.cleared
        self.cuts.extend(Cut(at + cut.start, at + cut.end, cut.instead) for cut in cuts)
        self.context = (self.context + text[:n])[-CONTEXT:]
        self.waiting[:] = [text[n:]] if n < len(text) else []
        self.size -= n
        self.cleared += n
        self.again = 0


@dataclass(slots=True)
class Words:
    """Everything heard of one answer. channels: by name and how often the name began anew. wholes: complete texts.

    A text of `wholes` has None until it was looked at, and stands in `new`.
    """

    channels: dict[tuple[str, int], Heard] = field(default_factory=dict)
    wholes: dict[str, tuple[Cut, ...] | None] = field(default_factory=dict)
    open: dict[tuple[str, int], Heard] = field(default_factory=dict)
    new: list[str] = field(default_factory=list)
    _size: int = 0
    _ended: dict[bytes, Heard] = field(default_factory=dict)

    def count(self, text: str) -> None:
        """Raises RestoreError `too_many_words`."""
        self._size += len(text)
        if self._size > MAX_WORDS:
            raise RestoreError("an answer that is inspected holds more text than can be kept", code="too_many_words")

    def begin(self, key: tuple[str, int], *, json: bool) -> None:
        """A channel, where it is new."""
        if key not in self.channels:
            self.channels[key] = self.open[key] = Heard(json=json)

    def end(self, key: tuple[str, int]) -> None:
        """No more words of that channel come."""
        if heard := self.channels.get(key):
            heard.ended = True
            self._ended[heard.digest.digest()] = heard

    def whole(self, text: str) -> None:
        """A complete text that the answer holds."""
        if text and text not in self.wholes:
            self.count(text)
            self.wholes[text] = None
            self.new.append(text)

    def repeated(self, text: str) -> tuple[Cut, ...] | None:
        """The cuts of the channel whose words were just this text, or None where there was none."""
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        same = self._ended.get(digest)
        return tuple(same.cuts) if same is not None and not same.size else None


class Listener(Restorer):
    """Hears the words of an answer and restores nothing."""

    __slots__ = ("_times", "_words")

    def __init__(self, words: Words) -> None:
        super().__init__(Restorable({}))
        self._words = words
        self._times: dict[str, int] = {}

    def feed(
        self, channel: str, text: str, encoding: Encoding = Encoding.PLAIN, *, strict: bool = False,
        tool: str | None = None,
    ) -> str:  # fmt: skip
        """Keeps the words. Raises RestoreError `too_many_words`, `too_many_channels`."""
        key = (channel, self._times.get(channel, 0))
        if channel not in self._channels:
            self._open(channel, encoding, strict)
            self._words.begin(key, json=encoding is Encoding.JSON)
        self._words.count(text)
        self._words.channels[key].hear(text)
        return text

    def flush(self, channel: str) -> str:
        """The channel ends."""
        if self._channels.pop(channel, None) is not None:
            times = self._times.get(channel, 0)
            self._words.end((channel, times))
            self._times[channel] = times + 1
        return ""

    def whole(
        self, text: str, encoding: Encoding = Encoding.PLAIN, *, strict: bool = False, tool: str | None = None
    ) -> str:
        """Nothing: which complete texts are words and which are structure, the format knows."""
        return text


@dataclass(slots=True)
class _Passing:
    """A channel on its way. held: pieces that may not go on yet. at: how many words went on. cut: the next one."""

    encoding: Encoding
    strict: bool
    tool: str | None
    element: Element | None
    held: list[str] = field(default_factory=list)
    size: int = 0
    at: int = 0
    cut: int = 0


class Redactor(Restorer):
    """Lets the words go on that were looked at, without what is cut, and restored."""

    __slots__ = ("_passing", "_times", "_words")

    def __init__(self, restorer: Restorer, words: Words) -> None:
        """restorer: whose set and tools count; it restores nothing itself."""
        super().__init__(restorer.restorable, strict=restorer._strict, may_restore=restorer._may_restore)
        self._words = words
        self._times: dict[str, int] = {}
        self._passing: dict[str, _Passing] = {}

    def feed(
        self, channel: str, text: str, encoding: Encoding = Encoding.PLAIN, *, strict: bool = False,
        tool: str | None = None,
    ) -> str:  # fmt: skip
        """The next piece in; what of the channel was looked at, restored, out."""
        passing = self._passing.get(channel)
        if passing is None:
            passing = self._passing[channel] = _Passing(encoding, strict, tool, self.element)
        passing.tool = passing.tool or tool
        passing.held.append(text)
        passing.size += len(text)
        return self._go_on(channel, passing)

    def flush(self, channel: str) -> str:
        """The channel ends. Raises RestoreError `not_looked_at` where words would go on that nobody looked at."""
        passing = self._passing.pop(channel, None)
        if passing is None:
            return super().flush(channel)
        rest = self._go_on(channel, passing)
        if passing.size:
            raise RestoreError("an answer would have gone on before it was inspected", code="not_looked_at")
        self._times[channel] = self._times.get(channel, 0) + 1
        return rest + super().flush(channel)

    def whole(
        self, text: str, encoding: Encoding = Encoding.PLAIN, *, strict: bool = False, tool: str | None = None
    ) -> str:
        """A complete text, without what is cut, restored. Raises RestoreError `not_looked_at`."""
        cuts = self._words.wholes.get(text, ())
        if cuts is None:
            raise RestoreError("an answer would have gone on before it was inspected", code="not_looked_at")
        return super().whole(without(text, cuts), encoding, strict=strict, tool=tool)

    def _go_on(self, channel: str, passing: _Passing) -> str:
        heard = self._words.channels.get((channel, self._times.get(channel, 0)))
        n = min(passing.size, heard.cleared - passing.at) if heard is not None else 0
        if heard is None or n <= 0:
            return ""
        held = "".join(passing.held)
        passing.held[:] = [held[n:]] if n < len(held) else []
        passing.size -= n
        start, passing.at = passing.at, passing.at + n
        while passing.cut < len(heard.cuts) and heard.cuts[passing.cut].end <= start:
            passing.cut += 1
        last = passing.cut
        while last < len(heard.cuts) and heard.cuts[last].start < passing.at:
            last += 1
        shown = without(held[:n], heard.cuts[passing.cut : last], start)
        self.element = passing.element
        return super().feed(channel, shown, passing.encoding, strict=passing.strict, tool=passing.tool)


def without(text: str, cuts: Iterable[Cut], start: int = 0) -> str:
    """A piece of a text without what is cut, in order. start: where the piece begins in the text that cuts count in."""
    parts: list[str] = []
    done, end = start, start + len(text)
    for cut in cuts:
        if cut.end <= start or cut.start >= end:
            continue
        parts.append(text[done - start : max(cut.start, start) - start])
        if cut.start >= start:
            parts.append(cut.instead)
        done = min(cut.end, end)
    parts.append(text[done - start :])
    return "".join(parts)
