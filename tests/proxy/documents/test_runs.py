"""A text over several places is divided again so that nothing is lost and what did not change stays where it was."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.documents.runs import divided

PIECES = st.lists(st.text(alphabet="ab \nü[_]", max_size=6), min_size=1, max_size=8)


@given(PIECES, st.text(alphabet="ab \nü[_]X", max_size=30))
def test_the_pieces_always_join_to_the_new_text(old, new):
    assert "".join(divided(old, new)) == new


@given(PIECES)
def test_what_does_not_change_stays_in_its_piece(old):
    assert divided(old, "".join(old)) == old


def test_a_name_over_three_runs_becomes_one_placeholder_in_the_first():
    old = ["Hallo Jü", "rgen Lind", "ner, bis ", "morgen"]
    assert divided(old, "Hallo [PERSON_4V0M7KQ2], bis morgen") == ["Hallo [PERSON_4V0M7KQ2]", "", ", bis ", "morgen"]


def test_long_texts_keep_what_stands_before_and_behind():
    old = ["a" * 3000 + " Anna", " Schmidt " + "b" * 3000]
    new = "a" * 3000 + " [PERSON_4V0M7KQ2] " + "b" * 3000
    assert divided(old, new) == ["a" * 3000 + " [PERSON_4V0M7KQ2]", " " + "b" * 3000]
