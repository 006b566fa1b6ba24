"""Restoring the channels of one response: text in, the same text with its placeholders filled in out.

A channel is one growing string; however it is cut, the result is the leftmost-longest replacement on the whole of it.
Only placeholders of the `Restorable` enter a result, never into a URL that the model made up. Pure.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from redaction import tokens
from redaction.errors import RestoreError
from redaction.restore.brackets import LOST
from redaction.restore.channel import Channel, Element, raw_of, seen_of
from redaction.restore.encodings import Encoding, encode, must_be_escaped, of_brackets, read_json
from redaction.restore.found import UNDECIDED, Entry, Match, Undecided
from redaction.restore.literals import is_word
from redaction.restore.spelling import MAX_HELD, Restorable
from redaction.restore.urls import Context, Place

MAX_CHANNELS: Final = 4096  # choices, tool calls and parts of one response; a hostile stream could open more for ever
_URL_LABELS: Final = frozenset(("URL", "PROFILE_URL", "LINK"))
_DIRECT: Final = frozenset(("mailto:", "tel:", "sms:"))
_HOST_ENDS: Final = frozenset('/?#\\"<>`')


@dataclass(frozen=True, slots=True)
class RestoreCounts:
    """What happened to placeholders and what looks like them.

    restored: filled in. withheld: known, but inside a URL that was not sent, or in the arguments of a tool
    that gets none. foreign: well-formed, check character included, but not of this exchange (guessed, expired, another
    scope's). unknown: looks alike, check character or type word wrong.
    """

    restored: int = 0
    withheld: int = 0
    foreign: int = 0
    unknown: int = 0


class Restorer:
    """Restores one response. Not thread-safe; make one per response, the `Restorable` may be shared.

    strict: every channel is strict, see `feed`; for formats that cannot tell prose from other strings.
    may_restore: whether the arguments of the tool of that name get originals, "" for a call that does not say whose it
    is; without it all do.
    element: set before a text begins, where it stands in an array whose texts readers may join: which array, and its
    place there. A URL that one of them leaves open goes on in the next.
    alone: set before a text begins that is a value and no words (see `Context`); holds for that one.
    """

    __slots__ = (
        "_after",
        "_channels",
        "_lookalikes",
        "_may_restore",
        "_restorable",
        "_restored",
        "_strict",
        "_withheld",
        "alone",
        "element",
    )

    def __init__(
        self, restorable: Restorable, *, strict: bool = False, may_restore: Callable[[str], bool] | None = None
    ) -> None:
        self._restorable = restorable
        self._strict = strict
        self._may_restore = may_restore
        self._channels: dict[str, Channel] = {}
        self._lookalikes: dict[str, int] = {}
        self._restored = 0
        self._withheld = 0
        self._after: dict[str, tuple[int, Context]] = {}
        self.element: Element | None = None
        self.alone = False

    @property
    def restorable(self) -> Restorable:
        """What this response may restore."""
        return self._restorable

    @property
    def asks_for_tools(self) -> bool:
        """Whether it matters which tool's arguments a text belongs to."""
        return self._may_restore is not None

    def widen(self, restorable: Restorable) -> None:
        """From here on restore these: all that could be restored so far, and more. Open channels go on with them."""
        self._restorable = restorable
        for state in self._channels.values():
            state.start = restorable.start_strict if state.strict else restorable.start

    def feed(
        self,
        channel: str,
        text: str,
        encoding: Encoding = Encoding.PLAIN,
        *,
        strict: bool = False,
        tool: str | None = None,
    ) -> str:
        """The next piece of a channel in; what is decided of it, restored, out.

        encoding, strict: fixed by a channel's first piece. strict: only spellings with an opening bracket count, so
        that a channel which is no prose (`STOP`) is never held back. tool: whose arguments it is, None where it is no
        tool's; a channel that once belonged to a tool that gets no originals passes unchanged from there on.
        Raises RestoreError `too_many_channels` when more than 4,096 are open.
        """
        state = self._channels.get(channel)
        if state is None:
            state = self._open(channel, encoding, strict)
        shown = "" if state.kept else state.held
        state.kept = state.kept or self._keeps(tool)
        if (
            not state.held
            and state.start.search(text) is None
            and (state.encoding is not Encoding.JSON or "\\" not in text)
        ):
            if text:
                state.append(seen_of(state, text))
                state.before = text[-1]
            return text
        restored = self._run(state, text, final=False)
        return shown + text if state.kept else restored

    def flush(self, channel: str) -> str:
        """The channel ends: what was held back, decided. A later `feed` of that name begins a new channel."""
        state = self._channels.pop(channel, None)
        if state is None:
            return ""
        rest = self._run(state, "", final=True) if state.held else ""
        self._end(state)
        return "" if state.kept else rest

    def pending(self, channel: str) -> bool:
        """Whether text of this channel is held back (at most 64 characters, escapes of a JSON text read)."""
        state = self._channels.get(channel)
        return state is not None and bool(state.held) and not state.kept

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that are open, in the order in which they began; `flush` each when the response ends."""
        return tuple(self._channels)

    def whole(
        self, text: str, encoding: Encoding = Encoding.PLAIN, *, strict: bool = False, tool: str | None = None
    ) -> str:
        """A complete text, restored. encoding, strict, tool: see `feed`."""
        if self.element is None and self._is_plain(text, encoding, strict or self._strict):
            self.alone = False
            return text if self._keeps(tool) else self.echoed(text)
        state = self._begun(encoding, strict)
        state.kept = self._keeps(tool)
        if not state.kept and (written := self.echoed(text)) is not text:
            return written
        if self._is_plain(text, encoding, state.strict):
            state.append(seen_of(state, text))
            self._end(state)
            return text
        restored = self._run(state, text, final=True)
        self._end(state)
        return text if state.kept else restored

    def _is_plain(self, text: str, encoding: Encoding, strict: bool) -> bool:
        """Whether nothing in a complete text can be a placeholder, or look like one: most texts of an answer."""
        if "[" in text or (encoding is Encoding.JSON and "\\" in text):
            return False
        start = self._restorable.start_strict if strict else self._restorable.start
        return start.search(text) is None

    def echoed(self, text: str) -> str:
        """A text that was opened to be inspected and comes back as it was sent, as the app wrote it; else the same."""
        echoes = self._restorable.echoes
        written = echoes.get(text) if echoes else None
        if written is None:
            return text
        self._restored += 1
        return written

    def number(self, text: str, tool: str | None = None) -> str | None:
        """The JSON number for which a complete text stands as a placeholder; None where it stands for none."""
        if text not in self._restorable.numbers or self._keeps(tool):
            return None
        self._restored += 1
        return self._restorable.tokens[text]

    def _keeps(self, tool: str | None) -> bool:
        return tool is not None and self._may_restore is not None and not self._may_restore(tool)

    @property
    def counts(self) -> RestoreCounts:
        """The counts so far; look-alikes of a channel are complete once it is flushed."""
        seen = dict(self._lookalikes)
        for state in self._channels.values():
            _count(seen, state.context.lookalikes)
        if not seen:
            return RestoreCounts(self._restored, self._withheld)
        foreign = sum(
            count for ident, count in seen.items() if tokens.is_checked(ident) and not self._restorable.has_ident(ident)
        )
        return RestoreCounts(self._restored, self._withheld, foreign, sum(seen.values()) - foreign)

    def _open(self, channel: str, encoding: Encoding, strict: bool) -> Channel:
        if len(self._channels) >= MAX_CHANNELS:
            raise RestoreError(f"a response opened more than {MAX_CHANNELS} channels", code="too_many_channels")
        state = self._channels[channel] = self._begun(encoding, strict)
        return state

    def _begun(self, encoding: Encoding, strict: bool) -> Channel:
        state = Channel(self._restorable, encoding, strict or self._strict, alone=self.alone)
        self.alone = False
        state.element = self.element
        if state.element is not None and self._after:
            array, place = state.element
            before, context = self._after.pop(array, (place, state.context))
            if place == before + 1:
                state.context = context
        return state

    def _end(self, state: Channel) -> None:
        state.context.finish()
        _count(self._lookalikes, state.context.lookalikes)
        if state.element is not None and len(self._after) < MAX_CHANNELS:
            after = state.context.continued()
            if after is not None:
                self._after[state.element[0]] = state.element[1], after

    def _run(self, state: Channel, more: str, *, final: bool) -> str:
        raw = state.held + more
        places: list[int] | None = None
        text = raw
        if state.encoding is Encoding.JSON and "\\" in raw:
            text, places = read_json(raw, final=final)
        seen = seen_of(state, text, raw, places)
        out: list[str] = []
        done = seek = 0  # text before `done` is decided and in `out`; no placeholder begins before `seek`
        hold = len(text)
        while (begin := state.start.search(text, seek)) is not None:
            at = begin.start()
            before = text[at - 1] if at else state.before
            begins = not is_word(before)
            found = self._restorable.match(text, at, final=final, lost=begins and not state.strict, word=begins)
            if found is None:
                seek = at + 1
                continue
            if at > done:
                out.append(raw_of(raw, places, done, at))
                state.append(seen[done:at])
                done = at
            decided = UNDECIDED if isinstance(found, Undecided) else self._decide(state, text, at, found, final)
            if isinstance(decided, Undecided):
                hold = at
                break
            end, restored = decided
            out.append(raw_of(raw, places, at, end) if restored is None else restored)
            done = seek = end
        if hold > done:
            out.append(raw_of(raw, places, done, hold))
            state.append(seen[done:hold])
        if hold:
            state.before = text[hold - 1]
        state.held = raw[places[hold] if places else hold :]
        return "".join(out)

    def _decide(
        self, state: Channel, text: str, at: int, found: Match, final: bool
    ) -> tuple[int, str | None] | Undecided:
        """Where the spelling ends and what stands there instead (None: it stays as it is written)."""
        end, entry = found.end, found.entry
        if found.opener is LOST and not state.context.bracket_is_open():
            if end == len(text) and not final:
                return UNDECIDED
            if text.startswith(LOST.close, end):
                end += 1
        place = state.context.place()
        allowed = False if state.kept else self._may_stand(place, entry, text, at, end, final)
        if allowed is None:
            return UNDECIDED
        written = self._written(state, found, place) if allowed else None
        state.append_token(entry.token)
        if allowed:
            self._restored += 1
        else:
            self._withheld += 1
        return end, written

    def _written(self, state: Channel, found: Match, place: Place) -> str:
        """The original as it is written there."""
        token, around = found.entry.token, of_brackets(found.opener.open)
        depth, known = state.depth(), None
        if around is Encoding.JSON and state.nesting is not None:
            depth, around = max(depth, 2 if state.encoding is Encoding.JSON else 1), Encoding.PLAIN
        if around is Encoding.URL and place.url is not None:
            known = self._restorable.spelled(place.url + token)
        elif around is Encoding.PLAIN and depth:
            known = self._restorable.spelled_in_json(token, state.words_before)
            depth -= known is not None
        value = encode(found.entry.value, around) if known is None else known
        if state.nesting is None:
            return encode(value, state.encoding)
        if depth and must_be_escaped(value):
            for _ in range(depth - (self._restorable.escaped(token) if known is None else 0)):
                value = encode(value, Encoding.JSON)
        return value

    def _may_stand(self, place: Place, entry: Entry, text: str, at: int, end: int, final: bool) -> bool | None:
        """Whether the original may stand there; None where more text could change the answer."""
        if place.url is None:
            return True
        if place.overflown:
            return False
        if place.url.lower() in _DIRECT or (not place.url and entry.label in _URL_LABELS):
            return True
        rests = self._restorable.sent_url(place.url + entry.token)
        if not rests:
            return rests is not None
        undecided = False
        for rest in rests:
            after = end + len(rest)
            if after - at >= MAX_HELD:
                continue
            if text.startswith(rest, end) and (after < len(text) or final):
                if after == len(text) or text[after] in _HOST_ENDS or text[after].isspace():
                    return True
            elif not final and rest.startswith(text[end:after]) and after >= len(text):
                undecided = True
        return None if undecided else False


def _count(seen: dict[str, int], more: Iterable[str]) -> None:
    for one in more:
        seen[one] = seen.get(one, 0) + 1
