"""Any request of which no other format knows anything: JSON and text, every string of it inspected.

Other content types cannot be read yet and are refused, never sent unread. In answers only placeholders in their
brackets count, because nothing is known about what a string means.
"""

from collections.abc import Mapping

from proxy.errors import FormatError
from proxy.formats import refusal as refusals
from proxy.formats.base import Endpoint, Inspected, RequestHead, ResponseReader
from proxy.formats.channels import Channels
from proxy.formats.core import Streams, reader_for, splice
from proxy.formats.document import Body, Document, decode, plain
from proxy.formats.inspection import Inspection, Place
from proxy.formats.shape import UNKNOWN, Shape, Use
from proxy.messages import Headers, Refusal, Reply
from redaction.restore import Restorer

_GROWING = (
    "text",
    "content",
    "delta",
    "partial_json",
    "response",
    "arguments",
    "output_text",
    "generated_text",
    "thinking",
)
_TEXT_TYPES = (
    "application/xml",
    "application/yaml",
    "application/x-yaml",
    "application/graphql",
    "application/javascript",
)


def _answer() -> Shape:
    """Strings under the keys by which APIs stream text grow over events; `index` tells elements apart."""
    root = Shape()
    grows = Shape(use=Use.DELTA)
    for shape in (root, grows):
        shape.other = shape.element = root
        shape.members = dict.fromkeys(_GROWING, grows)
        shape.members["index"] = Shape(use=Use.STRUCTURAL, note="index")
        for name in ("type", "id", "object", "role"):
            shape.members[name] = Shape(use=Use.STRUCTURAL)
    grows.element = grows
    return root


class Generic:
    """The fallback. Immutable."""

    name = "generic"
    _shape = _answer()

    def endpoint(self, head: RequestHead) -> Endpoint | None:
        """It knows every request, as `unknown`."""
        return Endpoint(self.name, "unknown")

    def read(self, endpoint: Endpoint, head: RequestHead, body: bytes) -> Inspected:
        """Take JSON or text apart. Raises FormatError (`unknown_content_type`, 415) for everything else."""
        if not body:
            return Inspected((), Body(body, Document("")))
        media_type = (head.headers.get("content-type") or "").partition(";")[0].strip().lower()
        inspection = Inspection()
        if media_type.endswith("json") or media_type == "":
            decoded = decode(body)
            document, found = inspection.json(decoded.text, UNKNOWN, Place("", ""))
            return inspection.finish(decoded, body, document, found.facts)
        if media_type.startswith("text/") or media_type in _TEXT_TYPES or "xml" in media_type:
            decoded = decode(body)
            slot = inspection.text(0, len(decoded.text), decoded.text, Place("/text", "/text"), plain)
            return inspection.finish(decoded, body, Document(decoded.text, (slot,) if slot else ()), {})
        raise FormatError(
            "this content type cannot be inspected, so it is not sent; send JSON or text",
            code="unknown_content_type",
            status=415,
        )

    def splice(self, inspected: Inspected, replacements: Mapping[str, str]) -> bytes:
        """The body with the texts of the given pointers replaced."""
        return splice(inspected, replacements)

    def reader(self, endpoint: Endpoint, status: int, headers: Headers, restorer: Restorer) -> ResponseReader:
        """A reader by content type, for bracketed placeholders alone."""
        return reader_for(headers, self._shape, Streams.NONE, Channels(), restorer, status=status, strict=True)

    def refuse(self, endpoint: Endpoint | None, refusal: Refusal) -> Reply:
        """OpenAI's error shape, the one that most clients read."""
        return refusals.reply(refusal, refusals.openai)

    def stream_error(self, endpoint: Endpoint, refusal: Refusal) -> bytes:
        """An SSE event with the error."""
        return refusals.sse(refusal, refusals.openai)


FORMAT = Generic()
