"""Entity types of the company that runs this: patterns with a check digit, and lists of words, as plain data.

Nothing here knows where the data comes from. Expressions were checked before (nested repetitions never arrive), texts
are looked at in a worker with a time limit. One recognizer looks for all of them; a list of thousands costs one pass.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any, Final

import orjson

from redaction.errors import SettingsError
from redaction.finding import Finding
from redaction.normalize import normalize
from redaction.propagate import lower
from redaction.recognizers.base import Page, words
from redaction.settings import OwnEntity

RECOGNIZER: Final = "own"
"""What stands in findings and records; the entity type says which of them it was."""

VALIDATORS: Final[Mapping[str, str]] = {
    "damm": "stdnum.damm",
    "ean": "stdnum.ean",
    "iban": "stdnum.iban",
    "imei": "stdnum.imei",
    "lei": "stdnum.lei",
    "luhn": "stdnum.luhn",
    "mod-11-10": "stdnum.iso7064.mod_11_10",
    "mod-11-2": "stdnum.iso7064.mod_11_2",
    "mod-37-2": "stdnum.iso7064.mod_37_2",
    "mod-37-36": "stdnum.iso7064.mod_37_36",
    "mod-97-10": "stdnum.iso7064.mod_97_10",
    "verhoeff": "stdnum.verhoeff",
}
"""name -> python-stdnum module whose `is_valid` looks at a value without separators."""

_SEPARATORS: Final = re.compile(r"[\s./-]+")


def digest(entities: tuple[OwnEntity, ...]) -> str:
    """16 hex digits that change with any of them; empty where there are none."""
    if not entities:
        return ""
    return hashlib.sha256(orjson.dumps([asdict(one) for one in entities])).hexdigest()[:16]


class OwnRecognizer:
    """`redaction.recognizers.Recognizer` for all own entity types.

    Raises SettingsError for a pattern that is no expression and a validator that does not exist.
    """

    name = RECOGNIZER

    def __init__(self, entities: tuple[OwnEntity, ...]) -> None:
        self.entity_types = tuple(one.name for one in entities)
        self.expressions: tuple[re.Pattern[str], ...] = ()
        self.needed = None
        self._searches = tuple(search for one in entities for search in _searches(one))
        self._lists: tuple[tuple[OwnEntity, Any], ...] = tuple(
            (one, _automaton(one.words)) for one in entities if one.words
        )

    def find(self, page: Page) -> Iterator[Finding]:
        """Findings with offsets in `page.text`; may overlap."""
        for search in self._searches:
            yield from search.find(page)
        for entity, automaton in self._lists:
            if _spoken(entity, page):
                for last, size in automaton.iter(page.lower):
                    start, end = last + 1 - size, last + 1
                    if _bounded(page.text, start, end):
                        yield Finding(start, end, entity.name, entity.score, RECOGNIZER)


@dataclass(frozen=True, slots=True)
class _Search:
    entity: OwnEntity
    regex: re.Pattern[str]
    context: re.Pattern[str] | None
    valid: Callable[[str], bool] | None

    def find(self, page: Page) -> Iterator[Finding]:
        if not _spoken(self.entity, page):
            return
        for match in self.regex.finditer(page.text):
            start, end = match.span()
            if start == end or not _bounded(page.text, start, end):
                continue
            number = match.group(1) if self.regex.groups and match.group(1) else match.group()
            if self.valid is not None and not self.valid(_SEPARATORS.sub("", number)):
                continue
            if self.context is None or self.context.search(page.around(start, end)):
                yield Finding(start, end, self.entity.name, self.entity.score, RECOGNIZER)


def _searches(one: OwnEntity) -> list[_Search]:
    context = words(*(re.escape(lower(word)) for word in one.context)) if one.context else None
    valid = _validator(one) if one.validator else None
    try:
        return [_Search(one, re.compile(pattern), context, valid) for pattern in one.patterns]
    except re.error:
        raise SettingsError(f"a pattern of {one.name} is no regular expression") from None


def _validator(one: OwnEntity) -> Callable[[str], bool]:
    if one.validator not in VALIDATORS:
        raise SettingsError(f"{one.name}: there is no validator of that name; there are {', '.join(VALIDATORS)}")
    found: Callable[[str], bool] = import_module(VALIDATORS[one.validator]).is_valid
    return found


def _automaton(listed: tuple[str, ...]) -> Any:
    import ahocorasick  # a C extension that a process without lists need not load

    automaton = ahocorasick.Automaton()
    for word in listed:
        spelling = lower(normalize(word).text)
        automaton.add_word(spelling, len(spelling))
    automaton.make_automaton()
    return automaton


def _spoken(entity: OwnEntity, page: Page) -> bool:
    return not entity.languages or not set(entity.languages).isdisjoint(page.languages)


def _bounded(text: str, start: int, end: int) -> bool:
    """Whether a span is no part of a longer word or number."""
    before = start == 0 or not (text[start - 1].isalnum() and text[start].isalnum())
    after = end == len(text) or not (text[end - 1].isalnum() and text[end].isalnum())
    return before and after
