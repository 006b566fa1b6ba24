"""In which spellings a placeholder of this exchange is recognized, and where in a text one stands.

`Restorable` is the set of placeholders that one exchange may restore, built once and immutable. Its `match` is the
automaton: at a position it says "this placeholder", "not yet decided" or "none"; a placeholder that is not in the set
is none, whatever it looks like. Pure; the originals it holds never enter an error.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import merge
from types import MappingProxyType
from typing import Final

from redaction import tokens
from redaction.errors import RestoreError
from redaction.restore.brackets import DOUBLED, LOST, NONE, OPENERS, Opener
from redaction.restore.found import UNDECIDED, Entry, Match, Span, Undecided
from redaction.restore.literals import Literals, is_word
from redaction.restore.sent import Sent, Tails
from redaction.restore.starts import starts
from redaction.restore.words import WordPrefixes, fold, word_prefixes
from redaction.stand_ins import is_stand_in

MAX_RESTORABLE = 10_000
MAX_HELD = 64  # characters of text that restore holds back at most


# Between word and characters: the underscore in its spellings, up to two blanks around; in brackets also `-` or blanks.
_JOINT = re.compile(r" {0,2}(?:\\?_|-|&#95;|%5[Ff]|\\u005[Ff]) {0,2}| {1,2}")
_JOINT_LOST = re.compile(r" {0,2}\\?_ {0,2}")
_JOINT_BEGUN = re.compile(r" {0,2}(?:\\(?:u(?:0(?:0(?:5)?)?)?)?|&(?:#(?:9(?:5)?)?)?|%5?)?\Z")
_JOINT_LOST_BEGUN = re.compile(r" {0,2}\\?\Z")
_IDENT = re.compile(r"[0-9A-TV-Za-tv-z]{1,12}")
# An identifier in a text, or something that is long enough to be one; a longer run may begin with the `5F` of a joint.
_JOINT_TAIL: Final = "5F"
_HEAD: Final = min(tokens.LENGTHS)
_RUN = re.compile(rf"[0-9A-TV-Za-tv-z]{{{_HEAD},}}")


type _Found = tuple[Match | None, bool]
_NOTHING: Final[_Found] = (None, False)
_ALIVE: Final[_Found] = (None, True)
_NO_ECHOES: Final[Mapping[str, str]] = MappingProxyType({})


class Restorable:
    """The placeholders that one exchange may restore. Immutable; may be shared by several restorers.

    tokens: placeholder -> original, at most 10,000 (RestoreError `too_many_placeholders`; `not_a_placeholder`).
    sent: the texts as they were sent. A placeholder inside a URL is restored only where that URL, up to and with the
    placeholder, stands in one of them; and `[[...]]` keeps its outer brackets where it was sent with them.
    """

    __slots__ = (
        "_by_ident", "_heads", "_idents", "_labels", "_lengths", "_literals", "_lost_words", "_numbers", "_sent",
        "_tokens", "_words",
    )  # fmt: skip

    def __init__(self, tokens_to_originals: Mapping[str, str], sent: Iterable[str] = ()) -> None:
        if len(tokens_to_originals) > MAX_RESTORABLE:
            raise RestoreError(
                f"more than {MAX_RESTORABLE} placeholders in one exchange: start a new conversation or send less",
                code="too_many_placeholders",
            )
        self._tokens = MappingProxyType(dict(tokens_to_originals))
        by_ident: dict[str, tuple[str, ...]] = {}
        labels: set[str] = set()
        stand_ins: list[str] = []
        for text in self._tokens:
            parsed = tokens.parse(text)
            if parsed is None and is_stand_in(text):
                stand_ins.append(text)
                continue
            if parsed is None:
                raise RestoreError("a placeholder to restore does not follow the grammar", code="not_a_placeholder")
            ident = parsed.ident
            by_ident[ident] = (*by_ident[ident], text) if ident in by_ident else (text,)
            labels.add(parsed.label)
        self._by_ident = by_ident
        self._literals = Literals(stand_ins)
        self._heads = {ident[:_HEAD] for ident in by_ident}
        self._idents = sorted(by_ident)
        self._lengths = sorted({len(ident) for ident in by_ident})
        self._labels = frozenset(labels)
        self._words: WordPrefixes | None = None
        self._lost_words: WordPrefixes | None = None
        self._sent = Sent(self._tokens, sent)
        self._numbers: frozenset[str] = frozenset()

    @property
    def numbers(self) -> frozenset[str]:
        """See `with_numbers`."""
        return self._numbers

    def with_sent(
        self,
        sent: Iterable[str],
        echoes: Mapping[str, str] = _NO_ECHOES,
        numbers: frozenset[str] | None = None,
    ) -> "Restorable":
        """The same placeholders with the texts as they were sent; what was worked out for them is shared.

        echoes: texts that were opened to be inspected, as they were sent -> as the app wrote them. numbers: those that
        took the place of a JSON number, and of nothing else; None: as is known already.
        """
        other = Restorable.__new__(Restorable)
        for name in self.__slots__:
            setattr(other, name, getattr(self, name))
        other._sent = Sent(self._tokens, sent, echoes)
        if numbers is not None:
            other._numbers = numbers
        return other

    @property
    def echoes(self) -> Mapping[str, str]:
        """See `with_sent`."""
        return self._sent.echoes

    def spelled(self, prefix: str) -> str | None:
        """How the app spelled what a placeholder stands for at the end of a data: URL; None where it is not known."""
        return self._sent.spelled(prefix)

    def escaped(self, token: str) -> int:
        """How many of the escapes of JSON an original already has: it was found in words that quote a document."""
        return self._sent.escaped(token)

    def spelled_in_json(self, token: str, before: Callable[[], str]) -> str | None:
        """See `Sent.spelled_in_json`."""
        return self._sent.spelled_in_json(token, before)

    @property
    def originals(self) -> Mapping[str, str]:
        """Placeholder -> original, of all that can be restored."""
        return self._tokens

    @property
    def sent(self) -> tuple[str, ...]:
        """The texts as they were sent that hold a placeholder."""
        return self._sent.texts

    def __len__(self) -> int:
        return len(self._tokens)

    @property
    def start(self) -> re.Pattern[str]:
        """Finds where a spelling may begin; see `redaction.restore.starts`."""
        return starts(self._labels, strict=False, words=bool(self._literals))

    @property
    def start_strict(self) -> re.Pattern[str]:
        """The same with an opening bracket alone."""
        return starts(self._labels, strict=True, words=bool(self._literals))

    @property
    def tokens(self) -> Mapping[str, str]:
        """Placeholder -> original."""
        return self._tokens

    def has_ident(self, ident: str) -> bool:
        """Whether these eight or twelve characters are one of the set's."""
        return ident in self._by_ident

    def sent_url(self, prefix: str) -> Tails | None:
        """What may follow a URL that reads `prefix` up to and with a placeholder.

        None: no such URL was sent. An empty set: the placeholder stood behind the host part, so whatever follows goes
        to the host that was sent. Else the rests of the host part with which it was sent.
        """
        return self._sent.url_rests(prefix)

    def spans(self, text: str) -> tuple[Span, ...]:
        """Every placeholder of the set in a complete text, in any spelling, leftmost longest, not overlapping."""
        if not self._may_hold(text):
            return ()
        found = []
        position = 0
        for at in self._begins(text):
            if at < position:
                continue
            begins = at == 0 or not is_word(text[at - 1])
            match = self.match(text, at, final=True, lost=begins, word=begins)
            if isinstance(match, Match):
                found.append(Span(at, match.end, match.entry.token))
                position = match.end
        return tuple(found)

    def _begins(self, text: str) -> Iterator[int]:
        """Where in a complete text something may begin, in order; a place may come twice."""
        bracketed = (match.start() for match in starts(self._labels, strict=False).finditer(text))
        return merge(bracketed, self._literals.begins(text))

    def is_near(self, text: str) -> bool:
        """Whether something of the set could stand in a text, whatever is taken out of it: the cheapest question."""
        # Without a bracket there has to be an underscore.
        return bool(self._literals) or "_" in text or any(map(text.__contains__, OPENERS))

    def _may_hold(self, text: str) -> bool:
        """Whether a stand-in or an identifier of the set may stand in a text: far cheaper to ask than where."""
        if self._literals.may_stand_in(text):
            return True
        if not self.is_near(text):
            return False
        heads = self._heads
        for run in _RUN.findall(text):
            read = tokens.canonical_ident(run)
            if read[:_HEAD] in heads:
                return True
            joint = read.find(_JOINT_TAIL)
            while joint >= 0:
                begin = joint + len(_JOINT_TAIL)
                if read[begin : begin + _HEAD] in heads:
                    return True
                joint = read.find(_JOINT_TAIL, joint + 1)
        return False

    def match(self, text: str, at: int, *, final: bool, lost: bool, word: bool) -> Match | Undecided | None:
        """The longest placeholder that begins at `at`; UNDECIDED where more text could change the answer.

        final: no text follows. word: a word begins here. lost: a spelling without opening bracket may.
        """
        best: Match | None = None
        if word and self._literals:
            found, alive = self._literals.match(text, at, final=final)
            if alive:
                return UNDECIDED
            if found is not None:
                best = Match(at + len(found), Entry(found, "", "", self._tokens[found]), NONE)
        if not self._by_ident:
            return best
        for match, alive in self._candidates(text, at, lost):
            if alive and not final:
                return UNDECIDED
            if match is not None and (best is None or match.end > best.end):
                best = match
        return best

    def _candidates(self, text: str, at: int, lost: bool) -> Iterator[_Found]:
        openers = OPENERS.get(text[at])
        if openers is None:
            if lost:
                yield from self._bodies(text, at, LOST)
            return
        for opener in openers:
            written = text[at : at + len(opener.open)].lower()
            if written == opener.open:
                yield from self._bodies(text, at + len(written), opener)
            elif at + len(written) == len(text) and opener.open.startswith(written):
                yield _ALIVE

    def _bodies(self, text: str, at: int, opener: Opener) -> Iterator[_Found]:
        prefixes = self._prefixes(opener is LOST)
        end = at
        while end < len(text):
            end += 1
            labels = prefixes.get(fold(text[at:end]))
            if labels is None:
                return
            if labels:
                yield from self._idents_after(text, end, opener, labels)
        yield _ALIVE

    def _prefixes(self, lost: bool) -> WordPrefixes:
        """Looked up when the first spelling is near: most texts of an exchange come nowhere near one."""
        if self._words is None or self._lost_words is None:
            self._words = word_prefixes(self._labels)
            self._lost_words = word_prefixes(self._labels, translated=False)
        return self._lost_words if lost else self._words

    def _idents_after(self, text: str, at: int, opener: Opener, labels: frozenset[str]) -> Iterator[_Found]:
        lost = opener is LOST
        if (_JOINT_LOST_BEGUN if lost else _JOINT_BEGUN).match(text, at):
            yield _ALIVE
        joint = (_JOINT_LOST if lost else _JOINT).match(text, at)
        if joint is None:
            return
        begin = joint.end()
        written = _IDENT.match(text, begin)
        if written is None:
            if begin == len(text):
                yield _ALIVE
            return
        ident = tokens.canonical_ident(written[0])
        for length in self._lengths:
            if length > len(ident):
                break
            for token in self._by_ident.get(ident[:length], ()):
                entry = self._entry(token)
                if entry.label in labels:
                    yield self._closed(text, begin + length, opener, entry)
        if written.end() == len(text) and self._continues(ident):
            yield _ALIVE

    def _entry(self, token: str) -> Entry:
        parsed = tokens.parse(token)
        assert parsed is not None
        return Entry(token, parsed.label, parsed.ident, self._tokens[token])

    def _continues(self, ident: str) -> bool:
        """Whether a longer ident of the set begins with these characters."""
        place = bisect_left(self._idents, ident)
        if place < len(self._idents) and self._idents[place] == ident:
            place += 1
        return place < len(self._idents) and self._idents[place].startswith(ident)

    def _closed(self, text: str, at: int, opener: Opener, entry: Entry) -> _Found:
        if opener is LOST:
            return Match(at, entry, opener), False
        written = text[at : at + len(opener.close)].lower()
        if written == opener.close:
            return self._link_or_doubled(text, at, opener, entry)
        alive = at + len(written) == len(text) and opener.close.startswith(written)
        # `\[` that closes with a bare `]` is a backslash of the text before a whole placeholder.
        lost = opener.square and not (opener.open == "\\[" and written[:1] == "]")
        return (Match(at, entry, opener) if lost else None), alive

    def _link_or_doubled(self, text: str, at: int, opener: Opener, entry: Entry) -> _Found:
        end = at + len(opener.close)
        if opener.open == DOUBLED:
            if self._sent.was_doubled(entry.token) or text[end : end + 1] == "(":  # the label of a Markdown link
                return _NOTHING
            return Match(end, entry, opener), end == len(text)
        return Match(end, entry, opener), False
