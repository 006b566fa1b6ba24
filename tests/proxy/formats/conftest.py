"""Reads requests and answers with the formats as the gate would, from any cut of their bytes."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import strategies as st

from proxy.formats.base import Endpoint, Format, Inspected, RequestHead, ResponseFacts
from proxy.formats.selection import Formats
from proxy.messages import Headers
from redaction import tokens
from redaction.detectors import build_engine
from redaction.restore import Restorable, RestoreCounts, Restorer
from redaction.settings import EngineSettings
from tests.proxy.formats.gate import InProcess

KEY = bytes(range(32))
PEOPLE = {tokens.mint(KEY, "PERSON", name): name for name in ('Jürgen "der Große" O\'Neil', "Nguyễn Thị Hạnh")}


@dataclass(frozen=True)
class Read:
    """One request, taken apart."""

    format: Format
    endpoint: Endpoint
    inspected: Inspected

    @property
    def texts(self) -> dict[str, str]:
        """Pointer -> text."""
        return {segment.pointer: segment.text for segment in self.inspected.segments}

    @property
    def kinds(self) -> dict[str, str]:
        """Pointer -> whose words."""
        return {segment.pointer: segment.kind.value for segment in self.inspected.segments}

    def splice(self, replacements: Mapping[str, str]) -> bytes:
        """The body with these texts replaced."""
        return self.format.splice(self.inspected, replacements)


def head(path: str, content_type: str = "application/json", *, method: str = "POST", host: str = "api.example") -> Any:
    """A request line with one header field."""
    path, _, query = path.partition("?")
    fields = ((b"content-type", content_type.encode("utf-8", "surrogateescape")),) if content_type else ()
    return RequestHead(method, host, path, query, Headers(fields))


_BLANKS = st.text(alphabet=" \t\r\n", max_size=2)
_CHARS = st.characters(codec=None, exclude_categories=())
_NUMBERS = st.one_of(
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["-0", "1e400", "1E-7", "0.10", "49171234567", "123456", "12e3", "-1234.5"]),
)


def _literal(value: str, style: int) -> str:
    """A string in one of the spellings that mean the same."""
    if style == 0:
        return json.dumps(value)
    if style == 1:
        raw = json.dumps(value, ensure_ascii=False)
        return "".join(f"\\u{ord(char):04x}" if "\ud800" <= char <= "\udfff" else char for char in raw)
    return '"' + "".join(f"\\u{unit:04X}" for unit in _units(value)) + '"'


def _units(value: str) -> list[int]:
    raw = value.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(raw[at : at + 2]) for at in range(0, len(raw), 2)]


_strings = st.builds(_literal, st.text(_CHARS, max_size=8), st.integers(0, 2))
_scalars = st.one_of(_strings, _NUMBERS, st.sampled_from(["true", "false", "null"]))


@st.composite
def _containers(draw: st.DrawFn, children: st.SearchStrategy[str]) -> str:
    items = draw(st.lists(children, max_size=4))
    if draw(st.booleans()):
        parts = [f"{draw(_BLANKS)}{item}{draw(_BLANKS)}" for item in items]
        return "[" + (",".join(parts) or draw(_BLANKS)) + "]"
    # Few keys, so that some come twice.
    keys = st.one_of(_strings, st.sampled_from(['"a"', '"\\u0061"', '"~/"', '""']))
    parts = [f"{draw(_BLANKS)}{draw(keys)}{draw(_BLANKS)}:{draw(_BLANKS)}{item}{draw(_BLANKS)}" for item in items]
    return "{" + (",".join(parts) or draw(_BLANKS)) + "}"


_documents = st.recursive(_scalars, _containers, max_leaves=12)


@pytest.fixture(scope="session")
def gate() -> Iterator[InProcess]:
    """The real gate in this process, see `tests.proxy.formats.gate`."""
    made = InProcess(build_engine(EngineSettings(languages=("en", "de", "vi"), detectors=("patterns",))))
    yield made
    made.close()


@pytest.fixture(scope="session")
def documents() -> st.SearchStrategy[str]:
    """Any JSON text: blanks, duplicate keys, every spelling of a string, lone surrogates."""
    return _documents


@pytest.fixture(scope="session")
def people() -> Mapping[str, str]:
    """Placeholder -> original."""
    return PEOPLE


@pytest.fixture(scope="session")
def read() -> Callable[..., Read]:
    """`read("/v1/chat/completions", body)`: body as bytes, or a value that becomes JSON."""
    formats = Formats()

    def read(path: str, body: Any, content_type: str = "application/json", hint: str = "", **more: Any) -> Read:
        asked = head(path, content_type, **more)
        chosen, endpoint = formats.select(asked, hint)
        raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        return Read(chosen, endpoint, chosen.read(endpoint, asked, raw))

    return read


@dataclass(frozen=True)
class Answered:
    """A restored answer and what was learned from it."""

    body: bytes
    facts: ResponseFacts
    pieces: tuple[bytes, ...]
    counts: RestoreCounts

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The payloads of server-sent events that are JSON."""
        lines = self.body.decode().splitlines()
        data = [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
        return [json.loads(item) for item in data if item != "[DONE]"]


@pytest.fixture(scope="session")
def answer() -> Callable[..., Answered]:
    """`answer(path, body, content_type, cuts=[3, 7])`: restores `PEOPLE`."""
    formats = Formats()

    def answer(
        path: str,
        body: bytes,
        content_type: str = "application/json",
        *,
        cuts: Any = (),
        status: int = 200,
        hint: str = "",
        method: str = "POST",
        sent: tuple[str, ...] = (),
        may_restore: Callable[[str], bool] | None = None,
    ) -> Answered:
        chosen, endpoint = formats.select(head(path, method=method), hint)
        restorer = Restorer(Restorable(PEOPLE, sent), may_restore=may_restore)
        headers = Headers(((b"content-type", content_type.encode()),) if content_type else ())
        reader = chosen.reader(endpoint, status, headers, restorer)
        places = [0, *sorted({min(cut, len(body)) for cut in cuts}), len(body)]
        pieces = [reader.feed(body[start:end]) for start, end in pairwise(places)]
        pieces.append(reader.finish())
        return Answered(b"".join(pieces), reader.facts, tuple(pieces), restorer.counts)

    return answer
