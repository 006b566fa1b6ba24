"""Values inside Base64 (RFC 4648, both alphabets), what is packed in it, hexadecimal text and dumps of bytes: decoded,
looked at, covered as a whole.

Only what decodes to readable text is looked at, so images, hashes and random keys cost one decoding and stay. Unpacking
has a limit for each page, whatever a word would unfold to.
"""

import base64
import binascii
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Final

from redaction.finding import Finding
from redaction.recognizers.base import Page, Recognizer

_BASE64: Final = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{16,4000}={0,2}(?![\w+/=-])")
_PAIR: Final = r"[0-9A-Fa-f]{2}"
# As one word, with blanks, colons or commas between, or as C and shells write bytes.
_HEX: Final = re.compile(rf"(?<![\w\\])(?:0x|\\x)?[2-7][0-9A-Fa-f](?:[ :,]{{0,2}}(?:0x|\\x)?{_PAIR}){{9,2000}}(?![\w])")
# A line of xxd, hexdump or od: where it begins, up to sixteen bytes, mostly the same as text.
_DUMP_LINE: Final = rf"(?:0x)?[0-9A-Fa-f]{{4,16}}:?[ \t]{{1,3}}(?:{_PAIR}){{1,4}}(?:[ \t]{{1,3}}(?:{_PAIR}){{1,4}}){{0,15}}(?:[ \t|>][^\n]{{0,99}})?"
_DUMP: Final = re.compile(rf"(?m)^{_DUMP_LINE}(?:\r?\n{_DUMP_LINE}){{0,999}}$")
_DUMPED: Final = re.compile(rf"(?:0x)?[0-9A-Fa-f]{{4,16}}:?[ \t]+(?P<bytes>(?:{_PAIR}[ \t]{{0,3}}){{1,16}})")
_BLANKS: Final = re.compile(r"\\x|0x|[^0-9A-Fa-f]")
_SHORTEST: Final = 16
_LONG_WORD: Final = re.compile(r"\S{16,}")
_SURE: Final = 0.75
_DEEPEST: Final = 2
"""How many times what was decoded may be encoded itself."""
_MOST_UNPACKED: Final = 16 * 1024
"""Bytes that are unpacked for one page."""
_PACKED: Final = {b"\x1f\x8b": 31, b"\x78\x01": 15, b"\x78\x5e": 15, b"\x78\x9c": 15, b"\x78\xda": 15}
"""Beginnings of gzip (RFC 1952) and zlib (RFC 1950) -> `wbits` of zlib."""
_ZIP: Final = b"PK\x03\x04"
_READABLE: Final = re.compile(r"[\w\s.,:;@+/!?'\"()&#=%{}\[\]-]+")


class Encoded:
    """Values that `inner` finds in decoded text; a finding covers the whole encoded word."""

    name = "encoded"

    def __init__(self, inner: Sequence[Recognizer]) -> None:
        self._inner = tuple(inner)
        self.expressions = (_HEX, _DUMP)
        self.needed = None
        self.entity_types = tuple(dict.fromkeys(kind for one in self._inner for kind in one.entity_types))

    def find(self, page: Page) -> Iterator[Finding]:
        """Findings with offsets in `page.text`."""
        return self._find(page, _DEEPEST)

    def _find(self, page: Page, depth: int) -> Iterator[Finding]:
        found = [(match, _from_hex(match[0])) for match in page.matches(_HEX)]
        found += [(match, _from_dump(match[0])) for match in page.matches(_DUMP)]
        if page.longest >= _SHORTEST:
            # Base64 has no space, and only long words are worth a look.
            words = _LONG_WORD.finditer(page.text)
            room = _MOST_UNPACKED
            for match in (match for word in words for match in _BASE64.finditer(page.text, *word.span())):
                raw = _from_base64(match[0])
                unpacked = _unpacked(raw, room)
                room -= len(unpacked)
                text = unpacked.decode("utf-8", "replace") if unpacked else _text(raw)
                found.append((match, text))
        for match, text in found:
            inner = self._inside(text, page, depth)
            if inner is not None:
                yield Finding(match.start(), match.end(), inner.entity_type, inner.score, self.name)

    def _inside(self, text: str | None, page: Page, depth: int) -> Finding | None:
        """The surest finding in a decoded text, which may hold encoded text again."""
        if text is None:
            return None
        inner = Page(text, page.hint, page.kind, page.languages)
        found = [one for recognizer in self._inner for one in recognizer.find(inner) if one.score >= _SURE]
        if depth and not found:
            found = list(self._find(inner, depth - 1))
        return max(found, key=lambda one: (one.score, one.end - one.start, one.entity_type), default=None)


def _from_base64(word: str) -> bytes:
    """What it holds; nothing where it is no Base64."""
    # A word of one case or without a digit, sign or capital inside is a word, not an encoding.
    if word.islower() or word.isupper() or word.isdigit():
        return b""
    bare = word.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _unpacked(raw: bytes, room: int) -> bytes:
    """At most `room` bytes of what is packed; nothing where nothing is."""
    if room <= 0:
        return b""
    try:
        if raw.startswith(_ZIP):
            return _unzipped(raw, room)
        wbits = _PACKED.get(raw[:2])
        return zlib.decompressobj(wbits).decompress(raw, room) if wbits else b""
    except (zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, ValueError, OSError):
        return b""


def _unzipped(raw: bytes, room: int) -> bytes:
    parts: list[bytes] = []
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        for info in archive.infolist():
            if room <= 0:
                break
            with archive.open(info) as member:
                parts += (info.filename.encode("utf-8", "replace"), member.read(room))
            room -= len(parts[-1]) + len(parts[-2])
    return b"\n".join(parts)


def _from_hex(word: str) -> str | None:
    pairs = _BLANKS.sub("", word)
    return _text(bytes.fromhex(pairs)) if len(pairs) % 2 == 0 else None


def _from_dump(lines: str) -> str | None:
    """The bytes of a dump as text, a blank for what is none."""
    read = b"".join(
        bytes.fromhex(_BLANKS.sub("", match["bytes"])) for match in map(_DUMPED.match, lines.splitlines()) if match
    )
    return "".join(char if char.isprintable() else " " for char in read.decode("utf-8", "replace"))


def _text(content: bytes) -> str | None:
    """Bytes as text, in one of the charsets that programs write without a word about it."""
    # Every second byte of words in UTF-16 is zero, of the Latin ones at least.
    charset = "utf-16-le" if len(content) > 3 and content[1::2].count(0) * 4 > len(content) else "utf-8"
    try:
        text = content.decode(charset)
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    return text if _READABLE.fullmatch(text) else None
