"""Opinions become spans that do not overlap, whatever their order."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from redaction.finding import Finding
from redaction.merge import MIN_SCORE, merge

TEXT = "Anna Schmidt, Hauptstr. 7, 10115 Berlin, anna@example.com, 0171 2345678 and more"


def finding(value, entity_type, score=0.8):
    start = TEXT.index(value)
    return Finding(start, start + len(value), entity_type, score, "test")


def test_the_surer_opinion_wins_a_place():
    sure, unsure = finding("Anna Schmidt", "PERSON", 0.9), finding("Anna Schmidt", "LOCATION", 0.5)
    assert merge(TEXT, [unsure, sure]) == (sure,)


def test_what_the_weaker_one_covers_beyond_stays_covered():
    merged = merge(TEXT, [finding("Anna", "PERSON", 0.9), finding("Anna Schmidt", "ORGANIZATION", 0.6)])
    assert [(TEXT[one.start : one.end], one.entity_type) for one in merged] == [
        ("Anna", "PERSON"),
        ("Schmidt", "ORGANIZATION"),
    ]


def test_an_address_takes_in_its_postal_code():
    address = finding("Hauptstr. 7, 10115 Berlin", "STREET_ADDRESS", 0.8)
    assert merge(TEXT, [finding("10115", "POSTAL_CODE", 0.95), address]) == (address,)


def test_an_opinion_below_the_least_score_is_none():
    assert merge(TEXT, [finding("Anna", "PERSON", MIN_SCORE - 0.01)]) == ()


spans = st.tuples(st.integers(0, len(TEXT) - 1), st.integers(1, 20)).map(
    lambda pair: (pair[0], min(len(TEXT), pair[0] + pair[1]))
)
opinions = st.lists(
    st.builds(
        lambda span, kind, score: Finding(*span, kind, score, "test"),
        spans,
        st.sampled_from(["PERSON", "LOCATION", "STREET_ADDRESS", "EMAIL_ADDRESS", "URL"]),
        st.sampled_from([0.3, 0.4, 0.6, 0.85, 1.0]),
    ),
    max_size=8,
)


@given(opinions, st.randoms())
def test_spans_never_overlap_and_do_not_depend_on_the_order(found, random):
    merged = merge(TEXT, found)
    shuffled = list(found)
    random.shuffle(shuffled)
    assert merge(TEXT, shuffled) == merged
    assert all(one.end <= other.start for one, other in pairwise(merged))


@given(opinions)
def test_every_letter_and_digit_that_was_found_stays_covered_but_for_single_ones(found):
    covered = {at for one in merge(TEXT, found) for at in range(one.start, one.end)}
    for one in found:
        if one.score < MIN_SCORE:
            continue
        rest = [at for at in range(one.start, one.end) if at not in covered and TEXT[at].isalnum()]
        assert all(at + 1 not in rest for at in rest)
