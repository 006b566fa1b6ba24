"""An answer that the policy lets go on only when it was looked at: whole, or sentence by sentence.

The provider's bytes enter; what may go on leaves, without what the policy takes out, placeholders restored. Who looks,
and what counts as unexpected, is said by a `Watch`; nothing is decided here.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from proxy.errors import FormatError, RefusedError
from proxy.formats.base import ResponseReader
from proxy.formats.stream import looks_like_json
from proxy.steps.offload import Offload
from redaction.errors import RestoreError
from redaction.restore import Cut, Words, without

HELD_BYTES = 64 * 1024 * 1024
"""Of an answer that goes on only as a whole; a text of that size takes an hour to write."""
WITHHELD = ("answer_blocked", "answer_not_inspected")
"""Codes of answers that came, and that the client does not get."""

type Look = Callable[[Sequence[tuple[str, int]]], Awaitable[Sequence[Sequence[Cut]]]]
"""Texts, each with how many characters at its beginning were looked at before -> what to cut from each, in order.

Raises RefusedError (`answer_blocked`) where the answer may not go on, ProxyError (`answer_not_inspected`).
"""


@dataclass(frozen=True, slots=True)
class Watch:
    """How an answer is looked at. sentences: each as soon as it is complete, else all at the end."""

    look: Look
    words: Words
    sentences: bool = False


class HeldAnswer:
    """One answer. scout: reads it with a `Listener` on the watch's words; reader: with a `Redactor` on the same.

    offload: where much of it is read; pieces of it come one after the other.
    """

    def __init__(self, watch: Watch, scout: ResponseReader, reader: ResponseReader, offload: Offload) -> None:
        self._watch, self._scout, self._reader, self._offload = watch, scout, reader, offload
        self._facts = scout.facts
        self._kept: list[bytes] = []
        self._size = 0

    async def take(self, data: bytes) -> bytes:
        """A decoded piece of the body in; what may go on, out. Raises ProxyError; then nothing more may go on."""
        self._size += len(data)
        if not self._watch.sentences and self._size > HELD_BYTES:
            raise FormatError("the answer is too large to be held", code="upstream_too_large", status=502)
        await self._apart(len(data), lambda: self._hear(lambda: self._scout.feed(data)))
        if self._watch.sentences:
            await self._look(final=False)
            return await self._apart(len(data), lambda: self._reader.feed(data))
        self._kept.append(data)
        return b""

    async def end(self) -> bytes:
        """The body ended: what was held back."""
        # One document may be the whole answer, and only its end is where it is read.
        await self._apart(self._size, lambda: self._hear(self._scout.finish))
        await self._look(final=True)
        return await self._apart(self._size, self._rest)

    def _rest(self) -> bytes:
        kept = b"".join(self._kept)
        self._kept.clear()
        return (self._reader.feed(kept) if kept else b"") + self._reader.finish()

    def _hear(self, read: Callable[[], bytes]) -> None:
        read()
        if self._facts.truncated:
            raise not_inspected()
        for text in self._facts.wholes:
            self._watch.words.whole(text)
        self._facts.wholes.clear()

    async def _apart[T](self, size: int, step: Callable[[], T]) -> T:
        try:
            return await self._offload(size, step)
        except RestoreError:
            raise not_inspected() from None

    async def _look(self, *, final: bool) -> None:
        """Looks at everything that is complete by now."""
        words, sentences = self._watch.words, self._watch.sentences
        due = [(heard, n) for heard in words.open.values() if (n := heard.due(final=final, sentences=sentences))]
        texts = [(heard.context + heard.pending[:n], len(heard.context)) for heard, n in due]
        found = await self._watch.look(texts) if texts else ()
        for (heard, n), (text, known), cuts in zip(due, texts, found, strict=True):
            # What began in words that went on already is cut from here on.
            here = [Cut(max(0, cut.start - known), cut.end - known, cut.instead) for cut in cuts if cut.end > known]
            await self._offload(len(text), partial(_check_json, text[known:], here))
            heard.clear(n, here)
        if due:
            words.open = {key: heard for key, heard in words.open.items() if heard.size or not heard.ended}
        await self._look_at_wholes()

    async def _look_at_wholes(self) -> None:
        words = self._watch.words
        wholes, new = words.wholes, []
        for text in words.new:
            wholes[text] = words.repeated(text)
            if wholes[text] is None:
                new.append(text)
        words.new.clear()
        found = await self._watch.look([(text, 0) for text in new]) if new else ()
        for text, cuts in zip(new, found, strict=True):
            await self._offload(len(text), partial(_check_json, text, cuts))
            wholes[text] = tuple(cuts)


def _check_json(text: str, cuts: Sequence[Cut]) -> None:
    """Raises RefusedError where a document would be none any more: a number that is taken out leaves a gap."""
    if cuts and looks_like_json(text) and not looks_like_json(without(text, cuts)):
        raise blocked()


def blocked() -> RefusedError:
    """What the client gets instead of an answer that may not go on."""
    return RefusedError(
        "the provider's answer holds personal data that was not sent, and the policy blocks such answers",
        code="answer_blocked",
    )


def not_inspected() -> FormatError:
    """What the client gets instead of an answer that nobody could look at."""
    return FormatError(
        "the provider's answer could not be inspected, and the policy lets no other through",
        code="answer_not_inspected",
        status=502,
    )
