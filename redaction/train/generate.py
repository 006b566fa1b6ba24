"""Chat from templates: slots are filled, and the result is written as people write, with its spans kept.

A made message is a list of pieces `(text, label)`, so whatever changes a piece cannot lose where a name stands.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from redaction.train.clauses import Clauses
from redaction.train.names import Invention, People, capital, plain
from redaction.train.things import Things

type Piece = tuple[str, str]
"""text, label; an empty label is no name."""

LABELS: Final = ("PERSON", "LOCATION", "ORGANIZATION", "STREET_ADDRESS")
_SLOT: Final = re.compile(r"\{(\w+)\}")
_STREETS: Final = {
    "de": ("straße", "weg", "gasse", "allee", "platz", "str.", "ring", "damm", "strasse"),
    "en": (" Street", " Road", " Lane", " Ave", " St", " Drive", " Close", " Court"),
}
_FIRMS: Final = ("GmbH", "AG", "Ltd", "Inc", "Group", "Bank", "Systems", "Solutions", "SE", "Co", "")
_EMOJI: Final = ("😂", "🙏", "❤️", "😅", "🎉", "👍", "😭", "🥲", "🔥", "😊", "💪", ":)", ":D", "xD", "^^", "haha", "lol")
_BEFORE: Final = {
    "en": (
        "hey ",
        "ok so ",
        "btw ",
        "omg ",
        "well, ",
        "hi! ",
        "fyi ",
        "Q: ",
        "- ",
        "> ",
        "and ",
        "but ",
        "* ",
        "so ",
        "yeah ",
    ),
    "de": (
        "hey ",
        "also ",
        "übrigens ",
        "omg ",
        "naja, ",
        "hallo! ",
        "fyi ",
        "- ",
        "> ",
        "und ",
        "aber ",
        "* ",
        "ja ",
        "äh ",
    ),
    "vi": ("ê ", "à mà ", "dạ ", "trời ", "thôi ", "nè ", "- ", "> ", "mà ", "nhưng ", "* ", "ừ ", "vậy ", "chứ "),
}
# Shares of texts with names, of chat without, the rest is prose; and of what is put together from parts in both.
_NAMED: Final = 0.6
_NAMED_CLAUSE: Final = 0.34
_BARE: Final = 0.2
_BARE_CLAUSE: Final = 0.13
_JOINTS: Final = (" ", ". ", "\n", ", ", "! ", " - ", "; ", "? ", "\n\n", "... ")


@dataclass(frozen=True, slots=True)
class Message:
    """A made message."""

    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.pieces)


def lines(kind: str, language: str) -> list[str]:
    """The lines of `data/<kind>_<language>.txt`: templates of chat, or prose in which nobody is named."""
    content = files("redaction.train").joinpath("data", f"{kind}_{language}.txt").read_text("utf-8")
    return [line.replace("⏎", "\n") for line in content.splitlines() if line and not line.startswith("#")]


class Chat:
    """An endless chat in all languages. dice: where every choice comes from, so a seed tells all of it."""

    def __init__(self, people: People, dice: random.Random) -> None:
        self._people = people
        self._dice = dice
        self._templates = {language: lines("chat", language) for language in ("en", "de", "vi")}
        self._named = {language: [one for one in all_ if _names(one)] for language, all_ in self._templates.items()}
        self._bare = {language: [one for one in all_ if not _names(one)] for language, all_ in self._templates.items()}
        self._prose = {language: lines("prose", language) for language in self._templates}
        self._clauses = {language: Clauses(language) for language in self._templates}
        self._brands = Invention(people.world)
        self._things = Things(people)

    def messages(self, language: str, count: int) -> Iterator[Message]:
        for _ in range(count):
            yield self._written(self._said(language), language)

    def _said(self, language: str) -> list[Piece]:
        dice = self._dice
        pieces = self._filled(self._one(language), language)
        while dice.random() < 0.4:
            other = language if dice.random() < 0.92 else dice.choice(("en", "de", "vi"))
            more = self._filled(self._one(other), other)
            joint = (dice.choice(_JOINTS), "")
            pieces = [*pieces, joint, *more] if dice.random() < 0.6 else [*more, joint, *pieces]
        if dice.random() < 0.15:
            pieces.insert(0, (dice.choice(_BEFORE[language]), ""))
        if dice.random() < 0.2:
            pieces.append((" " + dice.choice(_EMOJI), ""))
        elif dice.random() < 0.3:
            pieces.append((dice.choice((".", "!", "?", "...", "!!", " ?")), ""))
        if dice.random() < 0.03:
            pieces = [('"', ""), *pieces, ('"', "")]
        return pieces

    def _one(self, language: str) -> str:
        dice = self._dice
        at = dice.random()
        if at < _NAMED_CLAUSE:
            return self._clauses[language].named(dice)
        if at < _NAMED:
            return dice.choice(self._named[language])
        if at < _NAMED + _BARE_CLAUSE:
            return self._clauses[language].bare(dice)
        return dice.choice((self._bare if at < _NAMED + _BARE else self._prose)[language])

    def _filled(self, template: str, language: str) -> list[Piece]:
        pieces: list[Piece] = []
        at = 0
        for match in _SLOT.finditer(template):
            pieces.append((template[at : match.start()], ""))
            pieces.append(self._slot(match[1], language))
            at = match.end()
        pieces.append((template[at:], ""))
        return [piece for piece in pieces if piece[0]]

    def _slot(self, slot: str, language: str) -> Piece:
        dice, people = self._dice, self._people
        match slot:
            case "g":
                return people.given_name(dice, language), "PERSON"
            case "f":
                return people.full_name(dice, language), "PERSON"
            case "s":
                return people.surname(dice, language), "PERSON"
            case "n":
                return people.any_name(dice, language), "PERSON"
            case "p":
                return people.place(dice, language), "LOCATION"
            case "a":
                return self._street(language), "STREET_ADDRESS"
            case "o":
                return f"{capital(self._brands.draw(dice))} {dice.choice(_FIRMS)}".strip(), "ORGANIZATION"
        return self._unnamed(slot, language), ""

    def _unnamed(self, slot: str, language: str) -> str:
        """What stands in a slot that names nobody."""
        dice = self._dice
        match slot:
            case "b":
                return self._brand()
            case "t":
                return self._things.thing(dice)
            case "u":  # a storm, an apple, a model of a car
                return self._people.given_name(dice, language)
            case "l":
                return self._things.eponym(dice)
            case "num":
                return str(dice.choice((dice.randint(1, 30), dice.randint(31, 9999))))
        return self._brands.draw(dice)

    def _street(self, language: str) -> str:
        dice, people = self._dice, self._people
        number = str(dice.randint(1, 240))
        if language == "vi":
            way = dice.choice(("", "đường ", "phố ", "ngõ 12 ", "hẻm 45 ", "số "))
            return f"{way}{number} {people.full_name(dice, 'vi')}"
        name = dice.choice(
            (people.surname(dice, language), people.given_name(dice, language), people.place(dice, language))
        )
        street = name.split(" ")[-1] + dice.choice(_STREETS[language])
        if dice.random() < 0.25:
            return street
        return f"{street} {number}" if language == "de" else f"{number} {street}"

    def _brand(self) -> str:
        dice = self._dice
        name = self._brands.draw(dice)
        shape = dice.random()
        if shape < 0.3:
            name = capital(name)
        elif shape < 0.4:
            name = name[:4].upper()
        elif shape < 0.6:
            name = f"{capital(name)} {dice.randint(2, 15)}"
        elif shape < 0.7:
            name = capital(name) + dice.choice(("Hub", "Cloud", "DB", "JS", "Pro", "Lab"))
        return name

    def _written(self, pieces: list[Piece], language: str) -> Message:
        """In the case, with the marks and with the slips of one writer."""
        dice = self._dice
        style = dice.random()
        if style < 0.42:
            pieces = [(text.lower(), label) for text, label in pieces]
        elif style < 0.45:
            pieces = [(text.upper(), label) for text, label in pieces]
        elif style < 0.8:
            pieces = _begun(pieces)
            if dice.random() < 0.1:
                pieces = [(text.lower() if label else text, label) for text, label in pieces]
        if language == "vi" and dice.random() < 0.3:
            pieces = [(plain(text), label) for text, label in pieces]
        elif language == "de" and dice.random() < 0.08:
            pieces = [(_typed(text), label) for text, label in pieces]
        if dice.random() < 0.15:
            pieces = [(text if label else self._slipped(text), label) for text, label in pieces]
        return Message(tuple(pieces))

    def _slipped(self, text: str) -> str:
        """One letter too few, or two changed."""
        if len(text) < 6:
            return text
        at = self._dice.randrange(1, len(text) - 2)
        if not text[at : at + 2].isalpha():
            return text
        return text[:at] + (text[at + 1] + text[at] if self._dice.random() < 0.5 else text[at]) + text[at + 2 :]


def _names(template: str) -> bool:
    return any(slot in template for slot in ("{g}", "{f}", "{s}", "{n}", "{p}", "{a}"))


def _begun(pieces: list[Piece]) -> list[Piece]:
    """With a capital where it begins, as phones write."""
    (first, label), *rest = pieces
    return [(first[:1].upper() + first[1:], label), *rest]


def _typed(text: str) -> str:
    for mark, letters in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        text = text.replace(mark, letters)
    return text
