"""A value that was certain once is found literally elsewhere in the conversation, and nothing shorter is."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from redaction.finding import Finding, SegmentFindings
from redaction.propagate import propagate
from redaction.segment import Segment


def spread(first, value, entity_type, *others):
    start = first.index(value)
    found = SegmentFindings((Finding(start, start + len(value), entity_type, 0.9, "test"),), "en")
    segments = [Segment("", first), *(Segment("", other) for other in others)]
    results = propagate(segments, [found, *(SegmentFindings((), "en") for _ in others)])
    return [
        [segment.text[one.start : one.end] for one in result.findings]
        for segment, result in zip(segments, results, strict=True)
    ]


def test_a_whole_name_is_found_in_any_case():
    assert spread("I am Zora Quill.", "Zora Quill", "PERSON", "ask ZORA QUILL", "zora quill!")[1:] == [
        ["ZORA QUILL"],
        ["zora quill"],
    ]


def test_a_part_of_a_name_is_found_as_it_is_written():
    assert spread("I am Zora Quill.", "Zora Quill", "PERSON", "Zora and the quil")[1] == ["Zora"]


def test_a_long_part_that_is_no_word_is_found_in_small_letters():
    assert spread("Ms Zora Vogelsang", "Zora Vogelsang", "PERSON", "vogelsang.txt", "/VOGELSANG/", "vogelsangs")[
        1:
    ] == [
        ["vogelsang"],
        ["VOGELSANG"],
        [],
    ]


def test_a_part_that_is_a_word_or_a_place_or_short_is_found_only_as_it_is_written():
    assert spread("Zora Green", "Zora Green", "PERSON", "a green zora")[1] == []
    assert spread("Zora Leipzig", "Zora Leipzig", "PERSON", "in leipzig", "Leipzig")[1:] == [[], ["Leipzig"]]


def test_not_inside_words_and_not_what_is_too_short():
    assert spread("I am Zora.", "Zora", "PERSON", "Zoran, azora", "Zora-like")[1:] == [[], ["Zora"]]
    assert spread("I am Bo.", "Bo", "PERSON", "Bo")[1] == []


def test_an_age_or_a_place_says_nothing_elsewhere():
    assert spread("he is 34567", "34567", "AGE", "34567 items")[1] == []
    assert spread("in Ulmen", "Ulmen", "LOCATION", "Ulmen im Garten")[1] == []


@given(st.lists(st.text("Zora Quil.,", max_size=30), min_size=1, max_size=5))
def test_nothing_that_was_found_is_lost_and_nothing_overlaps(texts):
    segments = [Segment("", "I am Zora Quill."), *(Segment("", text) for text in texts)]
    found = [SegmentFindings((Finding(5, 15, "PERSON", 0.9, "test"),), "en")]
    found += [SegmentFindings((), "en") for _ in texts]
    for before, after in zip(found, propagate(segments, found), strict=True):
        assert set(before.findings) <= set(after.findings)
        spans = sorted((one.start, one.end) for one in after.findings)
        assert all(one[1] <= other[0] for one, other in pairwise(spans))
