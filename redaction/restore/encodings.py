"""How a restored value is written where it stands, and how a JSON string is read while it is still arriving.

A channel may hold plain text, the text of a JSON document (tool-call arguments), HTML or a URL; a placeholder that a
model spelled with entities, percent or `\\u` escapes stands in such a text as well. Pure; nothing is kept.
"""

import html
import re
from enum import StrEnum
from urllib.parse import quote

_ESCAPE = re.compile(r'\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|["\\/bfnrt])')
_HALF = re.compile(
    r"\\(?:u(?:[0-9a-fA-F]{0,3}|[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?))?\Z"
)
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_LONGEST_HALF = 11  # the first half of a surrogate pair and all but one character of the second
_SHORT = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_TO_JSON = re.compile(r'["\\\x00-\x1f\ud800-\udfff]')
_IN_JSON = re.compile(r'(?:[^"\\\x00-\x1f\ud800-\udfff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*')
_TO_JSON_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Encoding(StrEnum):
    """What the text of a channel is.

    JSON: the text of a JSON document that itself arrives as a string, such as a tool call's arguments. HTML: entities
    for all that has one. XML: for what would break a document between tags; a quotation mark stays.
    """

    PLAIN = "plain"
    JSON = "json"
    HTML = "html"
    XML = "xml"
    URL = "url"


def encode(value: str, encoding: Encoding) -> str:
    """The value as it is written in such a text."""
    if encoding is Encoding.JSON:
        return _TO_JSON.sub(lambda match: _TO_JSON_SHORT.get(match[0]) or f"\\u{ord(match[0]):04x}", value)
    if encoding is Encoding.HTML:
        return html.escape(value)
    if encoding is Encoding.XML:
        return html.escape(value, quote=False)
    if encoding is Encoding.URL:
        return quote(value, safe="", errors="surrogatepass")
    return value


def must_be_escaped(value: str) -> bool:
    """Whether a string of JSON spells the value differently."""
    return _TO_JSON.search(value) is not None


def is_escaped(value: str, times: int) -> bool:
    """Whether the value can stand as it is in a string of JSON within so many."""
    for _ in range(times):
        if not _IN_JSON.fullmatch(value):
            return False
        value = read_json(value, final=True)[0]
    return True


def of_brackets(brackets: str) -> Encoding:
    """What kind of text surrounds a placeholder whose opening bracket was written so."""
    if brackets.startswith("%"):
        return Encoding.URL
    if brackets.startswith("&"):
        return Encoding.HTML
    return Encoding.JSON if brackets.startswith("\\u") else Encoding.PLAIN


def read_json(raw: str, *, final: bool) -> tuple[str, list[int]]:
    """Text of a JSON document with its string escapes read, as far as they are complete.

    Returns the characters and, for each of them and for the end, where it begins in `raw`; what lies behind the last
    number is an escape that is cut in two (never where `final`). An escape that JSON does not know stays as it is.
    """
    characters: list[str] = []
    places: list[int] = []
    position, end = 0, len(raw)
    for match in _ESCAPE.finditer(raw):
        if not final and (half := _half_at(raw, position, match.end())) is not None:
            end = half
            break
        characters.extend(raw[position : match.start()])
        places.extend(range(position, match.start()))
        characters.append(_read_escape(match[0]))
        places.append(match.start())
        position = match.end()
    else:
        if not final and (half := _half_at(raw, position, len(raw))) is not None:
            end = half
    characters.extend(raw[position:end])
    places.extend(range(position, end))
    places.append(end)
    return "".join(characters), places


def read_percent(raw: str) -> tuple[str, list[int]] | None:
    """Text of a URL with its percent signs read, and where each character and the end begin in `raw`.

    None where what they spell is no UTF-8: then no character has a place of its own.
    """
    characters: list[str] = []
    places: list[int] = []
    position = 0
    for match in _PERCENT.finditer(raw):
        try:
            spelled = bytes.fromhex(match[0].replace("%", "")).decode("utf-8")
        except UnicodeDecodeError:
            return None
        characters.extend(raw[position : match.start()])
        places.extend(range(position, match.start()))
        position = match.start()
        for char in spelled:
            characters.append(char)
            places.append(position)
            position += 3 * len(char.encode("utf-8"))
    characters.extend(raw[position:])
    places.extend(range(position, len(raw) + 1))
    return "".join(characters), places


def _half_at(raw: str, start: int, end: int) -> int | None:
    """Where in `start:end` an escape begins that reaches the end of `raw` and that more text may complete, or None."""
    begin = raw.find("\\", max(start, len(raw) - _LONGEST_HALF), end)
    while begin >= 0:
        if _HALF.match(raw, begin):
            return begin
        begin = raw.find("\\", begin + 1, end)
    return None


def _read_escape(escape: str) -> str:
    if escape[1] != "u":
        return _SHORT[escape[1]]
    if len(escape) == 6:
        return chr(int(escape[2:], 16))
    high, low = int(escape[2:6], 16), int(escape[8:], 16)
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
