import pytest
from hypothesis import given
from hypothesis import strategies as st

from redaction.evaluate.examples import DataSet, Example, Span, from_tokens, marked
from redaction.evaluate.measure import Counts, count, f_beta, score

NAMES = frozenset({"PERSON", "LOCATION"})


def test_marks_become_spans_of_the_text_without_marks():
    example = marked("Hi «PERSON|Anna», mail «EMAIL_ADDRESS|a@b.example»!")
    assert example.text == "Hi Anna, mail a@b.example!"
    assert [(example.text[span.start : span.end], span.entity_type) for span in example.gold] == [
        ("Anna", "PERSON"),
        ("a@b.example", "EMAIL_ADDRESS"),
    ]


@pytest.mark.parametrize("broken", ["«PERSN|Anna»", "«PERSON|Anna", "Anna»", "«Anna»"])
def test_a_broken_mark_is_no_example(broken):
    with pytest.raises(ValueError, match="entity type|not closed"):
        marked(broken)


def test_exact_overlap_and_cover_are_three_things():
    example = Example("Dr Anna Lang in Ulm", (Span(3, 12, "PERSON"), Span(16, 19, "LOCATION")))
    found = [Span(3, 7, "PERSON"), Span(16, 19, "PERSON")]
    counts = count(example, found, NAMES)
    assert counts["PERSON"] == Counts(gold=1, found=2, exact=0, overlap=1, covered=1, alarms=1)
    assert counts["LOCATION"] == Counts(gold=1, covered=1)


def test_what_a_set_says_nothing_about_is_no_false_alarm():
    example = Example("Acme met Anna", (), (Span(0, 4, "ORG"),))
    counts = count(example, [Span(0, 4, "PERSON"), Span(9, 13, "EMAIL_ADDRESS")], NAMES)
    assert sum(one.alarms for one in counts.values()) == 0


def test_f2_weighs_recall_four_times():
    assert f_beta(1.0, 0.5) == pytest.approx(0.5556)
    assert f_beta(0.5, 1.0) == pytest.approx(0.8333)
    assert f_beta(None, 1.0) is None
    assert f_beta(0.0, 0.0) == 0.0


def test_false_alarms_are_told_per_two_thousand_characters():
    data = DataSet("set", "en", NAMES, (Example("x" * 1000, ()),))
    scores = score("system", data, [[Span(0, 2, "PERSON")]], seconds=0.5)
    assert scores.to_dict()["total"]["false_alarms_per_2000_chars"] == 2.0
    assert scores.to_dict()["chars_per_second"] == 2000


spans = st.builds(
    lambda start, size, kind: Span(start, start + size, kind),
    st.integers(0, 30),
    st.integers(1, 8),
    st.sampled_from(sorted(NAMES)),
)


@given(st.lists(spans, max_size=6), st.lists(spans, max_size=6))
def test_rates_stay_between_nothing_and_all(gold, found):
    example = Example("x" * 40, tuple(gold))
    counts = Counts()
    for one in count(example, found, NAMES).values():
        counts.add(one)
    assert counts.gold == len(gold)
    assert counts.found == len(found)
    assert counts.exact <= counts.overlap <= counts.covered <= counts.gold
    assert 0 <= counts.alarms <= counts.found


@given(st.lists(spans, max_size=6))
def test_finding_the_gold_spans_is_perfect(gold):
    example = Example("x" * 40, tuple(gold))
    counts = count(example, gold, NAMES)
    assert all(one.exact == one.gold and one.alarms == 0 for one in counts.values())


def test_words_with_tags_become_a_printed_sentence():
    tokens = [("Herr", "O"), ("Anton", "B-PER"), ("Berg", "I-PER"), (",", "O"), ("Acme", "B-ORG"), (".", "O")]
    example = from_tokens(tokens, {"PER": "PERSON"})
    assert example.text == "Herr Anton Berg, Acme."
    assert example.gold == (Span(5, 15, "PERSON"),)
    assert example.ignored == (Span(17, 21, "ORG"),)
