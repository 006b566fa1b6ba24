"""Whether a value left the machine, in whatever spelling: the question that every test of dragoman ends with.

Everything that was received is decoded in every way that is known here, and the results again, up to `DEPTH` layers.
A finding names the request, the place and the decodings, never the value.
"""

import base64
import binascii
import html
import quopri
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_plus

from proxy.fakes.traffic import MAX_DECODED, Received

DEPTH = 3  # JSON inside JSON inside base64 is the deepest that was seen in a provider API
SHORT = 6  # shorter values must stand alone as a word, else "Lan" would be found in "plan" and in random base64
SHORTEST = 3

_JSON_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|[\"\\/bfnrt])")
_JSON_PLAIN = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_BASE64_RUN = re.compile(r"[A-Za-z0-9+/_\-](?:[A-Za-z0-9+/_\-]|[\r\n]+(?=[A-Za-z0-9+/_\-])){7,}")
_DEFLATED = ((31, "gzip", re.compile(rb"\x1f\x8b\x08")), (15, "zlib", re.compile(rb"\x78[\x01\x5e\x9c\xda]")))
_HEX_RUN = re.compile(r"(?:[0-9a-fA-F]{2}){3,}")


@dataclass(frozen=True, slots=True)
class Leak:
    """One value found. request, value: places in what was given, from 0. place: `target`, `header <name>` or `body`.

    layers: the decodings that made it visible, outermost first; empty where it stood there as it is.
    """

    request: int
    value: int
    place: str
    layers: tuple[str, ...]

    def __str__(self) -> str:
        spelled = f" ({', '.join(self.layers)})" if self.layers else ""
        return f"value {self.value} is in request {self.request}, {self.place}{spelled}"


def assert_no_leak(received: Iterable[Received], values: Sequence[str]) -> None:
    """Raise AssertionError if any value was received in any spelling that is known here.

    received: what a `FakeProvider` kept. values: at least one, each of at least three characters that are not blank
    (ValueError otherwise: such a check would prove nothing).
    """
    leaks = find_leaks(received, values)
    if leaks:
        raise AssertionError("personal data reached the provider: " + "; ".join(map(str, leaks)))


def find_leaks(received: Iterable[Received], values: Sequence[str]) -> list[Leak]:
    """Every value in every place, once per place, with the fewest layers that show it."""
    searches = [_search(value) for value in values]
    if not searches:
        raise ValueError("name at least one value to look for")
    leaks = []
    for request, call in enumerate(received):
        for place, data in _places(call):
            open_searches = dict(enumerate(searches))
            for layers, text in _views(data):
                seen = _Seen(text)
                for value in [value for value, found_in in open_searches.items() if found_in(seen)]:
                    leaks.append(Leak(request, value, place, layers))
                    del open_searches[value]
    return leaks


class _Seen:
    """A text as it is compared: composed, with and without blanks and case."""

    def __init__(self, text: str) -> None:
        self.words = unicodedata.normalize("NFC", text)
        self.squeezed = _squeeze(text)


def _search(value: str) -> Callable[[_Seen], bool]:
    squeezed = _squeeze(value)
    if len(squeezed) < SHORTEST:
        raise ValueError(f"a value to look for needs at least {SHORTEST} characters that are not blank")
    if len(squeezed) >= SHORT:
        return lambda seen: squeezed in seen.squeezed
    word = re.compile(rf"(?<!\w){re.escape(unicodedata.normalize('NFC', value.strip()))}(?!\w)")
    return lambda seen: word.search(seen.words) is not None


def _squeeze(text: str) -> str:
    """Compatibility-composed, without case, without anything that does not show (blanks, joiners, soft hyphens)."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if not char.isspace() and unicodedata.category(char) != "Cf")


def _places(call: Received) -> Iterator[tuple[str, bytes]]:
    yield "target", call.target
    for name, value in call.headers:
        yield f"header {name.decode('latin-1').lower()}", name + b": " + value
    yield "body", call.body
    try:
        decoded = call.decoded()
    except ValueError:
        return  # the raw bytes are searched all the same, gzip and deflate included
    if decoded != call.body:
        yield "body", decoded


def _views(data: bytes) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every reading of the bytes, plain ones first; each text once."""
    known: set[str] = set()
    layer: list[tuple[tuple[str, ...], str]] = [((*name,), text) for name, text in _texts(data)]
    for _ in range(DEPTH + 1):
        following = []
        for layers, text in layer:
            if text in known:
                continue
            known.add(text)
            yield layers, text
            following += [((*layers, name), inner) for name, inner in _decodings(text)]
        layer = following


def _texts(data: bytes) -> Iterator[tuple[tuple[str, ...], str]]:
    """Bytes as text: UTF-8, and what else they may be."""
    try:
        yield (), data.decode("utf-8")
    except UnicodeDecodeError:
        yield (), data.decode("utf-8", "replace")
        yield ("latin-1",), data.decode("latin-1")
    if b"\0" in data:
        for name in ("utf-16-le", "utf-16-be"):
            yield (name,), data.decode(name, "replace")
    for wbits, name, magic in _DEFLATED:
        for start in magic.finditer(data):
            try:
                inner = zlib.decompressobj(wbits).decompress(memoryview(data)[start.start() :], MAX_DECODED)
            except zlib.error:
                continue
            yield (name,), inner.decode("utf-8", "replace")
            break


def _decodings(text: str) -> Iterator[tuple[str, str]]:
    if "\\" in text:
        yield "JSON escapes", _joined(_JSON_ESCAPE.sub(_json_char, text))
    if "%" in text or "+" in text:
        yield "percent-encoding", unquote_plus(text)
    if "&" in text:
        yield "HTML entities", html.unescape(text)
    if "=" in text:
        quoted = quopri.decodestring(text.encode("utf-8", "replace")).decode("utf-8", "replace")
        yield "quoted-printable", quoted
    runs = [re.sub(r"[\r\n]", "", match[0]) for match in _BASE64_RUN.finditer(text)]
    for offset in range(4):
        for layers, inner in _all_texts(filter(None, (_unbase64(run[offset:]) for run in runs))):
            yield " in ".join([*layers, "base64"]), inner
    for layers, inner in _all_texts(bytes.fromhex(match[0]) for match in _HEX_RUN.finditer(text)):
        yield " in ".join([*layers, "hex"]), inner


def _all_texts(found: Iterable[bytes]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The texts of several decoded runs, joined by kind, so that their number does not grow with the input."""
    by_kind: dict[tuple[str, ...], list[str]] = {}
    for data in found:
        for kind, text in _texts(data):
            by_kind.setdefault(kind, []).append(text)
    for kind, texts in by_kind.items():
        yield kind, "\n".join(texts)


def _unbase64(run: str) -> bytes:
    """A run decoded from its first character on, both alphabets, padded as needed."""
    text = run.translate(str.maketrans("-_", "+/"))
    if len(text) % 4 == 1:
        text = text[:-1]
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return b""


def _json_char(match: re.Match[str]) -> str:
    escape = match[0][1:]
    return chr(int(escape[1:], 16)) if escape[0] == "u" and len(escape) == 5 else _JSON_PLAIN[escape]


def _joined(text: str) -> str:
    """Surrogate pairs as the characters that they are; lone ones replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
