"""Any request of which no other format knows anything: JSON, JSON lines, text, markup, forms and multipart, every
string of it inspected.

What holds no text is one part that nothing looked into, and the policy refuses it or lets it pass. In answers only
placeholders in their brackets count, because nothing is known about what a string means.
"""

from collections.abc import Mapping

from proxy.formats import refusal as refusals
from proxy.formats.base import Endpoint, Inspected, RequestHead, ResponseReader
from proxy.formats.bodies import read_body
from proxy.formats.channels import Channels
from proxy.formats.core import Streams, reader_for, splice
from proxy.formats.document import Body, Document
from proxy.formats.inspection import Inspection
from proxy.formats.shape import Shape, Use
from proxy.messages import Headers, Refusal, Reply
from redaction.restore import Restorer
from redaction.segment import SegmentKind

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


def _answer() -> Shape:
    """Strings under the keys by which APIs stream text grow over events; `index` tells elements apart.

    Under the keys by which they call tools stand arguments, of the nearest `name`.
    """
    inside = _tree({})
    # What stands in the arguments names no tool: the model wrote it.
    pieces, whole = (
        Shape(use, SegmentKind.TOOL_ARGUMENTS, members=inside.members, other=inside, element=element)
        for use, element in ((Use.DELTA, inside.members["text"]), (Use.TEXT, inside))
    )
    named = Shape(note="tool", once=True)
    return _tree({"name": named, "arguments": pieces, "partial_json": pieces, "args": whole, "input": whole})


def _tree(special: Mapping[str, Shape]) -> Shape:
    root = Shape()
    grows = Shape(use=Use.DELTA)
    for shape in (root, grows):
        shape.other = shape.element = root
        shape.members = dict.fromkeys(_GROWING, grows)
        shape.members["index"] = Shape(use=Use.STRUCTURAL, note="index")
        for name in ("type", "id", "object", "role"):
            shape.members[name] = Shape(use=Use.STRUCTURAL)
        shape.members |= special
    grows.element = grows
    return root


class Generic:
    """The fallback. Immutable."""

    name = "generic"
    known_by: tuple[str, ...] = ()
    _shape = _answer()

    def endpoint(self, head: RequestHead) -> Endpoint | None:
        """It knows every request, as `unknown`."""
        return Endpoint(self.name, "unknown")

    def read(self, endpoint: Endpoint, head: RequestHead, body: bytes) -> Inspected:
        """Take a body apart by its content type. Raises FormatError where it is not what its type says."""
        if not body:
            return Inspected((), Body(body, Document("")))
        return read_body(Inspection(), head.headers.get("content-type") or "", body)

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
