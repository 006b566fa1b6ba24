"""Derives lists of ordinary words from the prose and the templates written for this project.

`python -m redaction.train.words` writes `redaction/data/words_<language>_own.txt`. Words that are names as well are
left out: those stand in the lists that people weighed.
"""

import re
from pathlib import Path
from typing import Final

from redaction.lexicon import words
from redaction.train.clauses import parts
from redaction.train.generate import lines

_WORD: Final = re.compile(r"(?<![\w{@])[^\W\d_]{2,30}(?![\w}])")
_NAMES: Final = (
    *("given_names", "given_names_more", "surnames", "surnames_more", "names_world", "places", "places_more"),
    *("vi_given", "vi_given_more", "vi_middle", "vi_surnames"),
)
# Spellings of chat and of other languages in the templates: no words.
_LEAST: Final = {"en": 3, "de": 3, "vi": 2}


def own(language: str) -> set[str]:
    """The ordinary words of one language's files, in lower case."""
    names = frozenset().union(*(words(name) for name in _NAMES))
    text = "\n".join((*lines("prose", language), *lines("chat", language), *parts(language)))
    found = {match[0].lower() for match in _WORD.finditer(text)}
    return {word for word in found if word not in names and len(word) >= _LEAST[language]}


def main(target: Path) -> None:
    """Writes one file per language."""
    for language in ("en", "de", "vi"):
        found = sorted(own(language))
        head = f"# Derived by redaction/train/words.py from redaction/train/data/*_{language}.txt\n"
        body = "\n".join(" ".join(found[at : at + 14]) for at in range(0, len(found), 14))
        (target / f"words_{language}_own.txt").write_text(f"{head}{body}\n", "utf-8")


if __name__ == "__main__":
    main(Path(__file__).parents[1] / "data")
