# ruff: noqa: E501 - one expression, one line: a table of patterns reads better unbroken
"""What the rules share: character classes, the words of a text with their neighbours, and what a word may be."""

import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final, NamedTuple

from redaction.lexicon import is_counted, is_word, phrases, without_marks, words
from redaction.recognizers.base import Page

# Vietnamese letters alternate between capital and small in Unicode, so ranges would mix them up.
_LETTERS: Final = [chr(code) for code in (*range(0x41, 0x250), *range(0x1E00, 0x1F00)) if chr(code).isalpha()]
UP: Final = "A-Z" + "".join(char for char in _LETTERS if char.isupper() and char > "Z")
LOW: Final = "a-z" + "".join(char for char in _LETTERS if char.islower() and char > "z")
# "Anna", "O'Brien", "McKay", "Anna-Lena", "SCHMIDT"; whole, and not inside `Anna_77`
CAP: Final = rf"[{UP}](?:['’][{UP}])?[{LOW}{UP}]{{1,24}}(?:['’][{LOW}]{{1,12}})?(?:-[{UP}][{LOW}{UP}]{{1,24}}){{0,2}}(?![{LOW}{UP}0-9]|_+[^\W_])"
INITIAL: Final = rf"[{UP}]\."
PARTICLE: Final = r"(?:(?:von und zu|von der|von dem|van der|van den|de la|von|van|vom|zu|zum|zur|de|da|del|della|di|du|dos|el|al|bin|ibn|ten|ter|den|der|le|la|af) )?"
NAME: Final = rf"{CAP}(?: (?:{INITIAL} ?)?{PARTICLE}{CAP}){{0,3}}"
ANY: Final = rf"[{UP}{LOW}][{UP}{LOW}'’-]{{1,24}}"

# Not inside `anna_77` or `@anna`, which are found whole or not at all; underscores at the edges are emphasis.
_WORD: Final = re.compile(
    rf"(?:(?<![\w@])|(?<=_)(?<![^\W_]_)(?<![^\W_]__))[{UP}{LOW}]+(?:['’-][{UP}{LOW}]+)*(?:(?!\w)|(?=_{{1,3}}(?!\w)))"
)
_POSSESSIVES: Final = ("'s", "’s", "'S")
_SENTENCE_END: Final = frozenset('.!?…:\n•*|>"“„(')
_COMPANY: Final = re.compile(
    r" (?:& Co|GmbH|AG|SE|KG|OHG|UG|e\.V|Inc|Ltd|LLC|PLC|Corp|Co\.|Group|Bank|University|Universität)\b"
)
CERTAIN: Final = 0.82
"""Above what the name model says against a name when it is sure (0.81): here the words around it are surer."""
# What is shouted, measured or written by machines all in capitals is no name by itself.
_MOST_CAPITALS: Final = 3


class Word(NamedTuple):
    """One word of a text. place: its index in `Text.words`. lower: in lower case, without a possessive."""

    place: int
    start: int
    end: int
    text: str
    lower: str
    capital: bool


@dataclass(frozen=True)
class Text:
    """A page with its words, computed once for all rules."""

    page: Page

    @property
    def text(self) -> str:
        return self.page.text

    @cached_property
    def words(self) -> list[Word]:
        found = []
        for index, match in enumerate(_WORD.finditer(self.text)):
            whole, start = match[0], match.start()
            if whole.endswith(_POSSESSIVES):
                whole = whole[:-2]
            found.append(Word(index, start, start + len(whole), whole, whole.lower(), whole[0].isupper()))
        return found

    @cached_property
    def vietnamese(self) -> bool:
        """Whether the text may be Vietnamese."""
        return "vi" in self.page.languages

    @cached_property
    def only_vietnamese(self) -> bool:
        return self.page.languages == ("vi",)

    def begins(self, word: Word) -> bool:
        """Whether a word begins a sentence, a line, a cell or a quotation."""
        before = self.text[max(0, word.start - 3) : word.start].rstrip(" ")
        return word.start == 0 or not before or before[-1] in _SENTENCE_END

    def next(self, word: Word, gap: str = " ") -> Word | None:
        """The word behind exactly this gap, if there is one."""
        following = self.words[word.place + 1] if word.place + 1 < len(self.words) else None
        return following if following and self.text[word.end : following.start] == gap else None

    def before(self, word: Word) -> Word | None:
        """The word before exactly one space."""
        if word.place == 0:
            return None
        previous = self.words[word.place - 1]
        return previous if self.text[previous.end : word.start] == " " else None

    def is_company(self, end: int) -> bool:
        """Whether what ends here is, or goes on as, the name of a company."""
        return (
            _COMPANY.match(self.text, end) is not None or _COMPANY.search(self.text, max(0, end - 8), end) is not None
        )

    def ordinary(self, word: str) -> bool:
        """Whether a word is an ordinary one in a language that the text may be in."""
        return is_word(word) or (self.vietnamese and is_word(word, "vi"))


@cache
def given_names() -> frozenset[str]:
    """Given names with the spellings that keyboards without umlauts and accents make of them."""
    return _spelled("given_names")


@cache
def surnames() -> frozenset[str]:
    """Surnames, likewise."""
    return _spelled("surnames")


@cache
def places() -> frozenset[str]:
    """Cities and regions, likewise."""
    return _spelled("places")


@cache
def composed_places() -> frozenset[str]:
    """Cities of several words."""
    return phrases("places_composed") | phrases("places_composed_more")


def _spelled(name: str) -> frozenset[str]:
    return _with_spellings(words(name) | words(f"{name}_more"))


def _with_spellings(listed: frozenset[str]) -> frozenset[str]:
    umlauts = {word.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss") for word in listed}
    return (listed | umlauts | {without_marks(word) for word in listed}) - phrases("countries")


@cache
def _common_names() -> frozenset[str]:
    return _with_spellings(words("given_names")) | _with_spellings(words("surnames"))


def is_common(word: str) -> bool:
    """Whether a lower-case word stands in the lists that people wrote: what is in the derived ones alone is rarer than
    the ordinary words that it may be."""
    return word in _common_names()


def is_given(word: str) -> bool:
    """Whether a lower-case word, or what stands before or after its hyphen, is a given name."""
    names = given_names()
    return word in names or ("-" in word and all(part in names for part in word.split("-")))


def is_sur(word: str) -> bool:
    """Whether a lower-case word, or the parts of a double name, is a listed surname."""
    names = surnames()
    return word in names or ("-" in word and any(part in names for part in word.split("-")))


def is_any_surname(word: str) -> bool:
    """Whether it is one by these lists or by the census."""
    return is_counted(word) or is_sur(word)


def is_all_capitals(word: str) -> bool:
    return len(word) > 1 and word.isupper()
