"""Things in training: what they look like, and that the list of them has nobody's name."""

import random

import pytest

from redaction.lexicon import is_word, words
from redaction.train.names import People
from redaction.train.things import Things

NAMES = (
    *("given_names", "given_names_more", "surnames", "surnames_more", "names_world", "places", "places_more"),
    *("vi_given", "vi_middle", "vi_surnames"),
)


@pytest.mark.parametrize("name", ["words_things", "words_de_laws"])
def test_no_listed_thing_is_in_a_list_of_names(name):
    listed = frozenset().union(*(words(one) for one in NAMES))
    assert words(name) & listed == set()


def test_listed_things_are_words():
    assert is_word("Zotero")
    assert is_word("Heizsystem", "de")
    assert not is_word("Heizsystem", "en")


def test_things_have_a_capital_and_many_forms():
    things, dice = Things(People(frozenset())), random.Random(4)
    made = {things.thing(dice) for _ in range(300)} | {things.eponym(dice) for _ in range(300)}
    assert len(made) > 500
    assert all(one[0] == one[0].upper() for one in made)
