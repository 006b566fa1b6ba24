"""What a spreadsheet or a presentation tells a printer: a binary part of the program's own, with the printer's name.

Nobody needs it. It is taken out with what refers to it: the relationship, the attribute that names the relationship,
and the part's own content type. Source: ISO/IEC 29500-1 section 15.2.15 (printer settings part).
"""

import re
from collections.abc import Callable, Iterator

from proxy.documents import xmltext
from proxy.documents.xmltext import Attribute, Start

_SETTINGS = re.compile(r"(?:xl|ppt)/printerSettings/[^/]+\.bin", re.IGNORECASE)
_RELATIONSHIPS = re.compile(r"(?:xl|ppt)/(?:[a-z]+/)?_rels/[^/]+\.rels", re.IGNORECASE)
_SHEET = re.compile(r"xl/(?:work|chart|dialog|macro)sheets/[^/]+\.xml", re.IGNORECASE)
_TYPE = "/relationships/printerSettings"
_NAMED = re.compile(rb"\s+[^\s=/>\"'<]+\s*=\s*[\"']\Z")


def is_settings(name: str) -> bool:
    """Whether a member is such a part."""
    return _SETTINGS.fullmatch(name) is not None


def without_settings(name: str, content: bytes) -> tuple[tuple[int, int, bytes], ...]:
    """The edits by which an XML part refers to none. Raises DocumentError."""
    if _RELATIONSHIPS.fullmatch(name) and _TYPE.encode() in content:
        return tuple(_elements(content, "Relationship", "Type", lambda kind: kind.endswith(_TYPE)))
    if name == "[Content_Types].xml" and b"printerSettings/" in content:
        return tuple(_elements(content, "Override", "PartName", _is_part))
    if _SHEET.fullmatch(name) and b"pageSetup" in content:
        return tuple(_attributes(content))
    return ()


def _is_part(name: str) -> bool:
    return is_settings(name.removeprefix("/"))


def _elements(
    content: bytes, name: str, attribute: str, gone: Callable[[str], bool]
) -> Iterator[tuple[int, int, bytes]]:
    for tag in _starts(content, name):
        said = tag.get(attribute)
        if said is not None and gone(said.value):
            end = content.index(b">", max(one.end for one in tag.attributes)) + 1
            if content[end - 2 : end] != b"/>":
                end = content.index(b">", content.index(b"</", end)) + 1
            yield content.rindex(b"<", 0, tag.named), end, b""


def _attributes(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    for tag in _starts(content, "pageSetup"):
        for one in tag.attributes:
            if one.name == "id" and one.namespace.endswith("/relationships"):
                yield _begun(content, one), one.end + 1, b""


def _starts(content: bytes, name: str) -> Iterator[Start]:
    return (event for event in xmltext.events(content) if isinstance(event, Start) and event.name == name)


def _begun(content: bytes, one: Attribute) -> int:
    """Where an attribute begins, with the blanks before it."""
    named = _NAMED.search(content, max(0, one.start - 400), one.start)
    assert named is not None, "an attribute has a name and a quote before its value"
    return named.start()
