"""Long texts are looked at in pieces that lose nothing at their edges."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redaction.detect import Engine
from redaction.detectors.patterns import Patterns
from redaction.segment import Segment
from redaction.windows import CORE, windows


@given(st.integers(0, 4 * CORE), st.integers(1, 50))
def test_cores_follow_each_other_without_a_gap(size, word):
    text = ("x" * word + " ") * (size // (word + 1))
    pieces = list(windows(text))
    assert pieces[0].start == 0
    assert pieces[-1].end == len(text)
    assert all(one.end == other.start for one, other in pairwise(pieces))
    assert all(piece.left <= piece.start and piece.end <= piece.right for piece in pieces)


@pytest.fixture(scope="module")
def engine():
    return Engine([Patterns()], ("en",))


@pytest.mark.parametrize("shift", [0, 3, 9, 15, 21, 40])
def test_a_value_at_an_edge_is_found_once_and_whole(engine, shift):
    value = "anna.schmidt@example.com"
    text = "word " * ((CORE - shift) // 5) + value + " word" * (CORE // 4)
    found = engine.detect_each([Segment("", text)])[0].findings
    assert [text[one.start : one.end] for one in found] == [value]


def test_a_long_text_gives_what_its_parts_give(engine):
    line = "mail anna@example.com or call +49 171 2345678 now\n"
    text = line * (3 * CORE // len(line))
    assert len(engine.detect_each([Segment("", text)])[0].findings) == 2 * text.count("\n")
