"""What stands behind an address: a name, also one that is a word by its parts, or what somebody is.

`Frau Steinhäuser`, `Herr Apfelbaum`; `Herr Klassenlehrer`.
"""

import re
from typing import Final

from redaction.detectors.rules.text import Text
from redaction.lexicon import base_forms, is_inflected, is_word, words

_ADDRESSES: Final = re.compile(r"(?i:herrn?|hrn?\.|frau|fr\.|familie|fam\.|(?:dr|prof|mr|mrs|ms)\b)")
# Whom nobody else is called after: `Dr. Oetker`, `Dr. Martens`.
_BRANDS: Final = frozenset({"oetker", "pepper", "martens", "scholl", "beckmann"})
# A woman of whom something is said may have a thing behind her: `wenn eine Frau Elterngeld beantragt`.
_SOME_WOMAN: Final = re.compile(
    r"(?<!\w)(?i:(?:[kmds]?ein|ihr|unser|eue?r|jed|manch|dies|jen|welch)(?:e[rnms]?)?|die|der|den)"
    r" (?:\w{2,20}e[rnms]? )?\Z"
)
_ROLES: Final = (
    *("innen", "präsident", "präsidenten", "direktor", "direktoren", "chef", "chefs", "sekretär", "sekretärs"),
    *("leiter", "lehrer", "trainer", "anwalt", "anwalts", "arzt", "arztes", "rat", "meister", "minister", "mann"),
    *("berater", "vertreter", "kollege", "kollegen", "pfleger", "wart", "richter", "führer", "beauftragte"),
    *("beauftragter", "beauftragten", "vorsitzende", "vorsitzender", "vorsitzenden", "kanzler", "vorstand", "student"),
    *("assistent", "assistenten", "verwalter", "geber", "nehmer", "partner", "prüfer", "helfer", "angestellte"),
    *("angestellter", "arbeiter", "techniker", "ingenieur", "professor", "doktor", "admin", "experte", "experten"),
)
"""Ends of what people are rather than of what they are called, behind an address."""


def is_addressed(text: Text, match: "re.Match[str]") -> bool:
    """Whether somebody is spoken of by a German address, and no woman or family of whom something is said."""
    if not _ADDRESSES.match(match[0]):
        return False
    before = text.text[max(0, match.start() - 40) : match.start()]
    if before[-2:-1].isdigit():
        return False  # a time: `300 ms`
    return not (match[0][:2].lower() in ("fr", "fa") and _SOME_WOMAN.search(before))


def may_be_called(part: str) -> bool:
    """What only its parts make a word, such as Apfelbaum, or a brand, such as Dyson, and is not what somebody is."""
    word = part.strip("'’,-.").lower()
    if word in words("words_things") or word in words("words_tech") or word in words("words_eponyms"):
        return word not in _BRANDS
    if word in base_forms("de") or is_inflected(word) or is_word(word, "en"):
        return False
    return not word.endswith(_ROLES) and (not word.endswith("in") or word.endswith("ein"))
