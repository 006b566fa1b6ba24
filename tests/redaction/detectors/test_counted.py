"""Surnames that a census has and no list of words: whom they name in German, in small letters, and where they do not."""

import pytest

from redaction.detectors.rules.acting import find
from redaction.detectors.rules.text import Text
from redaction.lexicon import is_counted
from redaction.recognizers.base import Page

SOMEBODY = [
    ("Frag doch mal Pfisterer, der war dabei.", "Pfisterer"),
    ("Gezahlt hat das damals Eickhoff, nicht ich.", "Eickhoff"),
    ("Der Antrag liegt seit Wochen bei Grünewald.", "Grünewald"),
    ("Die Baumgärtel hat das falsch ausgefüllt.", "Baumgärtel"),
    ("Eickhoffs Rechnung ist noch offen.", "Eickhoffs"),
    ("hat der pfisterer schon gezahlt?", "pfisterer"),
]
NOBODY = [
    "Der Schmied schlägt das Eisen.",
    "Die Stimmung nach Eickhoff ist ungewohnt.",
    "Ein Klavier klingt heller als ein Flügel.",
    "die eickhoff-konstante kommt dran",
    "in england regnet es viel",
]


@pytest.mark.parametrize("name", ["eickhoff", "eickhoffs", "grünewald", "gruenewald", "pfisterer"])
def test_the_census_knows_a_surname_however_it_is_spelled(name):
    assert is_counted(name)


@pytest.mark.parametrize("word", ["tisch", "wohnung", "garden", "abc", ""])
def test_it_knows_no_words(word):
    assert not is_counted(word)


@pytest.mark.parametrize(("text", "name"), SOMEBODY)
def test_somebody_is_named(text, name):
    found = {text[one.start : one.end] for one in find(Text(Page(text, languages=("de",)))) if one.score > 0.7}
    assert found == {name}


@pytest.mark.parametrize("text", NOBODY)
def test_nobody_is_named(text):
    assert [one for one in find(Text(Page(text, languages=("de",)))) if one.score > 0.7] == []
