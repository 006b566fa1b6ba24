"""PDF files (ISO 32000-2): the words of pages, notes, forms, outlines and metadata. A PDF is read, never rewritten:
where personal data stands in it, it can be retyped, as a new one that has nothing of it but words.

Words that are drawn as pictures are read as images are; a page whose letters no table turns into characters is one that
cannot be inspected. pypdf reads; files in it are parts for the policy.
"""

import io
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from proxy.documents import image
from proxy.documents.base import IMAGES, PDF, DocumentError, Opened, Part, Recognize, Text

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

MAX_PAGES = 2000
MAX_DEPTH = 40  # of objects in objects
_STRANGE = ("\ufffd", "\x00", "(cid:")
_SHOWS_TEXT = (b"Tj", b"TJ")


def read(raw: bytes, images: str, recognize: Recognize) -> Opened:
    """Everything that a PDF says. images: `inspect` or `pass`. Raises DocumentError."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(raw), strict=False)
        if reader.is_encrypted:
            raise DocumentError("document_encrypted", "the file is encrypted; send it without a password")
        if len(reader.pages) > MAX_PAGES:
            raise DocumentError("document_too_large", f"the file has more than {MAX_PAGES} pages")
        return _read(reader, images, recognize)
    except DocumentError:
        raise
    except (
        PyPdfError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        RecursionError,
        OSError,
        AssertionError,
    ):
        raise DocumentError("document_unreadable", f"the file cannot be read as {PDF}") from None


def _read(reader: "PdfReader", images: str, recognize: Recognize) -> Opened:
    found = Opened()
    for number, page in enumerate(reader.pages):
        first = len(found.texts)
        text = page.extract_text() or ""
        if text.strip():
            found.add(Text("page", text, fixed=True))
        if any(mark in text for mark in _STRANGE) or (not text.strip() and _draws_text(page)):
            found.inspectable, found.why = False, "a page's letters cannot be read; send it as text or as images"
        _pictures(found, page, images, recognize)
        found.recognized[str(number)] = first, len(found.texts) - first
    said = list(dict.fromkeys(text for text in _strings(reader) if text.strip()))
    if said:
        found.add(Text("metadata", "\n".join(said), fixed=True))
    for content in _files(reader):
        found.parts.append(Part("application/octet-stream", len(content)))
    return found


def retyped(new: Mapping[int, str], before: Opened) -> bytes:
    """A PDF of the words that were read, these new ones among them: a page for each, and one for what stands in none.

    Texts enter as data (JSON), never as markup, and no font of the machine is used. Raises DocumentError, also where
    these fonts lack a letter: a file that silently says less is not sent.
    """
    words = [new.get(at, text.text) for at, text in enumerate(before.texts)]
    letters = _letters("".join(words))
    there = read(_set([" ".join(sorted(letters))]), "pass", _nothing)
    if letters - _letters("".join(text.text for text in there.texts)):
        raise DocumentError("document_not_replaceable", "a PDF has letters for which there is no font to set it anew")
    pages = ["\n".join(words[first : first + count]) for first, count in before.recognized.values()]
    beside = words[sum(count for _, count in before.recognized.values()) :]
    return _set([*pages, "\n".join(beside)] if beside else pages)


def _set(pages: Sequence[str]) -> bytes:
    import orjson
    import typst

    try:
        return typst.compile(
            files("proxy.documents").joinpath("retyped.typ").read_bytes(),
            format="pdf",
            ignore_system_fonts=True,
            sys_inputs={"pages": orjson.dumps(pages).decode()},
            timestamp=0,
        )
    except (typst.TypstError, TypeError, ValueError):
        raise DocumentError("document_not_replaceable", "the words of a PDF cannot be set anew") from None


def _letters(text: str) -> set[str]:
    return {char for char in unicodedata.normalize("NFKC", text) if char.isalnum()}


def _nothing(_raw: bytes) -> tuple[list[Text], str]:
    return [], ""


def _draws_text(page: "PageObject") -> bool:
    contents = page.get_contents()
    return contents is not None and any(mark in contents.get_data() for mark in _SHOWS_TEXT)


def _pictures(found: Opened, page: "PageObject", images: str, recognize: Recognize) -> None:
    for picture in page.images:
        raw = picture.data
        kind = image.media_type_of(raw)
        if kind not in IMAGES:
            pixels = picture.image
            if pixels is None:
                found.parts.append(Part("image/x-unknown", len(raw)))
                continue
            out = io.BytesIO()
            pixels.convert("RGB").save(out, "PNG")
            raw, kind = out.getvalue(), "image/png"
        if images != "inspect":
            found.parts.append(Part(kind, len(raw)))
            continue
        texts, why = recognize(raw)
        found.why = found.why or why
        for text in texts:
            found.add(Text("image", text.text, fixed=True))
        found.parts.append(Part(kind, len(raw), inspectable=not why))


def _strings(reader: "PdfReader") -> Iterator[str]:
    """Every text string outside of pages' contents: metadata, notes, form fields, outlines, names, scripts."""
    seen: set[int] = set()
    root = reader.trailer
    yield from _walk(root, seen, 0)
    metadata = reader.root_object.get("/Metadata")
    if metadata is not None:
        yield metadata.get_object().get_data().decode("utf-8", "replace")


def _walk(value: Any, seen: set[int], depth: int) -> Iterator[str]:
    from pypdf.generic import (
        ArrayObject,
        ByteStringObject,
        DictionaryObject,
        IndirectObject,
        StreamObject,
        TextStringObject,
    )

    if depth > MAX_DEPTH:
        raise DocumentError("document_unreadable", "the file nests its objects too deep")
    if isinstance(value, IndirectObject):
        if value.idnum in seen:
            return
        seen.add(value.idnum)
        value = value.get_object()
    if isinstance(value, TextStringObject):
        yield str(value)
    elif isinstance(value, ByteStringObject):
        yield bytes(value).decode("latin-1") if bytes(value).isascii() else ""
    elif isinstance(value, ArrayObject):
        for item in list.__iter__(value):
            yield from _walk(item, seen, depth + 1)
    elif isinstance(value, DictionaryObject):
        for key, item in dict.items(value):
            if key not in {"/ID", "/CharProcs", "/FontDescriptor", "/W", "/Encoding"}:
                yield from _walk(item, seen, depth + 1)
        if isinstance(value, StreamObject) and "/JS" in value:
            yield value.get_data().decode("latin-1")


def _files(reader: "PdfReader") -> Iterator[bytes]:
    for contents in reader.attachments.values():
        yield from contents if isinstance(contents, list) else [contents]
