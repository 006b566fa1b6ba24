"""Looking only where an expression may begin finds what a search finds, for every expression and whatever the text."""

import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redaction.detectors.names import Names
from redaction.detectors.patterns import Patterns
from redaction.evaluate.examples import message_sets
from redaction.normalize import normalize
from redaction.recognizers import ALL, Pattern
from redaction.recognizers.base import SHARED, Page
from redaction.recognizers.leads import Leads, leads_of

MESSAGES = Path(__file__).parents[2] / "data" / "messages"
EXPRESSIONS = tuple(dict.fromkeys((*SHARED, *Patterns().expressions, *Names().expressions)))
PER_TEXT = 25


@cache
def leads():
    return Leads(EXPRESSIONS)


@cache
def beginnings():
    found = {lead for one in EXPRESSIONS for lead in sorted(leads_of(one) or ())[:40]}
    return sorted(found)


def same(text):
    page, lower = Page(text, leads=leads()), Page(Page(text).lower, leads=leads())
    for expression in EXPRESSIONS:
        found = [match.span() for match in page.matches(expression)]
        assert found == [match.span() for match in expression.finditer(text)], expression.pattern
        assert page.says(expression) == (expression.search(lower.text) is not None), expression.pattern


def test_most_expressions_are_tried_only_where_they_may_begin():
    assert len(leads().known) > 0.8 * len(EXPRESSIONS)


@pytest.mark.parametrize("data", message_sets(MESSAGES), ids=lambda data: data.name)
def test_messages_give_the_same_matches(data):
    texts = [example.text for example in data.examples]
    for at in range(0, len(texts), PER_TEXT):
        same(normalize("\n".join(texts[at : at + PER_TEXT])).text)


PIECES = st.one_of(
    st.sampled_from([" ", "\n", "\t", "-", ".", ": ", "=", "(", "@", "/", "0", "12", "2024", "A", "Ab", "é", "İ", "ſ"]),
    st.deferred(lambda: st.sampled_from(beginnings())),
    st.text(max_size=6),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECES, max_size=12))
def test_made_up_texts_give_the_same_matches(pieces):
    same(normalize("".join(pieces)).text)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (r"(?i)(?<!\w)(?:Tel|Fax)\.?", {"tel", "fax"}),
        (r"ab?c", {"ac", "abc"}),
        (r"[0-9]{3}-x", {"000-x"}),
        (r"(?:x1){2,}\s", {"x0x0x0x", "x0x0x0 ", "x0x0 "}),
        (r"\d\d?:", {"0:", "00:"}),
        (r"\w+ab", None),
        (r"x?", None),
        (r"(?=ab)", None),
    ],
)
def test_what_a_match_begins_with(expression, expected):
    found = leads_of(re.compile(expression))
    assert found == (frozenset(expected) if expected is not None else None)


def test_a_match_does_not_begin_inside_another():
    text = "aba ababa"
    expression = re.compile("aba")
    page = Page(text, leads=Leads([expression]))
    assert [match.start() for match in page.matches(expression)] == [0, 4]


SOLID = [one for one in ALL if isinstance(one, Pattern) and one.solid is not None]
SHORT = st.sampled_from(
    [
        " ",
        "\n",
        "\u00a0",
        ".",
        "-",
        "_",
        "#1234",
        "a#0001",
        "@",
        "%40",
        "&#64;",
        "a@b.example",
        "M",
        "1",
        "A" * 26,
        "x" * 34,
    ]
)


def solid_same(text):
    page = Page(text)
    for one in SOLID:
        found = [match.span() for match in page.solid_matches(one.regex, one.least, one.solid)]
        assert found == [match.span() for match in one.regex.finditer(text)], one.name


@pytest.mark.parametrize("data", message_sets(MESSAGES), ids=lambda data: data.name)
def test_looking_at_solid_runs_alone_finds_the_same_in_messages(data):
    for example in data.examples:
        solid_same(normalize(example.text).text)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(SHORT, st.text(max_size=8)), max_size=14))
def test_looking_at_solid_runs_alone_finds_the_same_in_made_up_texts(pieces):
    solid_same(normalize("".join(pieces)).text)
