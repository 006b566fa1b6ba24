"""Texts outside the body: path, query and header fields of a request, and how they are written back.

Credential carriers of the destination and fields that HTTP itself needs are left alone; any other value is a segment,
percent-decoded as often as it was encoded. An unknown field is text, its name included, and so is a cookie.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from audit.flat import slotted
from proxy.errors import FormatError
from proxy.formats.base import RequestHead
from proxy.formats.document import Document, Percent, Slot, Write, plain
from proxy.formats.field_names import PLAIN, as_name, words_of
from proxy.messages import Headers, utf8
from redaction.segment import Segment, SegmentKind

# RFC 9110 fields that say how, not what, in words of programs.
PROSE_HEADERS = frozenset(
    """accept accept-charset accept-encoding accept-language cache-control content-type date if-modified-since
    if-unmodified-since sec-websocket-extensions user-agent x-goog-api-client x-amz-user-agent""".split()  # noqa: SIM905
)
# Fields of HTTP and of the providers' SDKs whose value is one token: an id, a date, a digest, a number.
STRUCTURAL_HEADERS = frozenset(
    """content-encoding content-length content-md5 content-range digest dnt etag expect host if-match if-none-match
    pragma priority range te trailer transfer-encoding upgrade upgrade-insecure-requests vary connection keep-alive
    proxy-connection origin-agent-cluster save-data sec-websocket-key sec-websocket-version
    openai-beta anthropic-version anthropic-beta x-amz-date x-amz-content-sha256 x-amz-target amz-sdk-invocation-id
    amz-sdk-request traceparent b3 x-ms-client-request-id x-client-name
    x-goog-upload-command x-goog-upload-protocol x-goog-upload-offset x-goog-upload-header-content-length
    x-goog-upload-header-content-type openai-organization openai-project x-goog-user-project idempotency-key
    x-request-id x-goog-request-params x-server-timeout
    mcp-session-id mcp-protocol-version mcp-method""".split()  # noqa: SIM905 (a list to read)
)
MCP_NAME = "mcp-name"
"""Repeats the name or the URI of the body, and servers compare the two: so it is read as the body is."""
PROSE_PREFIXES = ("x-stainless-", "sec-ch-", "sec-fetch-")
STRUCTURAL_QUERY = frozenset(
    """alt api-version after before limit order stream page page_size pagesize pagetoken page_token fields prettyprint
    $alt updatemask uploadtype upload_protocol beta include include[] view mask model call_id intent""".lower().split()
)
_PROSE = re.compile(r"[A-Za-z0-9_.,:;=/*+\"'()\[\]<>?!&%~{}|$#^ \-]{0,512}\Z")
# A blank stands only where HTTP has one: in lists and in `bytes 0-9/10`. Words with blanks are words of somebody.
_TOKEN = re.compile(r"(?:bytes )?(?:[A-Za-z0-9_.:/*=+$\-]|[,;] ?){0,256}\Z")
_CALLED = re.compile(r"\+[0-9](?:[.\-/]?[0-9]){6,}\Z")  # +49-171-2345678, which no program writes as an id
_QUERY_TOKEN = re.compile(r"[A-Za-z0-9_.,:;/*=$\-]{0,256}\Z")  # without `+`, which is a blank there
# Fields that a record may name as the place of a finding; a client makes up others, and may make them of a name.
_NAMED = (
    PROSE_HEADERS
    | STRUCTURAL_HEADERS
    | frozenset(
        """accept-datetime authorization content-disposition content-language content-location cookie forwarded from
        link location origin referer sec-websocket-protocol via warning x-api-key x-correlation-id x-forwarded-for
        x-forwarded-host x-forwarded-proto x-real-ip x-requested-with x-goog-upload-file-name x-title http-referer
        mcp-name""".split()  # noqa: SIM905
    )
)
_PATH_WORD = re.compile(r"[a-z][a-z_.\-]{0,39}\Z|v[0-9][a-z0-9.]{0,9}\Z")
# A name of a protocol (RFC 6455 section 4.1), or OpenAI's way for a key, which is a credential towards it.
_MCP_TOOL = re.compile(r"[A-Za-z0-9_.\-]{1,128}")
_PROTOCOL = re.compile(r" *(?:[a-z][a-z-]{0,30}(?:[.-]v?[0-9]{1,2})*|openai-insecure-api-key\.[!-~]{1,512}) *")
_DIGITS = re.compile(r"[0-9]{7,}|(?:[0-9][ ()/.\-]{0,2}){9,}")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
MAX_DECODES = 3


@slotted
@dataclass(frozen=True, slots=True)
class Target:
    """Path, query and headers taken apart. segments: pointers `path/<n>`, `query/<n>`, `header/<n>/<name>`.

    names, values: of header fields, by their number. Pointers to names end in `~k`.
    """

    segments: tuple[Segment, ...]
    path: Document
    query: Document
    headers: Headers
    names: Mapping[int, Document]
    values: Mapping[int, Document]

    def splice(self, replacements: Mapping[str, str]) -> tuple[str, str, Headers]:
        """Path, query (both raw, without `?`) and headers with the texts of these pointers replaced."""
        fields = list(self.headers.fields)
        for number, document in self.values.items():
            text = document.splice(replacements)
            if text is not document.text:
                fields[number] = (fields[number][0], _header_bytes(text))
        for number, document in self.names.items():
            text = document.splice(replacements)
            if text is not document.text:
                fields[number] = (text.encode("ascii"), fields[number][1])
        return self.path.splice(replacements), self.query.splice(replacements), Headers(tuple(fields))


NOWHERE = Target((), Document(""), Document(""), Headers(), {}, {})
"""Of a message in a session that is open: it has no target of its own."""


def read_target(head: RequestHead, *, carriers: Collection[str] = (), query_carriers: Collection[str] = ()) -> Target:
    """Take path, query and headers apart. carriers, query_carriers: credential names, lower case; never segments.

    Raises FormatError `invalid_target` where the path or query holds what cannot stand in one.
    """
    segments: list[Segment] = []
    path = _path(head.path, segments)
    query = _query(head.query, frozenset(query_carriers), segments)
    known = frozenset(carriers)
    names = _names(head.headers, known, segments)
    values = _headers(head.headers, known, segments)
    return Target(tuple(segments), path, query, head.headers, names, values)


def _path(path: str, segments: list[Segment]) -> Document:
    slots: list[Slot] = []
    start = 0
    for number, part in enumerate(path.split("/")):
        end = start + len(part)
        if part and _PATH_WORD.match(part) is None:
            text, times = percent_decoded(part, plus=False)
            pointer = f"path/{number}"
            segments.append(Segment(pointer, text, SegmentKind.PATH, "path/*"))
            slots.append(Slot(start, end, _percent(times, plus=False), pointer))
        start = end + 1
    return Document(path, tuple(slots))


def _query(query: str, carriers: frozenset[str], segments: list[Segment]) -> Document:
    slots: list[Slot] = []
    start = 0
    for number, part in enumerate(query.split("&")):
        name, equals, value = part.partition("=")
        key, key_times = percent_decoded(name, plus=True)
        if key.lower() not in carriers and part:
            value_at = start + len(name) + len(equals)
            known = key.lower() in STRUCTURAL_QUERY
            if not known:
                pointer = f"query/{number}~k"
                segments.append(Segment(pointer, key, SegmentKind.KEY, "query/*"))
                slots.append(Slot(start, start + len(name), _percent(key_times, plus="+" in name), pointer))
            if value and not (known and _QUERY_TOKEN.match(value) and not _DIGITS.search(value)):
                text, times = percent_decoded(value, plus=True)
                pointer = f"query/{number}"
                schema = f"query/{key.lower()}" if known else "query/*"
                segments.append(Segment(pointer, text, SegmentKind.QUERY, schema, key))
                write = _percent(times, plus="+" in value)
                slots.append(Slot(value_at, value_at + len(value), write, pointer))
        start += len(part) + 1
    return Document(query, tuple(slots))


def _names(headers: Headers, carriers: frozenset[str], segments: list[Segment]) -> dict[int, Document]:
    found: dict[int, Document] = {}
    for number, (raw, _) in enumerate(headers.fields):
        name = raw.decode("latin-1")
        lower = name.lower()
        if lower in PLAIN or lower in carriers:
            continue
        pointer = f"header/{number}~k"
        words = words_of(percent_decoded(name, plus=False)[0])
        segments.append(Segment(pointer, words, SegmentKind.KEY, "header/*"))
        found[number] = Document(name, (Slot(0, len(name), as_name, pointer),))
    return found


def _headers(headers: Headers, carriers: frozenset[str], segments: list[Segment]) -> dict[int, Document]:
    found: dict[int, Document] = {}
    for number, (raw_name, raw_value) in enumerate(headers.fields):
        name = raw_name.decode("latin-1").lower()
        if name in carriers or not raw_value:
            continue
        value, write = _header_text(raw_value)
        if name == "sec-websocket-protocol" and all(map(_PROTOCOL.fullmatch, value.split(","))):
            continue
        if name == MCP_NAME and _MCP_TOOL.fullmatch(value):
            continue
        if (name in STRUCTURAL_HEADERS and _TOKEN.match(value) and not _CALLED.match(value)) or (
            (name in PROSE_HEADERS or name.startswith(PROSE_PREFIXES))
            and _PROSE.match(value)
            and (name == "content-type" or not _DIGITS.search(value))
        ):
            continue
        pointer = f"header/{number}/{name}"
        schema = f"header/{name}" if name in _NAMED else "header/*"
        decoded, times = (value, 0) if name == MCP_NAME else percent_decoded(value, plus=False)
        segments.append(Segment(pointer, decoded, SegmentKind.HEADER, schema, name))
        spelled = _percent(times, plus=False) if times else write
        found[number] = Document(value, (Slot(0, len(value), spelled, pointer),))
    return found


def percent_decoded(value: str, *, plus: bool) -> tuple[str, int]:
    """The text behind percent signs and how often it was encoded (0: not at all)."""
    text = value.replace("+", " ") if plus else value
    times = 0
    while times < MAX_DECODES and _ESCAPE.search(text):
        try:
            decoded = unquote(text, errors="strict")
        except UnicodeDecodeError:
            decoded = unquote(text, encoding="latin-1")
        if decoded == text:
            break
        text, times = decoded, times + 1
    if times == MAX_DECODES and _ESCAPE.search(text):
        raise FormatError("a text in the request is percent-encoded too often", code="invalid_target")
    return utf8(text) if not times else text, times


def _percent(times: int, *, plus: bool) -> Write:
    return Percent(plus=plus, times=max(times, 1))


def _header_text(raw: bytes) -> tuple[str, Write]:
    try:
        return raw.decode("utf-8"), plain
    except UnicodeDecodeError:
        return raw.decode("latin-1"), plain


def _header_bytes(text: str) -> bytes:
    """A field value (RFC 9110 section 5.5): never a line break, whatever a replacement holds."""
    if any(char in text for char in "\r\n\0"):
        raise FormatError("a replaced header value would hold a line break", code="replacement_not_encodable")
    return text.encode("utf-8", "surrogatepass")
