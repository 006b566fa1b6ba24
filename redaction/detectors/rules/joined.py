"""Names without spaces between their parts: behind an underscore or a mark of emphasis, in paths, files and user names.

`Herr_Müller`, `Mr.Blackwood`, `**Ms. Harriet** _Blackwood_`, `/customers/harriet.blackwood`. Names in a script that
has no capitals stand here as well: nothing but the honorific before them tells (`Frau 王芳`).
"""

import re
from collections.abc import Iterator
from typing import Final

from redaction.detectors.rules.said import MY_NAME, SALUTE, TITLE
from redaction.detectors.rules.text import LOW, UP, Text, is_given, is_sur
from redaction.finding import Finding
from redaction.lexicon import is_word, words

_PART: Final = rf"[{UP}](?:['’][{UP}])?[{LOW}{UP}]{{1,24}}(?:-[{UP}][{LOW}{UP}]{{1,24}})?"
_ABBREVIATED: Final = r"(?:Mr|Mrs|Ms|Mx|Dr|Prof|Hr|Hrn|Fr|Fam)\."
_GLUED: Final = re.compile(
    rf"(?<![^\W_])(?:(?:{SALUTE}|{TITLE})_{{1,2}}(?:{TITLE}_)?|{_ABBREVIATED})(?P<value>{_PART}(?:_{_PART}){{0,2}})(?![^\W_])"
)
_SMALL_GLUED: Final = re.compile(rf"(?<![^\W_])(?i:herrn?|frau|mrs|mister)_(?P<value>[{LOW}]{{4,24}})(?![^\W_])")
# The mark closes behind the given name and opens again before the surname.
_EMPHASIZED: Final = re.compile(
    rf"(?<![^\W_])(?:{SALUTE}|{TITLE}) (?:[*_]{{1,3}})?{_PART}[*_]{{1,3}} [*_]{{0,3}}(?P<value>{_PART})(?![^\W_])"
)
# Any script but the Latin one, whose names the other rules know.
_OTHER: Final = r"[^\W\d_A-Za-z\u00aa-\u02ff\u1e00-\u1eff]"
_HAS_OTHER: Final = re.compile(_OTHER)
_OTHER_SCRIPT: Final = re.compile(
    rf"(?<![\w-])(?:(?:{SALUTE}|{TITLE})(?: {TITLE})?|(?i:{MY_NAME}))[ \t]{{1,3}}[\"'„“*_]{{0,3}}"
    rf"(?P<value>{_OTHER}{{1,20}}(?:[ ·・-]{_OTHER}{{1,20}}){{0,3}})"
)
# `harriet.blackwood`, `Harriet_Blackwood-Jones`, with a number or a file's ending behind it.
_JOINED: Final = re.compile(
    rf"(?<![\w@.-])(?P<value>[{UP}{LOW}]{{3,20}}(?:[._-][{UP}{LOW}]{{2,24}}){{1,3}}[0-9]{{0,4}})(?="
    r"(?:\.[A-Za-z]{2,4})?(?![\w@(\[]|[.-]\w))"
)
_FILE: Final = re.compile(
    r"\.(?:pdf|docx?|xlsx?|odt|txt|md|csv|json|xml|html?|eml|msg|zip|jpe?g|png|heic|wav|vcf)$", re.IGNORECASE
)
_CUT: Final = re.compile(r"[._-]")
_LEAST: Final = 5


def find(text: Text) -> Iterator[Finding]:
    """Names whose parts something else than a space divides, or that another script spells."""
    page = text.text
    for expression, signs in ((_GLUED, "_."), (_EMPHASIZED, "_*")):
        if any(sign in page for sign in signs):
            for match in expression.finditer(page):
                parts = match["value"].split("_")
                if not all(is_word(part) and not _is_name(part) for part in parts) and not text.is_company(match.end()):
                    yield Finding(*match.span("value"), "PERSON", 0.85, "name_honorific")
    for match in _SMALL_GLUED.finditer(page) if "_" in page else ():
        if not is_word(match["value"]):
            yield Finding(*match.span("value"), "PERSON", 0.6, "name_honorific")
    if not page.isascii() and _HAS_OTHER.search(page):
        for match in _OTHER_SCRIPT.finditer(page):
            yield Finding(*match.span("value"), "PERSON", 0.85, "name_honorific")
    for match in _JOINED.finditer(page):
        value = _FILE.sub("", match["value"])
        # `Fritz-Blackwood` in prose is one name; as a file, or in a path, it is two.
        prose = value == match["value"] and not value.islower() and page[match.start() - 1 : match.start()] != "/"
        if not (prose and "-" in value) and _is_user(_CUT.split(value.lower().rstrip("0123456789"))):
            yield Finding(match.start("value"), match.start("value") + len(value), "USERNAME", 0.7, "name_joined")


def _is_user(parts: list[str]) -> bool:
    """A given name that is no word, with a surname behind it: one of the lists, or what is no word of any language."""
    first, last = parts[0], parts[-1]
    if len(parts) < 2 or not is_given(first) or is_word(first) or first in words("words_tech"):
        return False
    return not is_word(last) and (is_sur(last) or (len(last) >= _LEAST and not is_given(last)))


def _is_name(part: str) -> bool:
    return is_given(part.lower()) or is_sur(part.lower())
