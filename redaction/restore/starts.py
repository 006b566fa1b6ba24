"""Where a placeholder may begin: one regular expression that keeps ordinary text away from the automaton.

It may say yes too often, never no too often: every position at which a spelling of these type words begins, or at
which the text ends in the beginning of one, is found. Only type words enter here.
"""

import re
from functools import lru_cache
from typing import Final

from redaction.restore.words import word_prefixes, words_of

_BRACKETS: Final = r"\[\\%&<［【"
_ALSO: Final = {"S": "ſ", "I": "ı"}  # letters outside of ASCII whose capital is inside


@lru_cache(maxsize=256)  # one entry per combination of entity types in an exchange; a policy has few of them
def starts(labels: frozenset[str], *, strict: bool) -> re.Pattern[str]:
    """The expression for these labels. strict: only where an opening bracket stands.

    It begins with one set of characters, on which the engine skips ahead quickly; the rest looks around.
    """
    initials = _any_case({prefix for prefix in word_prefixes(labels) if len(prefix) == 1})
    behind = [
        rf"(?<=[\[<［【])(?=[\[{initials}]|\Z)",
        r"(?<=\\)(?=[\[uU]|\Z)",
        r"(?<=%)(?=[35]|\Z)",
        r"(?<=&)(?=[#lL]|\Z)",
    ]
    first = _BRACKETS
    if not strict and labels:
        own = [word for label in sorted(labels) for word in words_of(label) if word.replace("\\", "") == label]
        first += _any_case({word[0] for word in own})
        words = "|".join(_begun_or_whole(word) for word in own)
        behind.append(rf"(?<!\w.)(?:{words})")
    return re.compile(rf"[{first}](?:{'|'.join(behind)})", re.DOTALL)


def _begun_or_whole(word: str) -> str:
    """The word up to its underscore, or the text's end on the way there; the first letter is read already."""
    rest = r"(?: {0,2}(?:\\?_|\\?\Z))"
    for char in reversed(word[1:]):
        rest = rf"(?:\Z|{_set(char)}{rest})"
    return rf"(?<={_set(word[0])}){rest}"


def _set(char: str) -> str:
    return rf"[{_any_case({char})}]"


def _any_case(chars: set[str]) -> str:
    every = {variant for char in chars for variant in (char, char.lower(), _ALSO.get(char, char))}
    return "".join(re.escape(char) for char in sorted(every))
