"""Multipart bodies (RFC 2046 section 5.1, RFC 7578): where each part, each of its header fields and its content stand.

Strict on purpose: a body that two parsers could cut differently is refused, because what we take for the content of a
picture may be a field of its own for the receiver.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from proxy.errors import FormatError

MAX_PARTS = 1000  # no API takes more than a few dozen; each part costs several objects
MAX_HEAD = 16 * 1024  # bytes of one part's header fields
_BOUNDARY = re.compile(r";\s*boundary=(?:\"([^\"]{1,70})\"|([^\s;\"]{1,70}))\s*(?:;|\Z)", re.IGNORECASE)
_BCHARS = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}):[ \t]*([^\r\n\0]*?)[ \t]*")
_IDENTITY = frozenset((b"", b"7bit", b"8bit", b"binary"))


@dataclass(frozen=True, slots=True)
class Field:
    """One header field of a part; the value is `body[start:end]`. name: lower case; at: where it stands."""

    name: str
    at: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Part:
    """One part. Its content is `body[start:end]`."""

    fields: tuple[Field, ...]
    start: int
    end: int

    def span(self, name: str) -> tuple[int, int]:
        """Where the value of a field stands; (0, 0) where there is none."""
        return next(((field.start, field.end) for field in self.fields if field.name == name), (0, 0))


def boundary_of(content_type: str) -> bytes:
    """The boundary that a Content-Type names. Raises FormatError `invalid_multipart`."""
    match = _BOUNDARY.search(content_type)
    boundary = (match[1] or match[2]) if match else ""
    if _BCHARS.fullmatch(boundary) is None or content_type.lower().count("boundary=") != 1:
        raise _invalid("its Content-Type names no usable boundary")
    return boundary.encode("ascii")


def parts(body: bytes, boundary: bytes) -> Iterator[Part]:
    """The parts, in order. Raises FormatError `invalid_multipart` on anything that is not exactly such a body."""
    delimiter = re.compile(rb"(?:\A|\r\n)--" + re.escape(boundary) + rb"(?:(--)|(?=\r\n))")
    # Some receivers take a bare LF for a line end, so a delimiter after one would be a cut that we do not make.
    if re.search(rb"(?<!\r)\n--" + re.escape(boundary), body) is not None:
        raise _invalid("a boundary stands behind a bare line feed")
    begun = delimiter.match(body)
    if begun is None or begun[1] is not None:
        raise _invalid("it does not begin with its boundary")
    count, start = 0, begun.end() + 2
    while True:
        # The CR LF of the line before may open the next delimiter, where a part is empty to the last byte.
        ended = delimiter.search(body, start - 2)
        if ended is None:
            raise _invalid("its last boundary is missing")
        count += 1
        if count > MAX_PARTS:
            raise _invalid(f"it has more than {MAX_PARTS} parts")
        yield _part(body, start, ended.start())
        start = ended.end() + 2
        if ended[1] is not None:
            break
    if body[ended.end() :].strip(b" \t\r\n"):
        raise _invalid("something follows its last boundary")


def _part(body: bytes, start: int, end: int) -> Part:
    fields: list[Field] = []
    at = start
    while body[at : at + 2] != b"\r\n":
        stop = body.find(b"\r\n", at, end)
        field = _FIELD.fullmatch(body, at, stop) if stop >= 0 else None
        if field is None or stop - start > MAX_HEAD:
            raise _invalid("a part has no readable header fields")
        fields.append(Field(field[1].decode("ascii").lower(), at, *field.span(2)))
        at = stop + 2
    if at + 2 > end:
        raise _invalid("a part has no content")
    names = [field.name for field in fields]
    if len(set(names)) != len(names):
        raise _invalid("a part has a header field twice")
    part = Part(tuple(fields), at + 2, end)
    coding = slice(*part.span("content-transfer-encoding"))
    if body[coding].lower() not in _IDENTITY:
        raise _invalid("a part is encoded again (Content-Transfer-Encoding); RFC 7578 section 4.7 asks for none")
    return part


def _invalid(why: str) -> FormatError:
    return FormatError(f"the multipart body cannot be read: {why}; nothing was sent", code="invalid_multipart")
