"""What is inspected: one piece of text, where it stood, and what role it plays.

A segment is made by `proxy.formats` (or by a command that reads a file) and never changes on its way through
detection, decision and replacement. It may hold personal data, so it never enters a log, an error or a record.
"""

from dataclasses import dataclass
from enum import StrEnum


class SegmentKind(StrEnum):
    """Whose words a segment holds; the record and the policy speak of this, never of the text."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL_DEFINITION = "tool_definition"
    TOOL_ARGUMENTS = "tool_arguments"
    TOOL_RESULT = "tool_result"
    KEY = "key"
    NUMBER = "number"
    METADATA = "metadata"
    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    FILE = "file"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Segment:
    """One inspected text.

    pointer: RFC 6901 JSON pointer into the body (`/messages/0/content`), or `path`, `query/<n>`, `header/<name>`.
    schema_pointer: the same with `*` for array indices and for keys of free-form objects; it is what the audit
        record keeps, so it never contains text of a user.
    text: the decoded text, exactly as a reader of the format would see it (offsets of findings are code points).
    hint: the key, column or field name next to the text (`Nachname`, `phone`); evidence for detection, may be "".
    """

    pointer: str
    text: str
    kind: SegmentKind = SegmentKind.UNKNOWN
    schema_pointer: str = ""
    hint: str = ""
