"""Ordinary words that also are names, or begin sentences: what keeps a word from being taken for a name.

Lists are plain text files beside this module, written for this project, one word per line, lower case.
"""

from functools import cache
from importlib.resources import files


@cache
def words(name: str) -> frozenset[str]:
    """The words of `data/<name>.txt`; lines that begin with `#` are remarks."""
    lines = files("redaction").joinpath("data", f"{name}.txt").read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def is_word(text: str) -> bool:
    """Whether a text is, in any case, an ordinary word of one of our languages."""
    return text.lower() in words("common")
