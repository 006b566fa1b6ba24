"""Bodies of any content type as segments: JSON, JSON lines, text, markup, forms, multipart.

What is none of these and cannot be read as text is reported as one part that nothing looked into; the policy decides
whether it may pass. A shape may say which fields of a form are structure; a field that it does not name is text.
"""

from collections.abc import Mapping

from proxy.errors import FormatError
from proxy.formats import media
from proxy.formats.base import Inspected
from proxy.formats.document import Decoded, Document, Percent, Slot, decode, plain
from proxy.formats.fields import is_markup, name_slot, passes, place_of, read_text
from proxy.formats.inspection import Inspection, Place
from proxy.formats.shape import UNKNOWN, Shape
from proxy.formats.target import percent_decoded
from proxy.formats.uploads import charset_of, read_multipart

FORM = "application/x-www-form-urlencoded"


def read_body(inspection: Inspection, content_type: str, body: bytes, shape: Shape = UNKNOWN) -> Inspected:
    """Take a body apart by its content type. Raises FormatError where it is not what its type says."""
    media_type = content_type.partition(";")[0].strip().lower()
    charset = charset_of(content_type)
    if media_type.startswith("multipart/"):
        decoded = Decoded(body.decode("latin-1"), "latin-1")
        return _finish(inspection, decoded, body, *read_multipart(inspection, content_type, body, shape))
    if media_type == FORM and body.lstrip()[:1] == b"{":
        # What nobody named is a form to curl; a form that really begins so is no JSON.
        try:
            return read_body(inspection, f"application/json; charset={charset or 'utf-8'}", body, shape)
        except FormatError as error:
            if error.code != "invalid_json":
                raise
    if media_type == FORM:
        decoded = decode(body, charset, zeros=False)
        slots, facts = _form(inspection, decoded.text, shape)
        return inspection.finish(decoded, body, Document(decoded.text, tuple(slots)), facts, opened=True)
    read = read_text(inspection, media_type, charset, body, shape, Place("", ""))
    if read is None:
        kind = media.sniff(body) or media_type or media.OCTETS
        if kind == media.OCTETS:
            inspection.opaque(Place("", ""), kind, len(body))
            return inspection.finish(Decoded("", "utf-8"), body, Document(""), {})
        slot = inspection.file(0, len(body), media.Read(kind, len(body), raw=body), Place("", "/file"), plain)
        decoded = Decoded(body.decode("latin-1"), "latin-1")
        return _finish(inspection, decoded, body, [slot] if slot is not None else [], {})
    decoded, document, facts = read
    return inspection.finish(decoded, body, document, facts, opened=is_markup(media_type))


def _finish(
    inspection: Inspection, decoded: Decoded, body: bytes, slots: list[Slot], facts: Mapping[str, str]
) -> Inspected:
    return inspection.finish(decoded, body, Document(decoded.text, tuple(slots)), facts)


def _form(inspection: Inspection, text: str, shape: Shape) -> tuple[list[Slot], Mapping[str, str]]:
    """Pairs of WHATWG URL section 5.1, names and values percent-decoded as often as they were encoded."""
    slots: list[Slot | None] = []
    facts: dict[str, str] = {}
    start = 0
    for pair in text.split("&"):
        raw_name, _, raw_value = pair.partition("=")
        name, name_times = percent_decoded(raw_name, plus=True)
        value, times = percent_decoded(raw_value, plus=True)
        at = start + len(pair) - len(raw_value)
        write = Percent("+" in raw_name, max(name_times, 1))
        slots.append(name_slot(inspection, start, start + len(raw_name), name, shape, write))
        if not passes(name, value, shape, facts):
            write = Percent("+" in raw_value, max(times, 1))
            slots.append(inspection.text(at, at + len(raw_value), value, place_of(name, shape), write))
        start += len(pair) + 1
    return [slot for slot in slots if slot is not None], facts
