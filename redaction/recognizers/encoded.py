"""Values inside Base64 (RFC 4648, both alphabets) and hexadecimal text: decoded, looked at, covered as a whole.

Only what decodes to readable text is looked at, so images, hashes and random keys cost one decoding and stay.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from typing import Final

from redaction.finding import Finding
from redaction.recognizers.base import Page, Recognizer

_BASE64: Final = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{16,4000}={0,2}(?![\w+/=-])")
_HEX: Final = re.compile(r"(?<![\w])(?:[2-7][0-9A-Fa-f]){10,2000}(?![\w])")
_SHORTEST: Final = 16
_LONG_WORD: Final = re.compile(r"\S{16,}")
_SURE: Final = 0.75
_READABLE: Final = re.compile(r"[\w\s.,:;@+/!?'\"()&#=%{}\[\]-]+")


class Encoded:
    """Values that `inner` finds in decoded text; a finding covers the whole encoded word."""

    name = "encoded"

    def __init__(self, inner: Sequence[Recognizer]) -> None:
        self._inner = tuple(inner)
        self.expressions = (_HEX,)
        self.needed = None
        self.entity_types = tuple(dict.fromkeys(kind for one in self._inner for kind in one.entity_types))

    def find(self, page: Page) -> Iterator[Finding]:
        if page.longest < _SHORTEST:
            return
        # Base64 has no space, and only long words are worth a look.
        words = _LONG_WORD.finditer(page.text)
        encoded = (match for word in words for match in _BASE64.finditer(page.text, *word.span()))
        for matches, decode in ((encoded, _from_base64), (page.matches(_HEX), _from_hex)):
            for match in matches:
                found = self._inside(decode(match[0]), page)
                if found is not None:
                    yield Finding(match.start(), match.end(), found.entity_type, found.score, self.name)

    def _inside(self, text: str | None, page: Page) -> Finding | None:
        """The surest finding in a decoded text."""
        if text is None:
            return None
        inner = Page(text, page.hint, page.kind, page.languages)
        found = [one for recognizer in self._inner for one in recognizer.find(inner) if one.score >= _SURE]
        return max(found, key=lambda one: (one.score, one.end - one.start, one.entity_type), default=None)


def _from_base64(word: str) -> str | None:
    # A word of one case or without a digit, sign or capital inside is a word, not an encoding.
    if word.islower() or word.isupper() or word.isdigit():
        return None
    bare = word.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return _text(base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True))
    except (binascii.Error, ValueError):
        return None


def _from_hex(word: str) -> str | None:
    return _text(bytes.fromhex(word))


def _text(content: bytes) -> str | None:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if _READABLE.fullmatch(text) else None
