"""Word, Excel and PowerPoint files (ISO/IEC 29500): every text of every part, and new texts in its place.

Unknown means text: what this room does not know to be structure is a text, in parts of other namespaces element names
included. Only XML parts with a new text differ afterwards; every other member is the same bytes. Images inside are
looked into where that can be done, anything else that is no XML is a part for the policy.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from proxy.documents import image, xmltext
from proxy.documents.base import DOCX, IMAGES, LEAVE, PPTX, XLSX, DocumentError, Opened, Part, Recognize, Text, Word
from proxy.documents.names import named_by_program
from proxy.documents.package import Package, opened
from proxy.documents.parts import joined_texts
from proxy.documents.printers import is_settings, without_settings
from proxy.documents.runs import Joined

_XML = re.compile(r".*\.(?:xml|rels|vml|xsd)\Z", re.IGNORECASE)
_PICTURE = re.compile(r".*\.(?:png|jpe?g|gif|webp)\Z", re.IGNORECASE)
_MAIN = {DOCX: "word/document.xml", XLSX: "xl/workbook.xml", PPTX: "ppt/presentation.xml"}
_BINARY = {
    "bin": "application/x-ole-storage",
    "odttf": "application/x-font-ttf",
    "emf": "image/emf",
    "wmf": "image/wmf",
    "svg": "image/svg+xml",
    "tiff": "image/tiff",
    "tif": "image/tiff",
    "bmp": "image/bmp",
}


def read(raw: bytes, media_type: str, images: str, recognize: Recognize) -> Opened:
    """Everything that a file says. images: `inspect` or `pass`. Raises DocumentError."""
    package = _package(raw, media_type)
    found = Opened()
    for name, content in _contents(package):
        if _XML.fullmatch(name):
            for joined in joined_texts(name, content):
                found.add(Text(joined.place, joined.text, joined.fixed))
        elif content and not is_settings(name):
            _binary(found, name, content, images, recognize)
    names = [member.name for member in package.members if not named_by_program(member.name)]
    if names:
        found.add(Text("names", "\n".join(names), fixed=True))
    return found


def rewritten(raw: bytes, media_type: str, images: str, new: Mapping[int, str], before: Opened) -> bytes:
    """The file with these texts, without what printers were told, and with images that lost what only their taker
    knows; images `leave`: these texts are originals, and nothing else changes. Raises DocumentError.
    """
    package = _package(raw, media_type)
    changed: dict[str, bytes] = {}
    number = 0
    for name, content in _contents(package):
        if _XML.fullmatch(name):
            parts = joined_texts(name, content)
            texts = {at: new[number + at] for at in range(len(parts)) if number + at in new}
            number += len(parts)
            bare = without_settings(name, content) if images != LEAVE else ()
            if texts or bare:
                changed[name] = _spliced(content, parts, texts, bare, back=images == LEAVE)
        elif images == LEAVE:
            continue
        elif _PICTURE.fullmatch(name) and content and image.media_type_of(content) in IMAGES:
            first, count = before.recognized.get(name, (number, 0))
            number += count
            boxes = _boxes(before, new, first, count)
            cleaned = image.cleaned(content, boxes) if images == "inspect" else image.cleaned_if_readable(content)
            if cleaned != content:
                changed[name] = cleaned
    if any(at >= number for at in new):
        raise DocumentError("document_not_replaceable", "personal data stands in the name of a file's member")
    gone = frozenset() if images == LEAVE else frozenset(one.name for one in package.members if is_settings(one.name))
    return package.written(changed, gone) if changed or gone else raw


def _package(raw: bytes, media_type: str) -> Package:
    package = opened(raw)
    if _MAIN[media_type] not in {member.name for member in package.members}:
        raise DocumentError("document_unreadable", "the file is no document of the kind that it says")
    return package


def _contents(package: Package) -> Iterator[tuple[str, bytes]]:
    for member in package.members:
        if not member.name.endswith("/") or member.size:
            yield member.name, package.read(member)


def _binary(found: Opened, name: str, content: bytes, images: str, recognize: Recognize) -> None:
    kind = image.media_type_of(content)
    if kind not in IMAGES or not _PICTURE.fullmatch(name):
        ending = name.rpartition(".")[2].lower()
        found.parts.append(Part(kind or _BINARY.get(ending, "application/octet-stream"), len(content)))
        return
    if images != "inspect":
        found.parts.append(Part(kind, len(content)))
        return
    texts, why = recognize(content)
    found.why = found.why or why
    first = len(found.texts)
    for text in texts:
        found.add(text)
    found.recognized[name] = first, len(texts)
    found.parts.append(Part(kind, len(content), inspectable=not why))


def _boxes(before: Opened, new: Mapping[int, str], first: int, count: int) -> tuple[Word, ...]:
    return tuple(
        word
        for at in range(first, first + count)
        if at in new
        for word in image.changed_words(before.texts[at], new[at])
    )


def _spliced(
    content: bytes,
    parts: list[Joined],
    texts: Mapping[int, str],
    more: Iterable[tuple[int, int, bytes]],
    *,
    back: bool,
) -> bytes:
    edits = sorted({*more, *(edit for at, text in texts.items() for edit in parts[at].edits(text, back=back))})
    out: list[bytes] = []
    done = 0
    for start, end, spelled in edits:
        out += [content[done:start], spelled]
        done = end
    out.append(content[done:])
    result = b"".join(out)
    xmltext.events(result)  # what would not be read again is not sent
    return result
