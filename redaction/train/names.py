"""Names of people and places to fill templates with: from the lists, and invented ones that no list has.

An invented name is drawn letter by letter from what follows three letters in the names of a list, so that the model
learns from its surroundings that something is a name.
"""

import random
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from redaction.lexicon import is_word, phrases, without_marks, words

_ORDER: Final = 3
_LONGEST: Final = 14
_SHORTEST: Final = 3
_SMALL: Final = frozenset({"von", "van", "de", "da", "di", "der", "zu", "bin", "el", "al", "la", "le", "du", "ten"})


class Invention:
    """Strings that look like those of a list."""

    def __init__(self, listed: Iterable[str]) -> None:
        self._after: dict[str, list[str]] = defaultdict(list)
        self._listed = frozenset(listed)
        for name in sorted(self._listed):
            padded = "^" * _ORDER + name + "$"
            for at in range(_ORDER, len(padded)):
                self._after[padded[at - _ORDER : at]].append(padded[at])

    def draw(self, dice: random.Random) -> str:
        """One string in lower case that is not in the list."""
        while True:
            made = "^" * _ORDER
            while made[-1] != "$" and len(made) < _LONGEST + _ORDER:
                made += dice.choice(self._after[made[-_ORDER:]])
            name = made.strip("^$")
            if len(name) >= _SHORTEST and name not in self._listed and made[-1] == "$":
                return name


class People:
    """Where names come from."""

    def __init__(self, left_out: frozenset[str]) -> None:
        """left_out: words in lower case that no name may have, so that they stay unseen."""
        self._left_out = left_out
        given = self._kept(words("given_names") | words("given_names_more") | words("given_names_census"))
        sur = self._kept(words("surnames") | words("surnames_more"))
        places = self._kept(town for town in words("places") | words("places_more") if "-" not in town)
        self.common = self._kept(words("given_names"))
        self.given = given
        self.sur = sur
        self.world = self._kept(words("names_world"))
        self.vietnamese = [self._kept(words(name)) for name in ("vi_surnames", "vi_middle", "vi_given")]
        self.rare = self._kept(words("vi_given_more"))
        self.short = self._kept(words("given_names_short"))
        self.counted = self._kept(words("surnames_census"))
        self.places = places
        self.composed = sorted(phrases("places_composed") | phrases("places_composed_more"))
        self.vi_places = sorted(phrases("vi_places"))
        self.new_given = Invention(given)
        self.new_sur = Invention(sur)
        self.new_place = Invention(places)

    def _kept(self, listed: Iterable[str]) -> list[str]:
        return sorted(word for word in listed if word not in self._left_out and len(word) > 1)

    def given_name(self, dice: random.Random, language: str) -> str:
        """A given name or what friends make of it, with capitals."""
        at = dice.random()
        if language == "vi" and at < 0.8:
            return self._vietnamese_given(dice)
        if at < 0.32:
            name = dice.choice(self.common)
        elif at < 0.47:
            name = dice.choice(self.given)
        elif at < 0.55:
            name = dice.choice(self.short)
        elif at < 0.72:
            name = dice.choice(self.world)
        elif at < 0.94:
            name = self.new_given.draw(dice)
        else:
            return self._vietnamese_given(dice)
        if dice.random() < 0.12 and len(name) > 4:
            short = name[: dice.randint(2, 4)] + dice.choice(("", "i", "y", "ie", "o", "a", "chen", "z"))
            name = name if is_word(short) else short
        if dice.random() < 0.03:
            name += "-" + dice.choice(self.common)
        return capital(name)

    def _vietnamese_given(self, dice: random.Random) -> str:
        _, middles, given = self.vietnamese
        syllables = [dice.choice(given if dice.random() < 0.85 else self.rare)]
        if dice.random() < 0.4:
            syllables.insert(0, dice.choice(middles if dice.random() < 0.6 else given))
        return " ".join(capital(one) for one in syllables)

    def surname(self, dice: random.Random, language: str) -> str:
        if language == "vi":
            return self._vietnamese_given(dice)
        at = dice.random()
        if at < 0.33:
            name = dice.choice(self.sur)
        elif at < 0.51:
            name = dice.choice(self.counted)
        elif at < 0.62:
            name = dice.choice(self.world)
        else:
            name = self.new_sur.draw(dice)
        if dice.random() < 0.07:
            name += "-" + dice.choice(self.sur)
        particle = dice.choice(("von ", "van ", "de ", "von der ", "zu ", "El ", "Mc", "O'")) if at > 0.96 else ""
        return particle + capital(name)

    def full_name(self, dice: random.Random, language: str) -> str:
        if language == "vi" and dice.random() < 0.85:
            surnames, middles, _ = self.vietnamese
            middle = capital(dice.choice(middles)) + " " if dice.random() < 0.7 else ""
            return f"{capital(dice.choice(surnames))} {middle}{self._vietnamese_given(dice)}"
        given, last = self.given_name(dice, "en"), self.surname(dice, "en")
        at = dice.random()
        if at < 0.06:
            return f"{given} {last[0].upper()}."
        if at < 0.1:
            return f"{given} {dice.choice('ABCDEFGHJKLMNPRSTVW')}. {last}"
        if at < 0.15:
            return f"{given} {self.given_name(dice, 'en')} {last}"
        if at < 0.18:
            return f"{last}, {given}"
        return f"{given} {last}"

    def any_name(self, dice: random.Random, language: str) -> str:
        at = dice.random()
        if at < 0.5:
            return self.given_name(dice, language)
        return self.full_name(dice, language) if at < 0.75 else self.surname(dice, language)

    def place(self, dice: random.Random, language: str) -> str:
        at = dice.random()
        if language == "vi" and at < 0.75:
            return titled(dice.choice(self.vi_places))
        if at < 0.7:
            return titled(dice.choice(self.places))
        return titled(dice.choice(self.composed)) if at < 0.8 else capital(self.new_place.draw(dice))


def capital(name: str) -> str:
    """With capitals where its parts begin."""
    return "-".join(part[:1].upper() + part[1:] for part in name.split("-"))


def titled(name: str) -> str:
    return " ".join(part if part in _SMALL else capital(part) for part in name.split(" "))


def plain(text: str) -> str:
    """As keyboards without marks write it, of the same length."""
    return "".join(without_marks(char) for char in text)
