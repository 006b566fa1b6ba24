"""Office files that a provider sends back, by themselves or in JSON: their placeholders become originals.

A file is held until it is whole and written anew in the processes that read files, as every file is hostile. One that
cannot be read there goes on as it came, and so does one that holds no placeholder, byte for byte.
"""

from collections.abc import Callable
from dataclasses import dataclass

from proxy.documents.base import LEAVE, OFFICE, DocumentError
from proxy.errors import FormatError
from proxy.formats.base import ResponseReader
from proxy.formats.jsonscan import string_of
from proxy.formats.media import MAX_DATA_URL_HEAD, OCTETS, Read, read_base64, read_data_url, sniff
from proxy.messages import Headers
from proxy.steps.held import HELD_BYTES
from proxy.steps.offload import Offload, at_once
from proxy.steps.services import Documents
from redaction.restore import Restorer

_MARK = b"UEsDB"
"""How base64 of every ZIP file begins."""
MAX_FILES = 100  # of one piece of an answer
_MAGIC = b"PK\3\4"
_TYPES = frozenset((*OFFICE, OCTETS, "binary/octet-stream", "application/zip", ""))


@dataclass(frozen=True, slots=True)
class FileRestorer:
    """Restores the files of one answer. told: the code of what was not restored. offload: where much is decoded."""

    documents: Documents
    restorer: Restorer
    told: Callable[[str], None]
    offload: Offload = at_once

    def whole(self, status: int, headers: Headers, reader: ResponseReader) -> "AnsweredFile | None":
        """For an answer whose head lets one expect such a file, of a size that is held."""
        length = headers.get("content-length") or "0"
        held = length.isdigit() and int(length) <= HELD_BYTES
        return AnsweredFile(self, reader) if status == 200 and held and _kind(headers) in _TYPES else None

    def within(self, headers: Headers) -> "FilesWithin | None":
        """For an answer of JSON, lines or events of it. None where it matters which tool a file is for."""
        kind = _kind(headers)
        may = (kind == "text/event-stream" or "json" in kind) and not self.restorer.asks_for_tools
        return FilesWithin(self) if may else None

    async def restored(self, raw: bytes) -> bytes | None:
        """The file with its originals; None where it is no such file, cannot be read or holds no placeholder."""
        kind = sniff(raw)
        if kind not in OFFICE:
            return None
        try:
            opened = await self.documents.read(raw, kind, LEAVE)
            texts = {at: self.restorer.whole(one.text) for at, one in enumerate(opened.texts) if not one.fixed}
            new = {at: text for at, text in texts.items() if text != opened.texts[at].text}
            return await self.documents.rewrite(raw, kind, LEAVE, new, opened) if new else None
        except DocumentError as error:
            self.told(error.code)
            return None


class FilesWithin:
    """The files that stand in the JSON of an answer, or of its events, in base64 or a `data:` URL."""

    def __init__(self, files: FileRestorer) -> None:
        self._files = files
        self._has_begun = False
        self._before = b""

    def begun(self, data: bytes) -> bool:
        """Whether one has begun in the answer with this piece, or before."""
        if not self._has_begun:
            self._before += data
            self._has_begun = _MARK in self._before
            self._before = self._before[1 - len(_MARK) :]
        return self._has_begun

    async def restored(self, json: bytes) -> bytes:
        """JSON, or events with JSON in them, with every file restored that stands in it."""
        pieces: list[bytes] = []
        done, at = 0, json.find(_MARK)
        for _ in range(MAX_FILES):
            start = json.rfind(b'"', max(done, at - MAX_DATA_URL_HEAD), at)
            end = json.find(b'"', at)
            if at < 0 or end < 0:
                break
            if start >= 0 and (written := await self._literal(json[start : end + 1])) is not None:
                pieces += [json[done:start], written]
                done = end + 1
            at = json.find(_MARK, end)
        return b"".join([*pieces, json[done:]]) if pieces else json

    async def _literal(self, literal: bytes) -> bytes | None:
        """A string literal of JSON, or of JSON that stands in a string, with its file restored; None to leave it."""
        found = await self._files.offload(len(literal), lambda: _file_in(literal))
        if found is None or (new := await self._files.restored(found.read.raw)) is None:
            return None
        return await self._files.offload(len(new), lambda: found.written(new))


@dataclass(frozen=True, slots=True)
class _Found:
    """A file in a literal. head: what stands before its base64; closing: how the literal ends."""

    head: str
    read: Read
    closing: str

    def written(self, raw: bytes) -> bytes:
        assert self.read.write is not None
        return f'"{self.head}{self.read.write(raw.decode("latin-1"))}{self.closing}'.encode("ascii")


def _file_in(literal: bytes) -> _Found | None:
    if not literal.isascii() or len(literal) > 2 * HELD_BYTES:
        return None
    text = literal.decode("ascii")
    inner = text[1:-1].rstrip("\\")
    closing = text[len(inner) + 1 :]
    if closing != '"' and "\\" in inner:
        return None
    try:
        value = string_of(text) if closing == '"' else inner
        read = read_data_url(value) or read_base64(value)
    except (FormatError, ValueError):
        return None
    return _Found(value[: read.head], read, closing) if read is not None and read.write is not None else None


class AnsweredFile:
    """One answer that may be a file. reader: for what turns out to be none."""

    def __init__(self, files: FileRestorer, reader: ResponseReader) -> None:
        self._files, self._reader = files, reader
        self._kept: list[bytes] | None = []
        self._size = 0

    async def take(self, data: bytes) -> bytes:
        """A decoded piece of the body in; what goes on, out. A file waits for its end."""
        if self._kept is None:
            return self._reader.feed(data)
        self._kept.append(data)
        self._size += len(data)
        begun = b"".join(self._kept)[:4] if self._size <= len(data) + 4 else _MAGIC
        if _MAGIC.startswith(begun) and self._size <= HELD_BYTES:
            return b""
        if self._size > HELD_BYTES:
            self._files.told("document_too_large")
        return self._let_go()

    async def end(self) -> bytes:
        """The body ended: the file with its originals, or the rest of what is none."""
        restored = await self._files.restored(b"".join(self._kept or ()))
        if restored is None:
            return self._let_go() + self._reader.finish()
        self._kept = None
        return restored + self._reader.finish()

    def _let_go(self) -> bytes:
        kept, self._kept = self._kept, None
        return self._reader.feed(b"".join(kept)) if kept else b""


def _kind(headers: Headers) -> str:
    return (headers.get("content-type") or "").partition(";")[0].strip().lower()
