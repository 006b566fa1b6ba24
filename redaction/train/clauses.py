"""Sentences put together from parts: who, what is done, and what stands before and behind.

A few hundred parts give many thousands of surroundings for a name, and the same surroundings for those who have none,
so that neither a word's place nor its company alone tells that somebody is named. What is made are templates, as
`redaction.train.generate` fills them.
"""

import random
import re
from collections import defaultdict
from importlib.resources import files
from typing import Final

SECTIONS: Final = ("does", "asks", "who", "thing", "use", "opens", "front", "ends")
_SLOT: Final = re.compile(r"\{([NGSTL])\}")
_KIN: Final = {
    "de": ("Tante", "Onkel", "Oma", "Opa", "Cousine", "Nachbarin", "Kollege", "Schwester", "Bruder", "meine Freundin"),
    "en": ("aunt", "uncle", "grandma", "granny", "cousin", "my mate", "my friend", "my brother", "my sister", "nurse"),
    "vi": (
        *("anh", "chị", "em", "cô", "chú", "bác", "dì", "cậu", "thím", "mợ", "dượng", "ông", "bà", "bé", "cu", "thằng"),
        *("con", "nhỏ", "bạn", "sếp", "thầy", "bác sĩ", "anh", "chị", "em", "cô"),
    ),
}
_HONORIFICS: Final = {"de": ("Herr", "Frau", "Hr.", "Fr."), "en": ("Mr", "Mrs", "Ms", "Dr"), "vi": ("anh", "chị")}
# Shares among those who are named.
_ALONE: Final = 0.75
_SURNAME: Final = {"de": 0.45, "en": 0.35, "vi": 0.0}
_WHOLE: Final = 0.1


class Clauses:
    """The parts of one language."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._parts = sections(language)

    def named(self, dice: random.Random) -> str:
        """A template in which somebody is named."""
        if dice.random() < 0.5:
            asked = _SLOT.sub(lambda match: self._slot(dice, match[1]), dice.choice(self._parts["asks"]))
            return self._ended(dice, asked, 0.15)
        return self._done(dice, self._person(dice))

    def bare(self, dice: random.Random) -> str:
        """A template in which nobody is: somebody without a name does it, or something has one."""
        at = dice.random()
        if at < 0.3:
            return self._done(dice, dice.choice(self._parts["who"]))
        if at < 0.5:
            return self._ended(dice, f"{self._slot(dice, 'T')} {dice.choice(self._parts['thing'])}", 0.2)
        used = dice.choice(self._parts["use"])
        return self._ended(dice, _SLOT.sub(lambda match: self._nobody(dice, match[1]), used), 0.15)

    def _done(self, dice: random.Random, who: str) -> str:
        verb, bar, rest = dice.choice(self._parts["does"]).partition(" | ")
        at = dice.random()
        if bar and at < 0.25:
            return self._ended(dice, f"{dice.choice(self._parts['front'])} {verb} {who} {rest}", 0.2)
        if bar and at < 0.45:
            return f"{verb} {who} {rest}?"
        said = f"{who} {verb} {rest}".rstrip()
        if at > 0.72:
            said = f"{dice.choice(self._parts['opens'])} {said}"
        return self._ended(dice, said, 0.2)

    def _ended(self, dice: random.Random, said: str, share: float) -> str:
        if dice.random() >= share or said.endswith(("?", "!")):
            return said
        return f"{said}{dice.choice((' ', ', ', ' '))}{dice.choice(self._parts['ends'])}"

    def _person(self, dice: random.Random) -> str:
        at = dice.random()
        # Vietnamese says what somebody is to one before nearly every name.
        if at < (_ALONE if self._language != "vi" else 0.55):
            return self._slot(dice, "N")
        if at < 0.87 or self._language == "vi":
            return f"{dice.choice(_KIN[self._language])} {{g}}"
        if at < 0.94 or self._language == "en":
            return f"{dice.choice(_HONORIFICS[self._language])} {{s}}"
        return f"{dice.choice(('der', 'die'))} {{s}}"

    def _slot(self, dice: random.Random, slot: str) -> str:
        if slot == "N":
            at = dice.random()
            sure = _SURNAME[self._language]
            return "{s}" if at < sure else "{f}" if at < sure + _WHOLE else "{g}"
        return {"G": "{g}", "S": "{s}"}.get(slot, self._nobody(dice, slot))

    def _nobody(self, dice: random.Random, slot: str) -> str:
        """A slot for what has a name and is no person; a person's name there is a thing's as well."""
        return {"G": "{u}", "S": "{l}", "L": "{l}"}.get(slot) or dice.choice(("{t}", "{t}", "{b}", "{u}"))


def sections(language: str) -> dict[str, list[str]]:
    """The lines of `data/clauses_<language>.txt` by section."""
    content = files("redaction.train").joinpath("data", f"clauses_{language}.txt").read_text("utf-8")
    found: defaultdict[str, list[str]] = defaultdict(list)
    section = ""
    for line in content.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            found[section].append(line)
    return dict(found)


def parts(language: str) -> list[str]:
    """All lines of a language, for its words."""
    return [line for lines in sections(language).values() for line in lines]
