"""A body taken apart: which slots of it hold text, and how a new text is written back into one.

Splicing changes the slots that got a new text and leaves every other character alone. A slot may hold a document of
its own (JSON in a string, text in base64), so a replacement is written through every layer with its right escapes.
"""

import base64
import codecs
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from json.encoder import encode_basestring, encode_basestring_ascii
from urllib.parse import quote, quote_plus

from audit.flat import slotted
from proxy.errors import FormatError
from redaction import tokens
from redaction.restore.encodings import read_percent

type Write = Callable[[str], str]
"""Text in, its spelling in the document around it out."""


@dataclass(slots=True, eq=False)
class Slot:
    """`text[start:end]` of a document. pointer: of the segment there, "" where `inner` holds several or none.

    Never changed once made; not frozen, because a body has hundreds and a frozen one takes three times as long to make.
    """

    start: int
    end: int
    write: Write
    pointer: str = ""
    inner: "Document | None" = None


@slotted
@dataclass(frozen=True, slots=True)
class Document:
    """A text and its slots, in order and without overlap."""

    text: str
    slots: tuple[Slot, ...] = ()

    def echoes(self, replacements: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Each text that was opened and is changed: as it will be sent, as it was written."""
        for slot in self.slots:
            if slot.inner is not None and (sent := slot.inner.splice(replacements)) is not slot.inner.text:
                yield sent, slot.inner.text
                yield from slot.inner.echoes(replacements)

    def splice(self, replacements: Mapping[str, str]) -> str:
        """The text with the slots of these pointers rewritten; the very same object where nothing changes."""
        parts: list[str] = []
        done = 0
        for slot in self.slots:
            if slot.inner is None:
                new = replacements.get(slot.pointer)
                if new is None:
                    continue
            else:
                new = slot.inner.splice(replacements)
                if new is slot.inner.text:
                    continue
            parts.append(self.text[done : slot.start])
            parts.append(slot.write(new))
            done = slot.end
        if not parts:
            return self.text
        parts.append(self.text[done:])
        return "".join(parts)


@slotted
@dataclass(frozen=True, slots=True)
class Body:
    """A document and how its text was encoded. raw: the bytes as they came. bom: bytes before the text.

    opened: words had to be read out of a spelling of its own (a form, markup), so the text as a whole counts as opened.
    """

    raw: bytes
    document: Document
    codec: str = "utf-8"
    bom: bytes = b""
    opened: bool = False

    def echoes(self, replacements: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """See `Document.echoes`."""
        whole = (
            Document(self.document.text, (Slot(0, 0, plain, inner=self.document),)) if self.opened else self.document
        )
        return whole.echoes(replacements)

    def splice(self, replacements: Mapping[str, str]) -> bytes:
        """The bytes with the slots of these pointers rewritten; `raw` itself where nothing changes.

        Raises FormatError `replacement_not_encodable` where the text's coding cannot spell a replacement.
        """
        text = self.document.splice(replacements)
        if text is self.document.text:
            return self.raw
        try:
            return self.bom + text.encode(self.codec)
        except UnicodeEncodeError:
            pass  # the error holds the text, so ours is raised outside of it
        raise FormatError("a replaced text cannot be written in the body's encoding", code="replacement_not_encodable")


@slotted
@dataclass(frozen=True, slots=True)
class Decoded:
    """Bytes read as text."""

    text: str
    codec: str
    bom: bytes = b""


_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BY_ZEROS = {"000x": "utf-32-be", "x000": "utf-32-le", "0x0x": "utf-16-be", "x0x0": "utf-16-le"}


def decode(raw: bytes, charset: str = "", *, zeros: bool = True) -> Decoded:
    """A body as text: by its byte order mark, the zeros of UTF-16 and UTF-32 (RFC 4627 section 3), else `codec_of`.

    zeros: whether those may tell; only in JSON, where a zero byte can be nothing else.
    Raises FormatError `invalid_encoding`.
    """
    for bom, name in _BOMS:
        if raw.startswith(bom):
            return Decoded(_strict(raw[len(bom) :], name), name, bom)
    name = (_by_zeros(raw) if zeros else None) or codec_of(raw, charset)
    return Decoded(_strict(raw, name), name)


def _by_zeros(raw: bytes) -> str | None:
    if b"\0" not in raw[:4]:
        return None
    pattern = "".join("0" if byte == 0 else "x" for byte in raw[:4])
    return _BY_ZEROS.get(pattern) or _BY_ZEROS.get(pattern[:2] * 2)


_CHARSETS = frozenset(
    """utf-8 utf-8-sig ascii iso8859-1 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9
    iso8859-10 iso8859-11 iso8859-13 iso8859-14 iso8859-15 iso8859-16 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256
    cp1257 cp1258 cp437 cp850 cp852 cp866 koi8-r koi8-u tis-620 mac-roman shift_jis cp932 euc_jp gb2312 gbk gb18030
    big5 euc_kr cp949""".split()  # noqa: SIM905 (a list to read)
)
"""Charsets in which bytes of ASCII are ASCII. In another one a text could say one thing to us and another to a
receiver that takes every body for UTF-8; UTF-16 and UTF-32 say themselves what they are."""


def codec_of(raw: bytes, charset: str) -> str:
    """The codec of bytes for which a charset was named, "" for none: UTF-8 wherever they are UTF-8, whatever it says.

    Many clients say ISO-8859-1 by habit, and most receivers do not ask. Raises FormatError `invalid_encoding`.
    """
    name = "utf-8"
    if charset:
        try:
            name = codecs.lookup(charset.strip().strip('"') or "utf-8").name
        except (LookupError, ValueError):
            name = ""
    if name not in _CHARSETS:
        raise FormatError("the charset of a text is not one that is read here; send UTF-8", code="invalid_encoding")
    if name == "utf-8" or raw.isascii():
        return name
    with suppress(UnicodeDecodeError):
        raw.decode("utf-8")
        return "utf-8"
    return name


def _strict(raw: bytes, name: str) -> str:
    try:
        text = raw.decode(name)
        if name == "utf-8" or text.encode(name) == raw:
            return text
    except (UnicodeError, ValueError):
        pass  # the error holds the body, so ours is raised outside of it
    raise FormatError(f"the body is not valid {name}; send UTF-8", code="invalid_encoding")


_SURROGATE = re.compile(r"[\ud800-\udfff]")


def json_text(text: str) -> str:
    """A JSON string literal; lone surrogates as escapes, so that it can be encoded."""
    spelled: str = encode_basestring(text)
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", spelled)
    return spelled


def json_ascii(text: str) -> str:
    """A JSON string literal in ASCII."""
    spelled: str = encode_basestring_ascii(text)
    return spelled


def json_like(literal: str, value: str) -> Write:
    """How a string of the same place is written: in ASCII where the literal took the trouble to be."""
    return json_ascii if literal.isascii() and not value.isascii() else json_text


def not_a_number(text: str) -> str:
    """The writer of a number that the API takes as a number only."""
    raise FormatError(
        "personal data stands in a number that this API does not take as a string; send it as text or leave it out",
        code="number_not_replaceable",
    )


def plain(text: str) -> str:
    """The text itself."""
    return text


def through(inner: Write, outer: Write) -> Write:
    """Both layers: what `inner` spells is written by `outer`."""
    if inner is plain:
        return outer
    return lambda text: outer(inner(text))


@dataclass(frozen=True, slots=True)
class Base64:
    """Text in base64. url_safe: which alphabet; padded or not."""

    url_safe: bool = False
    padded: bool = True
    charset: str = "utf-8"

    def __call__(self, text: str) -> str:
        """Text to its spelling."""
        try:
            raw = text.encode(self.charset, "surrogatepass" if self.charset == "utf-8" else "strict")
        except UnicodeEncodeError:
            raw = None  # the error holds the text, so ours is raised outside of it
        if raw is None:
            raise FormatError("a replaced text cannot be written in its charset", code="replacement_not_encodable")
        coded = (base64.urlsafe_b64encode if self.url_safe else base64.b64encode)(raw).decode("ascii")
        return coded if self.padded else coded.rstrip("=")


@dataclass(frozen=True, slots=True)
class DataUrl:
    """Percent-encoded text of a data: URL. raw: how the app spelled it, kept wherever a new text has the same words."""

    raw: str

    def __call__(self, text: str) -> str:
        """Text to its spelling. Only what stands between placeholders is kept, and only where it is plain where."""
        before = read_percent(self.raw)
        if before is None:
            return quote(text, safe="", errors="surrogatepass")
        words, places = before
        parts: list[str] = []
        pieces = tokens.split(text)
        start, end = 0, len(words) - len(pieces[-1])
        for number, piece in enumerate(pieces):
            if number % 2:
                parts.append(quote(piece, safe=""))
                continue
            last = number == len(pieces) - 1
            at = 0 if not number else (end if last else words.find(piece, start, end))
            if at < start or not words.startswith(piece, at):
                return quote(text, safe="", errors="surrogatepass")
            start = at + len(piece)
            parts.append(self.raw[places[at] : places[start]])
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class Percent:
    """Text in a URL or a form. plus: a blank is written `+`; times: layers."""

    plus: bool = False
    times: int = 1

    def __call__(self, text: str) -> str:
        """Text to its spelling; brackets of placeholders included, as no part of a URL may hold them bare."""
        for _ in range(self.times):
            # Inside a further layer a `+` would be read as itself, so a blank is `+` only where there is one layer.
            spell = quote_plus if self.plus and self.times == 1 else quote
            text = spell(text, safe="", errors="surrogatepass")
        return text
