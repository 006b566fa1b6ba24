"""Names without spaces between their parts: behind an underscore or a mark of emphasis, in paths, files and user names.

`Herr_Müller`, `Mr.Blackwood`, `**Ms. Harriet** _Blackwood_`, `/customers/harriet.blackwood`. Names in a script that
has no capitals stand here as well: nothing but the honorific before them tells (`Frau 王芳`).
"""

import re
from collections.abc import Iterator
from typing import Final

from redaction.detectors.rules.said import MY_NAME, SALUTE, TITLE
from redaction.detectors.rules.text import LOW, UP, Text, is_common, is_given, is_sur
from redaction.detectors.rules.vietnamese import vietnamese_syllables
from redaction.finding import Finding
from redaction.lexicon import is_inflected, is_word, words

_PART: Final = rf"[{UP}](?:['’][{UP}])?[{LOW}{UP}]{{1,24}}(?:-[{UP}][{LOW}{UP}]{{1,24}})?"
_DOTTED: Final = r"(?:Mr|Mrs|Ms|Mx|Dr|Prof|Hr|Hrn|Fr|Fam|Herrn?|Frau)\."
_GLUED: Final = re.compile(
    rf"(?<![^\W_])(?:(?:{SALUTE}|{TITLE})_{{1,2}}(?:{TITLE}_)?|{_DOTTED})(?P<value>{_PART}(?:_{_PART}){{0,2}})(?![^\W_])"
)
# One word: `Herr-Knecht-Dialektik` is nobody.
_DASHED: Final = re.compile(rf"(?<![\w-])(?:Mr|Mrs|Ms|Herrn?|Frau)-(?P<value>[{UP}][{LOW}{UP}]{{1,24}})(?![^\W_]|-)")
_SMALL_GLUED: Final = re.compile(rf"(?<![^\W_])(?i:herrn?|frau|mrs|mister)_(?P<value>[{LOW}]{{4,24}})(?![^\W_])")
# The mark closes and opens again between the parts.
_MARKS: Final = r"[*_]{1,3} [*_]{0,3}"
_EMPHASIZED: Final = re.compile(
    rf"(?<![^\W_])(?:{SALUTE}|{TITLE})(?:{_MARKS}| [*_]{{0,3}}{_PART}{_MARKS})(?P<value>{_PART})(?![^\W_])"
)
_EMPHASIZED_PAIR: Final = re.compile(rf"[*_](?P<given>{_PART})[*_]{{1,3}} [*_]{{1,3}}(?P<value>{_PART})[*_]")
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
    r"(?:\.[A-Za-z]{2,4})?(?![\w(\[]|[.-]\w))"
)
_FILE: Final = re.compile(
    r"\.(?:pdf|docx?|xlsx?|odt|txt|md|csv|json|xml|html?|eml|msg|zip|jpe?g|png|heic|wav|vcf)$", re.IGNORECASE
)
_CUT: Final = re.compile(r"[._-]")
# A path, a home folder or a label before it.
_PLACE: Final = re.compile(r"(?:[/\\~]|(?i:user|login|owner|author|account|customer|kunde|name))\W{0,3}\Z")
_BEFORE: Final = 12
_LEAST: Final = 5
_SHORTEST: Final = 3  # `max`, `sys` and `lex` begin names of variables

EXPRESSIONS: Final = (
    *(_GLUED, _DASHED, _EMPHASIZED, _EMPHASIZED_PAIR, _SMALL_GLUED),
    *(_OTHER_SCRIPT,),
)
"""What the page is asked for."""


def find(text: Text) -> Iterator[Finding]:
    """Names whose parts something else than a space divides, or that another script spells."""
    yield from _honorifics(text)
    yield from _users(text.text)


def _honorifics(text: Text) -> Iterator[Finding]:
    page = text.text
    for expression, signs in ((_GLUED, "_."), (_DASHED, "-"), (_EMPHASIZED, "_*")):
        if any(sign in page for sign in signs):
            for match in text.page.matches(expression):
                parts = match["value"].split("_")
                if not all(is_word(part) and not _is_name(part) for part in parts) and not text.is_company(match.end()):
                    yield Finding(*match.span("value"), "PERSON", 0.85, "name_honorific")
    for match in text.page.matches(_EMPHASIZED_PAIR):
        if is_given(match["given"].lower()) and not is_word(match["given"]) and not is_word(match["value"]):
            yield Finding(*match.span("value"), "PERSON", 0.7, "name_listed")
    for match in text.page.matches(_SMALL_GLUED):
        if not is_word(match["value"]):
            yield Finding(*match.span("value"), "PERSON", 0.6, "name_honorific")
    if not page.isascii() and _HAS_OTHER.search(page):
        for match in text.page.matches(_OTHER_SCRIPT):
            yield Finding(*match.span("value"), "PERSON", 0.85, "name_honorific")


def _users(page: str) -> Iterator[Finding]:
    for match in _JOINED.finditer(page):
        start = match.start("value")
        value = _FILE.sub("", match["value"])
        if "_" in value and (value.isupper() or "." in value):
            continue  # a constant of a program, a field of an object
        placed = value != match["value"] or _PLACE.search(page, max(0, start - _BEFORE), start) is not None
        # `Fritz-Blackwood` in prose is one name; as a file, or in a path, it is two.
        if "-" in value and not placed and not value.islower():
            continue
        parts = _CUT.split(value.lower().rstrip("0123456789"))
        if len(parts) > 1 and _is_user(parts, placed=placed, dotted="." in value):
            yield Finding(start, start + len(value), "USERNAME", 0.8, "name_joined")


def _is_user(parts: list[str], *, placed: bool, dotted: bool) -> bool:
    """A given name that is no word, and a surname.

    placed: in a path, a file's name or behind a label, where what no list knows may be a surname too. dotted: with a
    full stop between the two, where it may be one as well behind a frequent given name.
    """
    first, last = parts[0], parts[-1]
    if any(part in words("words_tech") for part in parts):
        return False
    if first in words("vi_distinct_surnames"):
        if not placed and not dotted:
            return False  # a variable of a program: `duong_dan`
        return first != last and all(part in vietnamese_syllables() for part in parts[1:])  # nguyen.van.an
    if is_sur(first) and not is_given(first):
        first, last = last, first  # blackwood.harriet
    if not is_given(first) or is_word(first) or is_word(last) or is_inflected(last) or first == last:
        return False
    if is_sur(last) and (dotted or len(last) > _SHORTEST):
        return True
    frequent = len(first) > _SHORTEST and is_common(first)
    return frequent and (placed or dotted) and len(last) >= _LEAST and not is_given(last)


def _is_name(part: str) -> bool:
    return is_given(part.lower()) or is_sur(part.lower())
