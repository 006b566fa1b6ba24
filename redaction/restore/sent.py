"""Where the placeholders of an exchange stood in the texts that were sent: in which URLs, with which brackets.

What was opened to be inspected (JSON in a string, base64, data: URLs) was sent in a spelling of its own; `echoes` says
for each such text how the app had spelled it, so that a text that comes back is the very one that the app wrote.

Worked out when a response first asks, because most never do. Texts as they were sent enter, with placeholders and
without originals; they are kept as long as the exchange, not longer.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from redaction.restore.encodings import Encoding, encode, is_escaped, read_json, read_percent
from redaction.restore.nesting import Nesting
from redaction.restore.urls import KEPT, MAX_URL, STRING_END, Context, authority_tail

type Tails = frozenset[str]

_TOKEN = re.compile(r"\[[A-Z][A-Z0-9_]*\]")
_MARKS = re.compile(rf'[\\"{STRING_END}]')
_JSON_BEGINS: Final = ("{", "[", '"')
_DOCUMENTS: Final = 128 * 1024  # characters that are read for it, character by character
_SPELLINGS: Final = 64  # of one placeholder
_SAME: Final = 16  # characters before it that have to be the same
_DOUBLED = re.compile(r"\[(\[[A-Z][A-Z0-9_]*\])\]")


class Sent:
    """What was sent. tokens: placeholder -> original, of those that count. echoes: as sent -> as the app wrote it.

    Safe to share: working it out twice gives the same.
    """

    __slots__ = ("_doubled", "_escaped", "_in_json", "_spelled", "_texts", "_tokens", "_urls", "echoes")

    def __init__(
        self, tokens: Mapping[str, str], texts: Iterable[str] = (), echoes: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._tokens = tokens
        self.echoes = echoes
        self._spelled: dict[str, str] = {}
        self._texts = tuple([text for text in texts if "[" in text]) if tokens else ()
        self._doubled: frozenset[str] | None = None
        self._escaped: Mapping[str, int] | None = None
        self._in_json: Mapping[str, list[tuple[str, str]]] | None = None
        self._urls: Mapping[str, Tails] | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """Those in which a placeholder may stand."""
        return self._texts

    def was_doubled(self, token: str) -> bool:
        """Whether it was sent with brackets of the text around its own."""
        if self._doubled is None:
            self._doubled = frozenset(
                match[1]
                for text in (*self._texts, *self.echoes)
                if "[[" in text
                for match in _DOUBLED.finditer(text)
                if match[1] in self._tokens
            )
        return token in self._doubled

    def url_rests(self, prefix: str) -> Tails | None:
        """See `Restorable.sent_url`."""
        return self._known().get(prefix)

    def spelled(self, prefix: str) -> str | None:
        """How the app spelled what a placeholder stands for at the end of `prefix`, the begin of a data: URL."""
        self._known()
        return self._spelled.get(prefix)

    def escaped(self, token: str) -> int:
        """In how many strings of JSON words quoted the placeholder, so that the original is spelled for that."""
        if self._escaped is None:
            self._escaped = self._quoted()
        return self._escaped.get(token, 0)

    def _quoted(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for text in self._texts:
            if '"' not in text:
                continue
            nesting, position = Nesting(json=False), 0
            for match in _TOKEN.finditer(text):
                if match[0] not in self._tokens:
                    continue
                nesting.append(text[position : match.start()])
                position = match.end()
                depth, value = nesting.depth(), self._tokens[match[0]]
                nesting.append_token()
                while depth and not is_escaped(value, depth):
                    depth -= 1
                found[match[0]] = max(depth, found.get(match[0], 0))
        return {token: depth for token, depth in found.items() if depth}

    def spelled_in_json(self, token: str, before: Callable[[], str]) -> str | None:
        """How the app spelled an original in a document where the same words stood before it; None: as we would.

        before: the words before it now, as `bare` gives them.
        """
        if self._in_json is None:
            self._in_json = self._documents()
        found = self._in_json.get(token)
        if found is None:
            return None
        words = before()
        return next((spelling for tail, spelling in found if words.endswith(tail)), None)

    def _documents(self) -> dict[str, list[tuple[str, str]]]:
        found: dict[str, list[tuple[str, str]]] = {}
        size = 0
        for sent, written in self.echoes.items():
            if "\\" not in written or sent.lstrip()[:1] not in _JSON_BEGINS:
                continue
            if (size := size + len(written)) > _DOCUMENTS:
                break
            (text, _), (words, was) = read_json(sent, final=True), read_json(written, final=True)
            for start, at, token, length in self._aligned(text, words):
                spelling = written[was[at] : was[at + length]]
                if spelling == encode(self._tokens[token], Encoding.JSON):
                    continue
                known = found.setdefault(token, [])
                if len(known) < _SPELLINGS:
                    known.append((bare(text[max(0, start - KEPT) : start])[-_SAME:], spelling))
        return found

    def _aligned(self, text: str, words: str) -> Iterator[tuple[int, int, str, int]]:
        """Each placeholder of a text: where it stands, where in `words` its original does, itself, that one's size."""
        position = at = 0
        for match in _TOKEN.finditer(text):
            value = self._tokens.get(match[0])
            if value is None:
                continue
            at += match.start() - position
            if not words.startswith(value, at):
                return
            yield match.start(), at, match[0], len(value)
            position = match.end()
            at += len(value)

    def _known(self) -> Mapping[str, Tails]:
        if self._urls is None:
            self._urls = self._found() | self._data_urls()
        return self._urls

    def _found(self) -> dict[str, Tails]:
        urls: dict[str, Tails] = {}
        # A value that was sent may come back inside of one, and the other way round.
        for text, alone in [(text, alone) for text in self._texts for alone in (False, True)]:
            context, position = Context(alone=alone), 0
            for match in _TOKEN.finditer(text):
                if match[0] not in self._tokens:
                    continue
                context.append(text[position : match.start()])
                position = match.end()
                place = context.place()
                context.append_token(match[0])
                if place.url is None or len(place.url) > MAX_URL:
                    continue
                key = place.url + match[0]
                tails = frozenset((authority_tail(text, position),)) if place.authority else frozenset[str]()
                urls[key] = urls.get(key, frozenset()) | tails
        return urls

    def _data_urls(self) -> dict[str, Tails]:
        """Those of the URLs that were opened; of two spellings of one text the first counts."""
        urls: dict[str, Tails] = {}
        for sent, written in self.echoes.items():
            if sent[:5].lower() != "data:" or (now := read_percent(sent)) is None:
                continue
            if (before := read_percent(written)) is None:
                continue
            (text, places), (words, was) = now, before
            context, position = Context(), 0
            for start, at, token, length in self._aligned(text, words):
                context.append(sent[places[position] : places[start]])
                position = start + len(token)
                place = context.place()
                context.append_token(token)
                if place.url is not None and len(place.url) <= MAX_URL:
                    urls[place.url + token] = frozenset()
                    self._spelled.setdefault(place.url + token, written[was[at] : was[at + length]])
        return urls


def bare(text: str) -> str:
    """Words of a document without what shows how deep in strings it stands."""
    return _MARKS.sub("", text)
