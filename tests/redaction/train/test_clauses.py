"""Sentences put together from parts: they can be filled, somebody is named in them or nobody is."""

import random
import re

import pytest

from redaction.train.clauses import SECTIONS, Clauses, sections

LANGUAGES = ("de", "en", "vi")
NAMES = {"{g}", "{f}", "{s}"}
SLOT = re.compile(r"\{\w+\}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_all_parts_and_no_others(language):
    assert set(sections(language)) <= set(SECTIONS)
    assert {"does", "asks", "who", "thing", "use", "opens", "ends"} <= set(sections(language))
    for section, lines in sections(language).items():
        slots = {slot for line in lines for slot in SLOT.findall(line)}
        known = {"asks": {"{N}", "{G}", "{S}", "{num}"}, "use": {"{T}", "{L}", "{G}", "{S}", "{num}"}}
        assert slots <= known.get(section, set())


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_is_named_and_who_is_not(language):
    clauses, dice = Clauses(language), random.Random(5)
    for _ in range(400):
        assert NAMES & set(SLOT.findall(clauses.named(dice)))
        assert not NAMES & set(SLOT.findall(clauses.bare(dice)))


def test_a_german_verb_stands_before_behind_and_in_front_of_who_does_it():
    clauses, dice = Clauses("de"), random.Random(9)
    made = [clauses.named(dice) for _ in range(3_000)]
    assert any(re.match(r"\{\w\} hat ", one) for one in made)
    assert any(re.match(r"hat \{\w\} .*\?$", one) for one in made)
    assert any(re.match(r"gestern hat \{\w\} ", one) for one in made)
    assert not any("|" in one for one in made)


def test_the_same_seed_makes_the_same():
    first, second = ([Clauses("vi").named(dice) for _ in range(50)] for dice in (random.Random(2), random.Random(2)))
    assert first == second
