"""An engine of rules and patterns without models, and tables: a value stands between « and »."""

from collections.abc import Callable

import pytest

from redaction.detect import Engine
from redaction.detectors.names import Names
from redaction.detectors.patterns import Patterns
from redaction.segment import Segment

type Spans = list[tuple[str, str]]
type Look = Callable[..., tuple[Spans, Spans]]


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine([Patterns(), Names()], ("en", "de", "vi"))


@pytest.fixture(scope="session")
def look(engine: Engine) -> Look:
    """(marked text, entity type, hint) -> (what the table marks, what is found), as (type, value)."""

    def look(marked: str, entity_type: str = "PERSON", hint: str = "") -> tuple[Spans, Spans]:
        wanted: Spans = [(entity_type, part.split("»")[0]) for part in marked.split("«")[1:]]
        text = marked.replace("«", "").replace("»", "")
        findings = engine.detect([Segment("", text, hint=hint)])[0].findings
        return wanted, [(finding.entity_type, text[finding.start : finding.end]) for finding in findings]

    return look
