"""Where the placeholders of an exchange stood in the texts that were sent: in which URLs, with which brackets.

What was opened to be inspected (JSON in a string, base64, data: URLs) was sent in a spelling of its own; `echoes` says
for each such text how the app had spelled it, so that a text that comes back is the very one that the app wrote.

Worked out when a response first asks, because most never do. Texts as they were sent enter, with placeholders and
without originals; they are kept as long as the exchange, not longer.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from redaction.restore.encodings import read_percent
from redaction.restore.urls import MAX_URL, Context, authority_tail

type Tails = frozenset[str]

_TOKEN = re.compile(r"\[[A-Z][A-Z0-9_]*\]")
_DOUBLED = re.compile(r"\[(\[[A-Z][A-Z0-9_]*\])\]")


class Sent:
    """What was sent. tokens: placeholder -> original, of those that count. echoes: as sent -> as the app wrote it.

    Safe to share: working it out twice gives the same.
    """

    __slots__ = ("_doubled", "_spelled", "_texts", "_tokens", "_urls", "echoes")

    def __init__(
        self, tokens: Mapping[str, str], texts: Iterable[str] = (), echoes: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._tokens = tokens
        self.echoes = echoes
        self._spelled: dict[str, str] = {}
        self._texts = tuple(text for text in texts if "[" in text) if tokens else ()
        self._doubled: frozenset[str] | None = None
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
            context, position, at = Context(), 0, 0
            for match in _TOKEN.finditer(text):
                value = self._tokens.get(match[0])
                if value is None:
                    continue
                at += match.start() - position
                if not words.startswith(value, at):
                    break
                context.append(sent[places[position] : places[match.start()]])
                position = match.end()
                place = context.place()
                context.append_token(match[0])
                spelled = written[was[at] : was[at + len(value)]]
                at += len(value)
                if place.url is not None and len(place.url) <= MAX_URL:
                    urls[place.url + match[0]] = frozenset()
                    self._spelled.setdefault(place.url + match[0], spelled)
        return urls
