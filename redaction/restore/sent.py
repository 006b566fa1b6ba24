"""Where the placeholders of an exchange stood in the texts that were sent: in which URLs, with which brackets.

Worked out when a response first asks, because most never do. Texts as they were sent enter, with placeholders and
without originals; they are kept as long as the exchange, not longer.
"""

import re
from collections.abc import Collection, Iterable, Mapping

from redaction.restore.urls import MAX_URL, Context, authority_tail

type Tails = frozenset[str]

_TOKEN = re.compile(r"\[[A-Z][A-Z0-9_]*\]")
_DOUBLED = re.compile(r"\[(\[[A-Z][A-Z0-9_]*\])\]")


class Sent:
    """What was sent. tokens: the placeholders that count. Safe to share: working it out twice gives the same."""

    __slots__ = ("_doubled", "_texts", "_tokens", "_urls")

    def __init__(self, tokens: Collection[str], texts: Iterable[str] = ()) -> None:
        self._tokens = tokens
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
                for text in self._texts
                if "[[" in text
                for match in _DOUBLED.finditer(text)
                if match[1] in self._tokens
            )
        return token in self._doubled

    def url_rests(self, prefix: str) -> Tails | None:
        """See `Restorable.sent_url`."""
        if self._urls is None:
            self._urls = self._found()
        return self._urls.get(prefix)

    def _found(self) -> Mapping[str, Tails]:
        urls: dict[str, Tails] = {}
        for text in self._texts:
            context, position = Context(), 0
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
