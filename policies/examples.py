"""The examples of a company's own entity types: what must be found in each, and what must not.

Texts are handed to whoever detects and to nothing else; a problem says which example it is about and never shows it.
"""

from collections.abc import Iterator

from policies.cases import FindsFacts
from policies.errors import Problem
from policies.language.resolve import Findings
from policies.load import Loaded

KIND = "user"
"""Of segment: whose words examples are."""


def failing_examples(loaded: Loaded, find: FindsFacts) -> list[Problem]:
    """Examples that are not found, and counterexamples that are; in the order of the file. find: own types suffice."""
    found = Findings(loaded.tree, loaded.sources)
    for path, text, language, name, expected in _examples(loaded):
        happened = any(fact.entity_type == name for fact in find(text, kind=KIND, language=language))
        if happened is not expected:
            message = f"{name} is {'not found' if expected else 'found'} in this {path[2][:-1]}"
            missed = "look at `patterns`, `values`, `validator` and `context`"
            hint = missed if expected else "make the pattern stricter"
            found.add(path, message, "example_fails", hint, quote=False)
    return found.problems


def texts_of(loaded: Loaded) -> list[tuple[str, str]]:
    """What `failing_examples` asks about: text and language, each once."""
    return list(dict.fromkeys((text, language) for _, text, language, _, _ in _examples(loaded)))


def _examples(loaded: Loaded) -> Iterator[tuple[tuple[str, str, str, int], str, str, str, bool]]:
    for name, one in loaded.file.entities.items():
        language = one.languages[0] if one.languages else ""
        for key, texts in (("examples", one.examples), ("counterexamples", one.counterexamples)):
            for index, text in enumerate(texts):
                yield ("entities", name, key, index), text, language, name, key == "examples"
