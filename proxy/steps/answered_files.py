"""Word and Excel files that a provider sends back, such as an uploaded one: their placeholders become originals.

A file is held until it is whole and written anew in the processes that read files, as every file is hostile. One that
cannot be read there goes on as it came, and so does one that holds no placeholder, byte for byte.
"""

from collections.abc import Callable

from proxy.documents.base import DOCX, LEAVE, XLSX, DocumentError
from proxy.formats.base import ResponseReader
from proxy.formats.media import OCTETS, sniff
from proxy.messages import Headers
from proxy.steps.held import HELD_BYTES
from proxy.steps.services import Documents
from redaction.restore import Restorer

_MAGIC = b"PK\3\4"
_TYPES = frozenset((DOCX, XLSX, OCTETS, "binary/octet-stream", "application/zip", ""))


def may_be_file(status: int, headers: Headers) -> bool:
    """Whether an answer's head lets one expect such a file, of a size that is held."""
    kind = (headers.get("content-type") or "").partition(";")[0].strip().lower()
    length = headers.get("content-length") or "0"
    return status == 200 and kind in _TYPES and length.isdigit() and int(length) <= HELD_BYTES


class AnsweredFile:
    """One answer that may be a file. reader: for what turns out to be none. told: the code of what was not restored."""

    def __init__(
        self, documents: Documents, restorer: Restorer, reader: ResponseReader, told: Callable[[str], None]
    ) -> None:
        self._documents, self._restorer, self._reader, self._told = documents, restorer, reader, told
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
            self._told("document_too_large")
        return self._let_go()

    async def end(self) -> bytes:
        """The body ended: the file with its originals, or the rest of what is none."""
        raw = b"".join(self._kept or ())
        restored = await self._restored(raw)
        if restored is None:
            return self._let_go() + self._reader.finish()
        self._kept = None
        return restored + self._reader.finish()

    def _let_go(self) -> bytes:
        kept, self._kept = self._kept, None
        return self._reader.feed(b"".join(kept)) if kept else b""

    async def _restored(self, raw: bytes) -> bytes | None:
        kind = sniff(raw)
        if kind not in (DOCX, XLSX):
            return None
        try:
            opened = await self._documents.read(raw, kind, LEAVE)
            texts = {at: self._restorer.whole(one.text) for at, one in enumerate(opened.texts) if not one.fixed}
            new = {at: text for at, text in texts.items() if text != opened.texts[at].text}
            return await self._documents.rewrite(raw, kind, LEAVE, new, opened) if new else None
        except DocumentError as error:
            self._told(error.code)
            return None
