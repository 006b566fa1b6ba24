"""A kept pair as somebody reads it who is not to know whose answers these are. Pure.

Each recipient has placeholders of its own, which would tell the two apart; here they are numbered by their first place
in what was asked, so both sides call the same person by the same name.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import orjson

from proxy.control.ratings import Side, Verdict
from redaction.tokens import ALPHABET
from redaction.vault import Pair

_TOKEN = re.compile(rf"\[([A-Z][A-Z0-9_]{{0,19}})_([{ALPHABET}]{{12}}|[{ALPHABET}]{{8}})\]")


@dataclass(frozen=True, slots=True)
class Words:
    """What one recipient was asked, as (whose words, text), and what it said."""

    asked: tuple[tuple[str, str], ...] = field(repr=False)
    said: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Blind:
    """A pair without names. a, b: in the order in which they are shown. same_question: both were asked the same."""

    exchange: str
    attempt: int
    swapped: bool
    a: Words
    b: Words
    first: Side = field(repr=False)
    second: Side = field(repr=False)

    @property
    def same_question(self) -> bool:
        return self.a.asked == self.b.asked

    def verdict(self, better: str) -> Verdict:
        """What a choice of `a`, `b` or `tie` means. Raises KeyError for another word."""
        first, second = (Verdict.SECOND, Verdict.FIRST) if self.swapped else (Verdict.FIRST, Verdict.SECOND)
        return {"a": first, "b": second, "tie": Verdict.TIE}[better]

    @property
    def names(self) -> tuple[Side, Side]:
        """Whose answers A and B are; for who has rated."""
        return (self.second, self.first) if self.swapped else (self.first, self.second)


def blind(pair: Pair) -> Blind:
    """The pair as it is shown."""
    (first, first_words), (second, second_words) = _side(pair.first), _side(pair.second)
    a, b = (second_words, first_words) if pair.swapped else (first_words, second_words)
    return Blind(pair.exchange, pair.attempt, pair.swapped, a, b, first, second)


def _side(kept: str) -> tuple[Side, Words]:
    """Whose half it is, and its words; as `proxy.steps.answers` writes them."""
    data = orjson.loads(kept)
    say = _numbering()
    asked = tuple((kind, say(text)) for kind, text in data["asked"])
    return Side(data["destination"], data["model"]), Words(asked, tuple(say(text) for text in data["said"]))


def _numbering() -> Callable[[str], str]:
    known: dict[str, str] = {}
    counts: dict[str, int] = {}

    def name(found: re.Match[str]) -> str:
        if found[0] not in known:
            counts[found[1]] = counts.get(found[1], 0) + 1
            known[found[0]] = f"[{found[1].replace('_', ' ').title()} {counts[found[1]]}]"
        return known[found[0]]

    return lambda text: _TOKEN.sub(name, text)


def in_one(texts: Sequence[str]) -> str:
    """Several texts of one side, one after the other."""
    return "\n\n".join(texts)
