# ruff: noqa: E501 - one expression, one line: a table of patterns reads better unbroken
"""Vietnamese names: a closed set of surnames in a fixed order, honorifics with a given name, calls, with and without marks."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from redaction.detectors.rules.text import CERTAIN, LOW, UP, Text, Word
from redaction.finding import Finding
from redaction.lexicon import is_word, phrases, without_marks, words

_SYLLABLE: Final = re.compile(rf"[{UP}{LOW}]+")
_LONGEST: Final = 7
_HONORIFICS: Final = "anh|chị|em|bác|cô|chú|ông|bà|bạn|thầy|dì|cậu|mợ|thím|cháu|con|bé|sếp|cụ|vợ|chồng|mẹ|bố|khách|sư"
_HONORIFIC: Final = re.compile(
    rf"(?<![\w-])(?i:{_HONORIFICS}|(?:ông|bà|ong|ba) (?:nội|ngoại|noi|ngoai|cố)|(?:anh|chị|em|chi) (?:trai|gái|dâu|rể|họ|cả|gai|dau|ho)|chi|bac|co|chu|ong|ba|ban|thay|di|cau|chau|be|sep|bs\.?|ths\.?|ts\.?|gs\.?|mr\.?|(?<!\d )ms\.?)"
    rf"(?i: (?:tên|ten)(?: là| la)?)? (?P<value>[{UP}][{LOW}]{{0,6}}(?: [{UP}][{LOW}]{{0,6}}){{0,3}})(?!\w)"
)
# In the south the second child is called Hai, the last one Út.
_BIRTH_ORDER: Final = frozenset({"hai", "ba", "tư", "năm", "sáu", "bảy", "tám", "chín", "mười", "út"})
_SMALL_HONORIFIC: Final = re.compile(
    rf"(?<![\w-])(?:anh|chị|bác|cô|chú|ông|bà|thầy|dì|cậu|mợ|thím|bé|cháu|chi|co|chu|thay) (?P<value>[{LOW}]{{2,6}})(?!\w)"
)
_CALLED: Final = re.compile(rf"(?<![\w-])(?P<value>[{UP}{LOW}]{{2,7}}(?: [{UP}{LOW}]{{1,7}})?) (?:ơi|oi|ah|à ơi)(?!\w)")
_INTRODUCED: Final = re.compile(
    rf"(?<![\w-])(?i:tên (?:tôi|em|mình|anh|chị|con|cháu|đầy đủ|khách|của (?:tôi|em|mình|anh|chị))(?: là|:)?|tên là|ten la|ten (?:toi|em|minh|chi)(?: la)?|(?:tôi|em|mình|tớ|con|cháu|toi|minh) "
    rf"(?:tên|ten)(?: là| la)?|(?:mình|em|tôi|tớ|toi|minh|to) (?:là|la)|đây là|gặp|gap|nhờ|thưa) (?P<value>[{UP}{LOW}]{{2,7}}(?: [{UP}{LOW}]{{1,7}}){{0,3}})(?!\w)"
)
# A surname that is no ordinary word without its mark either.
_DISTINCT: Final = words("vi_distinct_surnames")
_ENTITIES: Final = words("vi_entities")
_JOINED_BY: Final = frozenset({"và", "với", "hay", "hoặc", "cùng"})
_NOT_CALLED: Final = words("vi_not_called")


@cache
def _surnames() -> frozenset[str]:
    return words("vi_surnames") | {without_marks(name) for name in words("vi_surnames")}


@cache
def _middles() -> frozenset[str]:
    return words("vi_middle") | {without_marks(name) for name in words("vi_middle")}


@cache
def _given() -> frozenset[str]:
    return words("vi_given") | {without_marks(name) for name in words("vi_given")}


@cache
def vietnamese_syllables() -> frozenset[str]:
    """Syllables of names, with and without marks."""
    return _surnames() | _middles() | _given()


@cache
def _place_starts() -> frozenset[str]:
    """Names of places and things, with and without marks, whose syllables are given names as well."""
    from redaction.detectors.rules.places import vietnamese_places

    return vietnamese_places() | phrases("vi_countries") | phrases("vi_things")


EXPRESSIONS: Final = (*(_HONORIFIC, _SMALL_HONORIFIC, _CALLED, _INTRODUCED),)
"""What the page is asked for."""


def find(text: Text) -> Iterator[Finding]:
    """Full names everywhere; the weaker evidence only where the text may be Vietnamese."""
    yield from _full_names(text)
    if not text.vietnamese:
        return
    yield from _honorifics(text)
    yield from _introduced(text)
    yield from _called(text)
    if text.page.languages[0] == "vi":
        yield from _capitals(text)


def _full_names(text: Text) -> Iterator[Finding]:
    """A surname of the closed list with one to three syllables after it."""
    syllables = list(_SYLLABLE.finditer(text.text))
    surnames = _surnames()
    at = 0
    while at < len(syllables):
        if syllables[at][0].lower() not in surnames:
            at += 1
            continue
        taken = _run(text, syllables, at)
        if taken >= 2:
            yield Finding(syllables[at].start(), syllables[at + taken - 1].end(), "PERSON", 0.85, "name_vietnamese")
        at += max(1, taken)


def _run(text: Text, syllables: list["re.Match[str]"], at: int) -> int:
    """How many syllables from here, the first a surname, are a full name; 0 when they are none."""
    first = syllables[at][0].lower()
    capital = syllables[at][0][0].isupper()
    taken = 1
    while taken < 4 and at + taken < len(syllables):
        before, this = syllables[at + taken - 1], syllables[at + taken]
        if text.text[before.end() : this.start()] != " " or len(this[0]) > _LONGEST or this[0][0].isupper() != capital:
            break
        after_middle = taken == 2 and without_marks(before[0].lower()) in ("van", "thi")
        known = this[0].lower() in _given() or this[0].lower() in _middles() or (capital and not this[0].isascii())
        if not known and not after_middle:
            break
        taken += 1
    if taken < 2:
        return 0
    if (
        syllables[at][0].isupper()
        and len(first) > 1
        and not all(one[0].isupper() for one in syllables[at : at + taken])
    ):
        return 0
    second = syllables[at + 1][0].lower()
    if capital:
        return taken if _is_capital_name(text, syllables, at, taken) else 0
    if f"{first} {second}" in _plain_compounds():
        return 0
    middle = without_marks(second) in ("van", "thi") or (taken > 2 and second in _middles())
    if first not in _DISTINCT and without_marks(second) not in ("van", "thi"):
        return 0
    if not middle and first not in _DISTINCT:
        return 0
    while taken > 2 and without_marks(syllables[at + taken - 1][0]) in words("vi_small") and taken > 3:
        taken -= 1
    return taken if taken > 2 or (first in ("nguyen", "nguyễn", "huynh", "huỳnh") and middle) else 0


@cache
def _plain_compounds() -> frozenset[str]:
    """Ordinary words of two syllables, with and without marks: `dang ky`, to register."""
    return phrases("vi_compounds") | {without_marks(word) for word in phrases("vi_compounds")}


def _is_capital_name(text: Text, syllables: list["re.Match[str]"], at: int, taken: int) -> bool:
    spelled = [one[0].lower() for one in syllables[at : at + taken]]
    if " ".join(spelled) in _place_starts() or (spelled[0] in ("thành", "thanh") and spelled[1] in ("phố", "pho")):
        return False
    if (
        at
        and syllables[at - 1][0].lower() in _ENTITIES
        and text.text[syllables[at - 1].end() : syllables[at].start()] == " "
    ):
        return False
    marked = any(not one.isascii() for one in spelled)
    # "Kim Long", "La Hoa": without a mark and without a middle name only the frequent surnames count elsewhere.
    return marked or spelled[0] in _DISTINCT or spelled[1] in ("van", "thi") or (text.vietnamese and taken > 2)


def _acts(text: Text, word: Word) -> bool:
    """Whether a syllable that begins a sentence is followed by what a person does: `Sơn nói`, not `Sơn tường`."""
    following = text.next(word)
    if following is not None:
        return following.lower in words("vi_acts") or following.lower in words("vi_human")
    other = text.next(word, ", ")
    return other is not None and other.capital and other.lower in words("vi_given")


def _does(text: Text, end: int) -> bool:
    """Whether what ends here is followed by what only people do: `cô hoa dặn`."""
    following = _SYLLABLE.match(text.page.lower, end + 1)
    return following is not None and text.text[end : end + 1] == " " and following[0] in words("vi_human")


def _is_ordinary(text: Text, word: str) -> bool:
    """In Vietnamese what is a word elsewhere is a pet name: `bé Bin`."""
    if text.page.languages[0] == "vi":
        return is_word(word, "vi") or word.lower() in words("words_tech")
    return text.ordinary(word)


def _honorifics(text: Text) -> Iterator[Finding]:
    for match in text.page.matches(_HONORIFIC):
        parts = []
        for part in match["value"].split(" "):
            if (
                part.lower() not in _given()
                and part.lower() not in _BIRTH_ORDER
                and part.lower() not in _surnames()
                and part.lower() not in _middles()
                and (part.isascii() or len(part) > _LONGEST)
            ):
                break
            parts.append(part)
        value = " ".join(parts)
        if parts and value.lower() not in _place_starts():
            end = match.start("value") + len(value)
            yield Finding(match.start("value"), end, "PERSON", CERTAIN, "name_vi_honorific")
        elif (
            not parts and len(match["value"].split(" ")[0]) > 1 and not _is_ordinary(text, match["value"].split(" ")[0])
        ):
            end = match.start("value") + len(match["value"].split(" ")[0])
            yield Finding(match.start("value"), end, "PERSON", 0.6, "name_vi_honorific")
    for match in text.page.matches(_SMALL_HONORIFIC):
        value = match["value"]
        known = not is_word(value, "vi") or _does(text, match.end())
        if value in _given() and known and match[0] not in words_of_two():
            yield Finding(*match.span("value"), "PERSON", 0.6, "name_vi_honorific")


@cache
def words_of_two() -> frozenset[str]:
    """Ordinary words of two syllables whose first is an honorific: `anh hùng`, a hero."""
    return phrases("vi_compounds")


def _introduced(text: Text) -> Iterator[Finding]:
    for match in text.page.matches(_INTRODUCED):
        strong = "ên" in match[0][: match.start("value") - match.start()].lower() or "ten" in match[0][:6].lower()
        parts: list[str] = []
        for part in match["value"].split(" "):
            lower = part.lower()
            known = lower in _given() or lower in _surnames() or lower in _middles()
            if not known or (not part[0].isupper() and (not strong or (parts and is_word(lower, "vi")))):
                break
            parts.append(part)
        if parts and " ".join(parts).lower() not in _NOT_CALLED and (strong or parts[0][0].isupper()):
            start = match.start("value")
            score = CERTAIN if strong else 0.75
            yield Finding(start, start + len(" ".join(parts)), "PERSON", score, "name_vi_introduced")


def _called(text: Text) -> Iterator[Finding]:
    """The one who is called: `Lan ơi`, `anh tuấn ơi`."""
    for match in text.page.matches(_CALLED):
        parts = match["value"].split(" ")
        start = match.start("value")
        while parts and parts[0].lower() not in _given():
            start += len(parts[0]) + 1
            parts = parts[1:]
        if parts and parts[0].lower() in _NOT_CALLED and len(parts) > 1:
            start += len(parts[0]) + 1
            parts = parts[1:]
        if (
            parts
            and all(part.lower() in _given() for part in parts)
            and (len(parts) > 1 or parts[0].lower() not in _NOT_CALLED)
        ):
            yield Finding(start, match.end("value"), "PERSON", 0.7, "name_vi_called")


def _has_company(text: Text, word: Word, given: frozenset[str]) -> bool:
    """`Khuê với Diệp`: another capital given name is joined to it."""
    after, before = text.next(word), text.before(word)
    second = text.next(after) if after is not None and after.lower in _JOINED_BY else None
    first = text.before(before) if before is not None and before.lower in _JOINED_BY else None
    return any(other is not None and other.capital and other.lower in given for other in (first, second))


def _capitals(text: Text) -> Iterator[Finding]:
    """Capital syllables inside a Vietnamese sentence that are given names; nothing else is written with capitals there."""
    at = 0
    syllables = text.words
    # In a text that has marks a syllable without one is that very syllable.
    marked = not text.text.isascii()
    given = words("vi_given") if marked else _given()
    middles = words("vi_middle") if marked else _middles()
    while at < len(syllables):
        word = syllables[at]
        run = [word]
        while word.capital and len(run) < 4 and (following := text.next(run[-1])) and following.capital:
            run.append(following)
        at += len(run)
        while len(run) > 1 and text.begins(run[0]) and run[0].lower not in given and run[0].lower not in middles:
            run.pop(0)  # the verb that begins the sentence: Hỏi Đạt
        if run[0].lower in _ENTITIES:
            continue  # Trường Đại học …
        word = run[0]
        if not word.capital or any(one.lower not in given and one.lower not in middles for one in run):
            continue
        value = " ".join(one.lower for one in run)
        before = text.before(word)
        if value in _place_starts() or (before and before.lower in _ENTITIES) or word.text.isupper():
            continue
        beside = len(run) == 1 and _has_company(text, word, given)
        if len(run) > 3 or (len(run) == 1 and text.begins(word) and not _acts(text, word) and not beside):
            continue
        sure = _does(text, run[-1].end) or beside
        yield Finding(
            word.start, run[-1].end, "PERSON", 0.74 if sure else 0.6 if len(run) > 1 else 0.5, "name_vi_capital"
        )
