"""Values with a form as people write them in chat, in three languages, and what only looks like them."""

from pathlib import Path

import pytest

from redaction.detect import Engine
from redaction.detectors.names import Names
from redaction.detectors.patterns import Patterns
from redaction.evaluate.examples import read_messages
from redaction.segment import Segment

FOLDER = Path(__file__).parents[2] / "data" / "messages"
EXAMPLES = [
    pytest.param(example, id=f"{path.stem}-{number}")
    for path in sorted(FOLDER.glob("*_forms.jsonl"))
    for number, example in enumerate(read_messages(path).examples, 1)
]


@pytest.fixture(scope="module")
def engine():
    return Engine([Patterns(), Names()], ("en", "de", "vi"))


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_value_is_found_and_nothing_else(engine, example):
    found = engine.detect_each([Segment("", example.text)])[0].findings
    gold = {(span.start, span.end, span.entity_type) for span in example.gold}
    assert {(one.start, one.end, one.entity_type) for one in found} == gold
