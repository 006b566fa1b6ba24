"""The words of the pages in each language: one file per language, the same keys in all; what the log says, reports say.

Texts come from our own files; what is filled in comes from the log and is escaped where the page is made.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import get_args

from audit.reports.entities import ENTITIES
from audit.reports.reasons import REASONS
from audit.reports.terms import TERMS
from audit.reports.texts import fill
from audit.values import Action, Operator, UninspectedReason
from policies.diff import OTHER_VALUE, Condition
from policies.facts import FACTS, FactKind
from policies.language.fields import Basis, Role, Transfer
from policies.outcome import Copied, Outcome

LANGUAGES = ("en", "de", "vi")
_THOUSANDS = {"en": ",", "de": ".", "vi": "."}
_DECIMALS = {"en": ".", "de": ",", "vi": ","}
_SECTIONS = {
    "role": "role",
    "transfer": "mechanism",
    "basis": "basis",
    **{name: "value" for name, one in FACTS.items() if one.kind is FactKind.WORD},
}
"""Facts whose values are words of a closed set, and where these stand."""
_OF_THE_LOG: Mapping[str, Iterable[str]] = {
    "action": Action,
    "basis": get_args(Basis),
    "mechanism": get_args(Transfer),
    "operator": Operator,
    "role": get_args(Role),
    "uninspected": UninspectedReason,
}
"""Sets of values whose words the reports say too: what is one thing has one name."""
_RETENTION_DAYS = re.compile(r"([0-9]{1,5})d?")


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language. code: ISO 639-1."""

    code: str
    texts: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """The text of `section.name` with its values filled in; numbers as the language writes them."""
        text = self.texts[key]
        return fill(text, values, self.number) if values else text

    def word(self, section: str, value: object) -> str:
        """A value of a closed set in this language; itself where the set has grown."""
        if value in {None, ""}:
            return self.texts["words.none"]
        return self.texts.get(f"{section}.{value}", str(value))

    def name(self, name: str) -> str:
        """A name of the log; what it calls unknown is said in the language."""
        return self.texts["words.unknown"] if name == "unknown" else name

    def field(self, name: str) -> str:
        """A field as forms call it; its own name, as code, where none asks for it."""
        return self.texts.get(f"field.{name}") or self.texts.get(f"transfers.{name}") or f"`{name}`"

    def number(self, value: int) -> str:
        """With marks between thousands."""
        return f"{value:,}".replace(",", _THOUSANDS[self.code])

    def decimal(self, value: str) -> str:
        """A number that was written with a point, with the language's mark for decimals."""
        return value.replace(".", _DECIMALS[self.code])

    def fact(self, name: str, value: object) -> str:
        """A fact of the register: how long kept, whether used for training, which role, countries."""
        if isinstance(value, list | tuple):
            return ", ".join(self.fact(name, one) for one in value) or self.texts["words.unknown"]
        text = "" if value is None else str(value)
        if text in {"", "unknown"}:
            return self.texts["words.unknown"]
        if name == "retention":
            days = _RETENTION_DAYS.fullmatch(text)
            return self("retention.days", n=int(days[1])) if days else self.word("retention", text)
        return self.texts.get(f"{_SECTIONS.get(name, '')}.{text}", text)

    def outcome(self, told: Outcome) -> str:
        """What a policy does; names and parameters as they stand."""
        words = " ".join((self._does(told.does), *told.params))
        if told.route_to:
            words = ", ".join((self("outcome.route", name=told.route_to), words))
        if told.observe:
            observed = self("outcome.observe")
            words = f"{observed}, {self._does(told.refused)}" if told.refused else f"{observed} ({words})"
        words = ", ".join((words, *map(self._copied, told.mirrors)))
        copies = ", ".join(map(self.outcome, told.copies))
        return f"{words} ({self('outcome.copy')}: {copies})" if copies else words

    def _does(self, name: str) -> str:
        return self.texts.get(f"operator.{name}") or self.word("action", name)

    def _copied(self, one: Copied) -> str:
        words = self("outcome.mirror", name=one.to)
        if one.purpose:
            words += f" {self('outcome.purpose', name=one.purpose)}"
        return f"{words}, {self('outcome.kept', n=one.keep_days)}" if one.keep_days else words

    def condition(self, told: Condition) -> str:
        """When a policy does it; values as the policy writes them, thresholds with their sign."""
        # Of what persons said, one example stands for many: to name it would mislead.
        if not told.values or told.name == "flags":
            return self.word("condition", told.name)
        values = [self.word("condition", one) if one == OTHER_VALUE else one.replace(">=", "≥") for one in told.values]
        return f"{self.word('condition', told.name)}: {', '.join((*values, '…') if told.more else values)}"

    def reason(self, code: str) -> str:
        """Why something was refused, and its code."""
        known = REASONS.get(code)
        return code if known is None else f"{known[LANGUAGES.index(self.code)]} ({code})"


def when(at: int | None) -> str:
    """A time in milliseconds as UTC, the same in every language."""
    return "" if at is None else datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


@cache
def words(code: str) -> Words:
    """The words of a language of `LANGUAGES`."""
    data = tomllib.loads((files("proxy.console") / "languages" / f"{code}.toml").read_text(encoding="utf-8"))
    texts = {f"entity.{name}": told[LANGUAGES.index(code)] for name, told in ENTITIES.items()}
    for section, values in _OF_THE_LOG.items():
        texts |= {f"{section}.{value}": TERMS[value][LANGUAGES.index(code)] for value in values}
    for section, entries in data.items():
        if isinstance(entries, str):
            texts[section] = entries
        else:
            texts |= {f"{section}.{name}": text for name, text in entries.items()}
    return Words(code, texts)


def preferred(accept: str) -> str:
    """The language of ours that an Accept-Language header likes best (RFC 9110, section 12.5.4)."""
    best, most = LANGUAGES[0], 0.0
    for part in accept[:500].split(","):
        tag, _, rest = part.strip().partition(";")
        code = tag.partition("-")[0].lower()
        quality = re.fullmatch(r"\s*q=([01](?:\.[0-9]{0,3})?)", rest)
        weight = float(quality[1]) if quality else 1.0 if not rest else 0.0
        if code in LANGUAGES and weight > most:
            best, most = code, weight
    return best
