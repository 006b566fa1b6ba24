"""Names, places and addresses by rule: what words around them say, lists, closed sets, forms of addresses, keys.

A first recognizer in German, Vietnamese and English chat; models work beside it in union. Each file of
`redaction.detectors.rules` holds one kind of evidence, and each of its expressions is linear.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from redaction.detect import Look
from redaction.detectors.rules import (
    acting,
    eponyms,
    joined,
    keyed,
    kinds,
    listed,
    places,
    said,
    streets,
    surrounded,
    things,
    vietnamese,
)
from redaction.detectors.rules.text import Text
from redaction.digest import source_digest
from redaction.finding import Finding
from redaction.merge import NOTHING
from redaction.settings import EngineSettings

_SOURCES: Final = ("detectors/names.py", "detectors/rules", "recognizers/base.py", "lexicon.py", "data")
_WITH_EXPRESSIONS: Final = (streets, places, said, joined, vietnamese, things, kinds)
_FAMILIES: Final = (streets, places, said, joined, listed, vietnamese, acting, keyed, things, kinds, eponyms)


class Names:
    """The rules as one detector."""

    name = "names"

    def __init__(self) -> None:
        self.languages: frozenset[str] = frozenset(("en", "de", "vi"))
        self.expressions = tuple(one for family in _WITH_EXPRESSIONS for one in family.EXPRESSIONS)
        self.version = source_digest(
            "detectors/names.py", "detectors/rules", "recognizers/base.py", "lexicon.py", "data"
        )

    def detect(self, looks: Sequence[Look]) -> list[list[Finding]]:
        return [list(self._page(look)) for look in looks]

    def _page(self, look: Look) -> Iterator[Finding]:
        page = look.page
        text = Text(page)
        things: list[Finding] = []
        for family in _FAMILIES:
            for finding in family.find(text):
                if finding.start < finding.end and not page.in_opaque(finding.start, finding.end):
                    yield finding
                    if finding.entity_type == NOTHING:
                        things.append(finding)
        yield from surrounded.find(text, things)


def languages(settings: EngineSettings) -> frozenset[str]:
    """The rules know these."""
    return frozenset(("en", "de", "vi"))


def build(settings: EngineSettings) -> Names:
    return Names()
