"""Derives word facts from licensed corpora: which words stand in texts again and again, and never in a name.

`python -m redaction.evaluate.words FOLDER` writes `redaction/data/words_<language>_seen.txt`. Only sentences that are
not held out for measuring are read; a word counts when it stands in enough sentences and hardly ever in a tagged name.
"""

import re
import sys
from collections import Counter
from pathlib import Path
from typing import Final

from redaction.evaluate.corpora import learning, read_corpora
from redaction.evaluate.examples import DataSet
from redaction.lexicon import words

# Licences of these ask for attribution only (NOTICE); share-alike ones are not derived from.
SOURCES: Final = frozenset({"broad_twitter_corpus", "wnut17", "germeval2014", "german-ler"})
_WORD: Final = re.compile(r"(?<![\w@#/'’.-])[^\W\d_]{3,30}(?![\w@/])")
# German corpora are edited and their names are tagged with care; tweets are full of misspellings.
_FEWEST: Final = {"de": 1, "en": 2}
# What a list of names has must be met more often: taggers overlook some.
_FEWEST_OF_NAMES: Final = 5
_MOST_IN_NAMES: Final = 0.05


def derive(data: DataSet) -> set[str]:
    """The ordinary words of a corpus, in lower case.

    In English an ordinary word is also met in lower case; in German nouns never are.
    """
    outside: Counter[str] = Counter()
    inside: Counter[str] = Counter()
    small: set[str] = set()
    for example in learning(data).examples:
        named: set[str] = set()
        free: set[str] = set()
        for match in _WORD.finditer(example.text):
            word = match[0]
            if any(span.start < match.end() and match.start() < span.end for span in example.gold):
                named.add(word.lower())
                continue
            if any(span.start < match.end() and match.start() < span.end for span in example.ignored):
                continue  # what companies and laws are called says nothing
            free.add(word.lower())
            if word.islower():
                small.add(word)
        outside.update(free)
        inside.update(named)
    names = words("given_names") | words("given_names_more") | words("surnames") | words("surnames_more")
    return {
        word
        for word, count in outside.items()
        if count >= (_FEWEST_OF_NAMES if word in names else _FEWEST[data.language])
        and inside[word] <= _MOST_IN_NAMES * count
        and (data.language == "de" or word in small)
    }


def main(folder: Path, target: Path) -> None:
    """Writes one file per language."""
    found: dict[str, set[str]] = {}
    for data in read_corpora(folder):
        if data.name in SOURCES:
            found.setdefault(data.language, set()).update(derive(data))
    for language, ordinary in sorted(found.items()):
        names = ", ".join(sorted(SOURCES))
        head = f"# Derived by redaction/evaluate/words.py from corpora under CC BY 4.0 ({names}); see NOTICE\n"
        lines = "\n".join(" ".join(group) for group in _grouped(sorted(ordinary)))
        (target / f"words_{language}_seen.txt").write_text(f"{head}{lines}\n", "utf-8")


def _grouped(ordinary: list[str]) -> list[list[str]]:
    return [ordinary[at : at + 12] for at in range(0, len(ordinary), 12)]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).parents[1] / "data")
