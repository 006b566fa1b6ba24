"""Values that have a form: every recognizer of `redaction.recognizers` over every text. Needs no model."""

from collections.abc import Sequence

from redaction.detect import Look
from redaction.digest import source_digest
from redaction.finding import Finding
from redaction.own import OwnRecognizer, digest
from redaction.recognizers import ALL, Recognizer
from redaction.settings import EngineSettings


class Patterns:
    """The pattern recognizers as one detector."""

    name = "patterns"

    def __init__(self, recognizers: Sequence[Recognizer] = ALL, *, own: str = "") -> None:
        """own: digest of the company's own entity types among the recognizers."""
        # The identity of what each cannot do without, or of nothing: a page says by it what is missing.
        self._recognizers = tuple((one, id(one.needed) if one.needed is not None else 0) for one in recognizers)
        self.expressions = tuple(one for recognizer in recognizers for one in recognizer.expressions)
        self.languages: frozenset[str] = frozenset()
        self.version = source_digest("recognizers", "own.py") + own

    def detect(self, looks: Sequence[Look]) -> list[list[Finding]]:
        return [self._page(look) for look in looks]

    def _page(self, look: Look) -> list[Finding]:
        page = look.page
        missing = page.missing
        return [
            finding
            for recognizer, needed in self._recognizers
            if needed not in missing
            for finding in recognizer.find(page)
        ]


def languages(settings: EngineSettings) -> frozenset[str]:
    """Names are not found by form."""
    return frozenset()


def build(settings: EngineSettings) -> Patterns:
    if not settings.own:
        return Patterns()
    return Patterns((*ALL, OwnRecognizer(settings.own)), own=digest(settings.own))
