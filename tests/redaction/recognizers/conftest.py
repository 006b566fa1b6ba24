"""Tables of recognizers: a value stands between « and », everything outside must stay unseen."""

from collections.abc import Callable

import pytest

from redaction.detect import Engine
from redaction.detectors.patterns import Patterns
from redaction.segment import Segment, SegmentKind

type Spans = list[tuple[str, str]]
type Look = Callable[..., tuple[Spans, Spans]]


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine([Patterns()], ("en", "de", "vi"))


@pytest.fixture(scope="session")
def look(engine: Engine) -> Look:
    """(marked text, entity type, hint) -> (what the table marks, what the recognizers find), as (type, value)."""

    def look(
        marked: str, entity_type: str = "", hint: str = "", kind: SegmentKind = SegmentKind.UNKNOWN
    ) -> tuple[Spans, Spans]:
        wanted: Spans = [(entity_type, part.split("»")[0]) for part in marked.split("«")[1:]]
        text = marked.replace("«", "").replace("»", "")
        findings = engine.detect_each([Segment("", text, kind, "", hint)])[0].findings
        return wanted, [(finding.entity_type, text[finding.start : finding.end]) for finding in findings]

    return look
