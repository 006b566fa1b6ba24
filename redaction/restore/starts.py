"""Where a placeholder may begin: one regular expression that keeps ordinary text away from the automaton.

It may say yes too often, never no too often: every position at which a spelling of these type words begins, or at
which the text ends in the beginning of one, is found. Only type words enter here.
"""

import re
from functools import lru_cache
from typing import Final

from redaction.restore.words import word_prefixes, words_of

type _Tree = dict[str, "_Tree"]

_DEPTH: Final = 3
_BRACKETS: Final = r"\[\\%&<［【"
_ALSO: Final = {"S": "ſ", "I": "ı"}  # letters outside of ASCII whose capital is inside


@lru_cache(maxsize=256)  # one entry per combination of entity types in an exchange; a policy has few of them
def starts(labels: frozenset[str], *, strict: bool, words: bool = False) -> re.Pattern[str]:
    """The expression for these labels. strict: only where an opening bracket stands. words: wherever a word begins.

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
        own = {word for label in labels for word in words_of(label) if word.replace("\\", "") == label}
        first += _any_case({word[0] for word in own})
        behind.append(rf"(?<!\w.)(?:{_words_begin(own)})")
    if words:
        first += r"\w+"
        behind.append(r"(?<=[\w+])(?<!\w.)")
    return re.compile(rf"[{first}](?:{'|'.join(behind)})", re.DOTALL)


def _words_begin(words: set[str]) -> str:
    """The first characters of the words, or the text's end on the way there; the very first one is read already.

    More than three would make an expression that takes longer to compile (milliseconds, for each combination of types
    that an exchange shows) than the automaton takes to say no.
    """
    tree: _Tree = {}
    for word in words:
        node = tree
        for char in word[:_DEPTH]:
            node = node.setdefault(char, {})
        if len(word) <= _DEPTH:
            node[""] = {}
    return "|".join(f"(?<={_set(char)}){_below(node)}" for char, node in sorted(tree.items()))


def _below(node: _Tree) -> str:
    if not node or "" in node:
        return ""
    return rf"(?:\Z|{'|'.join(_set(char) + _below(child) for char, child in sorted(node.items()))})"


def _set(char: str) -> str:
    return rf"[{_any_case({char})}]"


def _any_case(chars: set[str]) -> str:
    every = {variant for char in chars for variant in (char, char.lower(), _ALSO.get(char, char))}
    return "".join(re.escape(char) for char in sorted(every))
