"""Placeholders for the restore tests, an oracle that is slow and obvious, and texts full of what models write."""

import re
from collections.abc import Callable, Mapping
from itertools import pairwise

import pytest

from redaction import tokens
from redaction.restore.words import words_of

KEY = bytes(range(32))
VALUES = {
    "PERSON": "Nguyễn Văn An",
    "PHONE_NUMBER": '0171 "2345" \\ <b>',
    "EMAIL_ADDRESS": "an@example.com",
    "URL": "https://an.example.com/home",
}
SQUARE = [("[", "]"), ("\\[", "\\]"), ("\\u005b", "\\u005d"), ("%5b", "%5d"), ("&#91;", "&#93;"), ("&#x5b;", "&#x5d;"),
          ("&lsqb;", "&rsqb;"), ("&lbrack;", "&rbrack;"), ("［", "］"), ("【", "】")]  # fmt: skip
OTHER = [("[[", "]]"), ("<", ">"), ("\\u003c", "\\u003e"), ("%3c", "%3e"), ("&lt;", "&gt;"), ("&#60;", "&#62;")]


def _spelling(token: tokens.Token) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What may stand between brackets, and what may stand without any."""
    words = "|".join(sorted((re.escape(word) for word in words_of(token.label)), key=len, reverse=True))
    own = re.escape(token.label).replace("_", r"\\?_")
    ident = "".join({"0": "[0oO]", "1": "[1iIlL]"}.get(char, f"[{char}{char.lower()}]") for char in token.ident)
    joint = r"(?: {0,2}(?:_|\\_|-|&#95;|%5[fF]|\\u005[fF]) {0,2}| {1,2})"
    bracketed = re.compile(rf"(?i:{words}){joint}{ident}")
    return bracketed, re.compile(rf"(?i:{own}) {{0,2}}\\?_ {{0,2}}{ident}")


def naive(text: str, restorable: Mapping[str, str], doubled: frozenset[str] = frozenset()) -> str:
    """Leftmost-longest replacement on a whole text without URLs; values as they are (no encoding)."""
    spellings = {token: _spelling(tokens.parse(token)) for token in restorable}  # type: ignore[arg-type]
    out, position = "", 0
    while position < len(text):
        best = (0, "")
        for token, (bracketed, bare) in spellings.items():
            for opened, closed in SQUARE + OTHER:
                if text[position : position + len(opened)].lower() != opened:
                    continue
                inner = bracketed.match(text, position + len(opened))
                if inner is None:
                    continue
                end = inner.end()
                if text[end : end + len(closed)].lower() == closed:
                    end += len(closed)
                    if opened == "[[" and (token in doubled or text[end : end + 1] == "("):
                        continue
                elif (opened, closed) not in SQUARE or (opened == "\\[" and text[end : end + 1] == "]"):
                    continue
                best = max(best, (end - position, token))
            begins = position == 0 or not (text[position - 1].isalnum() or text[position - 1] == "_")
            lost = bare.match(text, position) if begins else None
            if lost is not None:
                best = max(best, (lost.end() - position, token))
        length, token = best
        if not length:
            out += text[position]
            position += 1
            continue
        if text[position] not in "[\\%&<［【" and text[position + length : position + length + 1] == "]":
            line = _without_placeholders(text[:position], spellings)[-256:].replace('"', "\n").rpartition("\n")[2]
            length += line.count("[") <= line.count("]")
        out += restorable[token]
        position += length
    return out


def _without_placeholders(text: str, spellings: Mapping[str, tuple[re.Pattern[str], re.Pattern[str]]]) -> str:
    """The literal text before a position, each placeholder in the grammar's own (balanced) spelling."""
    return naive(text, {token: token for token in spellings})


def cut(text: str, places: list[int]) -> list[str]:
    """The text in pieces, cut at the given places (modulo its length)."""
    ends = sorted({place % (len(text) + 1) for place in places} | {0, len(text)})
    return [text[start:end] for start, end in pairwise(ends)]


@pytest.fixture(scope="session")
def minted() -> dict[str, str]:
    """Placeholder -> original; one of them with twelve characters."""
    return {
        tokens.mint(KEY, entity_type, value, 12 if entity_type == "EMAIL_ADDRESS" else 8): value
        for entity_type, value in VALUES.items()
    }


@pytest.fixture(scope="session")
def token_of(minted: dict[str, str]) -> Callable[[str], str]:
    """Entity type -> its placeholder."""
    return lambda entity_type: next(token for token in minted if token.startswith(f"[{entity_type}_"))


@pytest.fixture(scope="session")
def oracle() -> Callable[..., str]:
    return naive


@pytest.fixture(scope="session")
def pieces() -> Callable[[str, list[int]], list[str]]:
    return cut
