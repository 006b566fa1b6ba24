"""Bytes inside a body: base64 in both alphabets, data: URLs, and whether what they hold is text.

What can be read as text is handed back as text; the rest keeps its media type (named, or told by its first bytes)
and its size. Nothing is decoded twice and nothing is executed, unpacked or rendered here.
"""

import base64
import binascii
import re
from dataclasses import dataclass, replace
from urllib.parse import unquote

from proxy.errors import FormatError
from proxy.formats.base import SDP
from proxy.formats.document import Base64, DataUrl, Write, codec_of

MAX_DATA_URL_HEAD = 256
LONG = 512  # characters of base64 in a place where words are expected: no key or id is as long
OCTETS = "application/octet-stream"

_BASE64 = re.compile(r"[A-Za-z0-9+/_\-\r\n]+={0,2}\s*\Z")
_BLANKS = re.compile(r"[ \t\r\n\f]+")  # what the forgiving decoder of the WHATWG Infra standard (7.1) removes
_HEAD = re.compile(r"data:([^,;]*)((?:;[^,;]*)*),", re.IGNORECASE)
_PLAIN_HEAD = re.compile(
    r"data:(?:[a-z]{1,20}/(?:[a-z.+\-]|[0-9]{1,4}(?![0-9])){1,90})?(?:;charset=[a-z0-9_.:\-]{1,20})?(?:;base64)?,",
    re.IGNORECASE,
)
_TEXT_TYPES = re.compile(
    r"text/|application/(?:json|xml|yaml|x-yaml|csv|javascript|sql|x-ndjson|jsonl|toml|rtf|x-sh|graphql)|.*\+(?:json|xml|yaml)\Z"
)
_AS_IT_IS = {SDP: re.compile(r"v=0(?:\r?\n[a-z]=[^\r\n\0]+)*(?:\r?\n)?")}
"""RFC 8866, 5: a session description is lines of `<type>=<value>`, the first of them its version."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_MAGIC = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"PK\x03\x04", "application/zip"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"\x1f\x8b", "application/gzip"),
    (b"\xd0\xcf\x11\xe0", "application/x-ole-storage"),
)
_OFFICE = "application/vnd.openxmlformats-officedocument."
_PACKAGES = (
    (b"word/document.xml", f"{_OFFICE}wordprocessingml.document"),
    (b"xl/workbook.xml", f"{_OFFICE}spreadsheetml.sheet"),
    (b"ppt/presentation.xml", f"{_OFFICE}presentationml.presentation"),
)
_NAMES = {
    "wav": "audio/wav", "mp3": "audio/mpeg", "pcm16": "audio/pcm", "flac": "audio/flac", "opus": "audio/opus",
    "m4a": "audio/mp4", "ogg": "audio/ogg", "webm": "audio/webm", "aac": "audio/aac",
    "png": "image/png", "jpeg": "image/jpeg", "jpg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
    "mp4": "video/mp4", "mov": "video/quicktime", "mkv": "video/x-matroska", "mpeg": "video/mpeg",
    "pdf": "application/pdf", "csv": "text/csv", "txt": "text/plain", "md": "text/markdown", "html": "text/html",
    "docx": f"{_OFFICE}wordprocessingml.document",
    "xlsx": f"{_OFFICE}spreadsheetml.sheet",
    "pptx": f"{_OFFICE}presentationml.presentation",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Read:
    """What some bytes are. text: None where they cannot be read as text. write: spells a new text in their place.

    raw: the bytes where they are no text; what `write` spells then are bytes as Latin-1. head: how much of a data: URL
    stands before what `write` spells; named: whether that says more than a media type and a charset.
    """

    media_type: str
    size: int
    text: str | None = None
    write: Write | None = None
    raw: bytes = b""
    head: int = 0
    named: bool = False


def stands_as_it_is(value: str, media_type: str) -> bool:
    """Whether a string is a medium of that type, not encoded."""
    known = _AS_IT_IS.get(media_type)
    return known is not None and known.fullmatch(value) is not None


def media_type_of(name: str | None) -> str:
    """A media type from what stands in a field: `image/png`, `wav`, `text/plain; charset=utf-8`; "" where none."""
    if not name:
        return ""
    name = name.partition(";")[0].strip().lower()
    return name if "/" in name else _NAMES.get(name, "")


def is_text_type(media_type: str) -> bool:
    """Whether bytes of this type are words."""
    return _TEXT_TYPES.match(media_type) is not None


def sniff(raw: bytes) -> str:
    """The media type that the first bytes tell, "" where none is known."""
    for magic, name in _MAGIC:
        if raw.startswith(magic):
            return _package(raw) if name == "application/zip" else name
    if raw[:4] == b"RIFF":
        return {b"WAVE": "audio/wav", b"WEBP": "image/webp"}.get(raw[8:12], "")
    return "video/mp4" if raw[4:8] == b"ftyp" else ""


def _package(raw: bytes) -> str:
    """Which office file a ZIP file is, by a member that each has; names of members are never packed."""
    for member, name in _PACKAGES:
        if member in raw:
            return name
    return "application/zip"


def read_base64(value: str, media_type: str = "", *, charset: str = "", blanks: bool = False) -> Read | None:
    """Decode base64 in either alphabet, padded or not; None where the value is none.

    blanks: base64 is what has to stand there, so words that show once its blanks are gone are opened as well.
    """
    if _BASE64.match(value) is None:
        read = read_base64(_BLANKS.sub("", value), media_type, charset=charset) if blanks else None
        return read if read is not None and read.text is not None else None
    bare = value.strip().replace("\r", "").replace("\n", "")
    url_safe = "-" in bare or "_" in bare
    if url_safe and ("+" in bare or "/" in bare):
        return None
    stripped = bare.rstrip("=")
    try:
        raw = base64.b64decode(
            stripped + "=" * (-len(stripped) % 4), altchars=b"-_" if url_safe else None, validate=True
        )
    except (binascii.Error, ValueError):
        return None
    text, coding = text_of(raw, media_type, charset)
    padded = bare.endswith("=") or len(stripped) % 4 == 0
    known = sniff(raw) or media_type or (OCTETS if text is None else "text/plain")
    write = Base64(url_safe, padded, coding or "latin-1")
    return Read(known, len(raw), text, write, b"" if text is not None else raw)


def text_of(raw: bytes, media_type: str = "", charset: str = "") -> tuple[str | None, str]:
    """The bytes as text and their charset, or (None, "") where they are something else.

    What says it is text may be in its charset (else Latin-1 for text types); anything else only in clean UTF-8.
    """
    if sniff(raw):
        return None, ""
    marked = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        declared = "utf-16" if marked else codec_of(raw, charset)
    except FormatError:
        return None, ""
    for name in dict.fromkeys((declared, "utf-8")):
        try:
            text = raw.decode(name)
            if text.encode(name) == raw and (_CONTROL.search(text) is None or is_text_type(media_type)):
                return text, name
        except (UnicodeError, ValueError):
            continue
    return (raw.decode("latin-1"), "latin-1") if is_text_type(media_type) else (None, "")


def begins_data_url(text: str) -> bool:
    """Whether words are a data: URL: no blank stands in its head, and none behind a head that names nothing."""
    head = _HEAD.match(text[:MAX_DATA_URL_HEAD])
    if head is None or head[1][:1].isspace():
        return False
    return "/" in head[1] or bool(head[2]) or _BLANKS.search(text, head.end()) is None


def read_data_url(url: str) -> Read | None:
    """The content of a data: URL (RFC 2397); None where the text is none."""
    head = _HEAD.match(url[:MAX_DATA_URL_HEAD])
    if head is None:
        return None
    media_type = head[1].strip().lower()
    parameters = [part.strip() for part in head[2].split(";") if part.strip()]
    charset = next((part[8:] for part in parameters if part.lower().startswith("charset=")), "")
    payload = url[head.end() :]
    if "base64" in (part.lower() for part in parameters):
        read = read_base64(unquote(payload), media_type, charset=charset, blanks=True)
        read = read or Read(media_type or OCTETS, len(payload))
    else:
        read = Read(media_type or "text/plain", len(payload), unquote(payload), DataUrl(payload))
    return replace(read, head=head.end(), named=_PLAIN_HEAD.fullmatch(head[0]) is None)


def is_long_base64(text: str) -> bool:
    """Whether a text is nothing but a long run of base64 that mixes letters and digits."""
    if len(text) < LONG or _BASE64.match(text) is None:
        return False
    return any(char.isdigit() for char in text) and not text.islower() and not text.isupper()
