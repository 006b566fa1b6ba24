"""A name among things: on a line that tells of three things, what nothing else tells of is one of them.

`Kubernetes evicted the pod, Jenkins retried, Heimdall shows the links`: one word, no given name that many people have,
nobody speaks of it as of somebody. The name model needs only be rather sure to contradict: a leak is worse.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from redaction.detectors.rules.text import Text, Word, is_common, is_given
from redaction.finding import Finding
from redaction.lexicon import words
from redaction.merge import NOTHING

# More than what a list of surnames, a model that is not quite sure or the English model alone say of a single word.
_SCORE: Final = 0.73
_FEWEST: Final = 3
_SHORTEST: Final = 3
# `Euler from accounts`, `Euler aus der Buchhaltung`.
_FROM: Final = frozenset({"from", "aus", "bên"})
# Behind these rather somebody than something.
_TOWARDS: Final = frozenset(
    {
        "with",
        "from",
        "for",
        "to",
        "by",
        "ask",
        "tell",
        "mit",
        "von",
        "für",
        "an",
        "bei",
        "frag",
        "với",
        "cho",
        "của",
        "nhờ",
    }
)


@cache
def _things() -> frozenset[str]:
    return words("words_tech") | words("words_things") | words("words_eponyms")


def find(text: Text, told: Sequence[Finding]) -> Iterator[Finding]:
    """Opinions that nobody is named. told: what other rules take for things, in any order."""
    known = _things()
    things = [
        *((one.start, one.end) for one in told),
        *((word.start, word.end) for word in text.words if word.capital and word.lower in known),
    ]
    if len(things) < _FEWEST:
        return
    for start, end in _lines(text.text):
        here = {text.text[first:last] for first, last in things if start <= first and last <= end}
        if len(here) < _FEWEST:
            continue
        for word in text.words:
            if start <= word.start and word.end <= end and _may_be_one(text, word):
                yield Finding(word.start, word.end, NOTHING, _SCORE, "thing")


def _lines(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for line in text.splitlines(keepends=True):
        yield start, start + len(line)
        start += len(line)


def _may_be_one(text: Text, word: Word) -> bool:
    if not word.capital or len(word.text) < _SHORTEST or (is_given(word.lower) and is_common(word.lower)):
        return False
    before, after = text.before(word), text.next(word)
    if after is not None and (
        after.lower in words("person_verbs_after") or after.lower in _FROM or (after.capital and is_given(word.lower))
    ):
        return False
    if before is None:
        return True
    if before.capital and is_given(before.lower):
        return False
    return before.lower not in _TOWARDS and before.lower not in words("person_verbs_before")
