# ruff: noqa: E501 - one expression, one line
"""Derives German nouns from the federal laws, which are official works and free (UrhG § 5).

`python -m redaction.evaluate.laws FOLDER` reads every Markdown file below a folder (github.com/bundestag/gesetze is such
a one) and writes `redaction/data/words_de_laws.txt`: trades and tools, plants, substances and foods, names of offices. A
word counts when it has a capital inside sentences of several laws and stands in no list of names; what the lexicon knows
already is left out.
"""

import re
import sys
from collections import Counter
from pathlib import Path
from typing import Final

from redaction.lexicon import is_word, phrases, words

# Behind an article and the like: rivers and people are met without one, too, but those stand in lists of names.
_NOUN: Final = re.compile(
    r"(?<![\w-])(?:der|die|das|dem|den|des|ein|eine|einer|einem|einen|eines|keine|jede[rs]?|alle|im|am|zum|zur|beim|vom|oder|von|für|mit|ohne) "
    r"(?P<noun>[A-ZÄÖÜ][a-zäöüß]{3,15})(?![\w-])"
)
_FEWEST: Final = 3  # laws
_NAMES: Final = (
    *("given_names", "given_names_more", "surnames", "surnames_more", "names_world", "places", "places_more"),
    *("words_also_names", "vi_given", "vi_surnames"),
)


def derive(folder: Path) -> set[str]:
    """The nouns of the laws below a folder, in lower case."""
    laws: Counter[str] = Counter()
    for path in sorted(folder.rglob("*.md")):
        text = path.read_text("utf-8", "replace").replace("\n", " ")
        laws.update({match["noun"].lower() for match in _NOUN.finditer(text)})
    names = frozenset().union(*(words(name) for name in _NAMES), phrases("countries"))
    derived_before = words("words_de_laws")
    return {
        word
        for word, count in laws.items()
        if count >= _FEWEST and word not in names and (word in derived_before or not is_word(word, "de"))
    }


def main(folder: Path, target: Path) -> None:
    """Writes the list."""
    found = sorted(derive(folder))
    head = "# Derived by redaction/evaluate/laws.py from the federal laws of Germany (official works, UrhG § 5)\n"
    body = "\n".join(" ".join(found[at : at + 12]) for at in range(0, len(found), 12))
    (target / "words_de_laws.txt").write_text(f"{head}{body}\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).parents[1] / "data")
