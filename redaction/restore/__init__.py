"""Placeholders back to originals, for any cut of the stream.

`Restorable` is what one exchange may restore, `Restorer` restores the channels of one response with it. Pure: no
vault is asked in the middle of a stream, and nothing that is not in the set is ever restored.
"""

from redaction.restore.encodings import Encoding
from redaction.restore.found import Span
from redaction.restore.redacting import Cut, Listener, Redactor, Words, without
from redaction.restore.restorer import RestoreCounts, Restorer
from redaction.restore.spelling import MAX_HELD, MAX_RESTORABLE, Restorable

__all__ = [
    "MAX_HELD",
    "MAX_RESTORABLE",
    "Cut",
    "Encoding",
    "Listener",
    "Redactor",
    "Restorable",
    "RestoreCounts",
    "Restorer",
    "Span",
    "Words",
    "without",
]
