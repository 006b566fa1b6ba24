"""What detection says about a segment: a span, its entity type and how sure a recognizer is.

Facts only: a finding never carries the text it was found in, so it may travel to the policy and be counted in a record.
"""

from dataclasses import dataclass
from operator import attrgetter
from typing import Final


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One span of personal data in a segment.

    start, end: Unicode code points of the segment's text, half open, 0 <= start < end <= len(text).
    entity_type: Presidio's name where it has one (`PERSON`, `EMAIL_ADDRESS`, `IBAN_CODE`), else ours in that style.
    score: 0.0 to 1.0.
    recognizer: the name of the recognizer that found it, from a closed set (it stands in the audit record).
    """

    start: int
    end: int
    entity_type: str
    score: float
    recognizer: str


ORDER: Final = attrgetter("start", "end", "entity_type", "score", "recognizer")
"""The key of the order that findings have anyway: a sort asks it once for each."""


@dataclass(frozen=True, slots=True)
class SegmentFindings:
    """What detection says about one segment.

    findings: sorted by start, not overlapping.
    language: ISO 639-1 code of the segment's main language, `und` when it has none or it cannot be told.
    """

    findings: tuple[Finding, ...]
    language: str
