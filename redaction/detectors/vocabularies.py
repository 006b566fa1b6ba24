"""The words that models have read, forgotten in time: a vocabulary that has grown gives way to a fresh one.

spaCy keeps every spelling it has ever read, with prefix, suffix and shape, for as long as a vocabulary lives
(https://spacy.io/usage/memory-management). Models go by hashes of spellings alone, so the same text has the same
findings whatever a vocabulary has read before. Its memory zones would do nearly as well, but compute each word anew for
each text, and their hash tables still grow.
"""

import copy
from collections.abc import Collection
from typing import Any, Final

MAX_STRINGS: Final = 20_000
"""Spellings beyond those that a model brings along; with what is kept for each word, 3 to 7 MiB."""


def is_full(vocabulary: Any, own: int) -> bool:
    """Whether a vocabulary has read enough. own: the spellings it had before it read anything."""
    return len(vocabulary.strings) - own > MAX_STRINGS


def renew(pipeline: Any, own: Collection[str]) -> None:
    """Lets a pipeline read with a fresh vocabulary where its own is full. own: as in `is_full`, the spellings.

    Only what makes documents is exchanged; components keep the vocabulary they were loaded with, which reads nothing.
    """
    if is_full(pipeline.tokenizer.vocab, len(own)):
        pipeline.tokenizer = _reading_with(pipeline.tokenizer, _fresh(pipeline.vocab, own))


def _fresh(loaded: Any, own: Collection[str]) -> Any:
    """A vocabulary as it was loaded, with the same vectors."""
    from spacy.vocab import Vocab

    fresh = Vocab(
        lex_attr_getters=loaded.lex_attr_getters,
        lookups=loaded.lookups,
        writing_system=loaded.writing_system,
        get_noun_chunks=loaded.get_noun_chunks,
    )
    fresh.cfg.update(loaded.cfg)
    for string in own:
        fresh.strings.add(string)
    loaded.vectors.strings = fresh.strings  # or the fresh one would take over every spelling of the full one
    fresh.vectors = loaded.vectors
    return fresh


def _reading_with(tokenizer: Any, vocabulary: Any) -> Any:
    from spacy.tokenizer import Tokenizer

    if not isinstance(tokenizer, Tokenizer):  # of a language whose words another library separates
        other = copy.copy(tokenizer)
        other.vocab = vocabulary
        return other
    return type(tokenizer)(
        vocabulary,
        rules=tokenizer.rules,
        prefix_search=tokenizer.prefix_search,
        suffix_search=tokenizer.suffix_search,
        infix_finditer=tokenizer.infix_finditer,
        token_match=tokenizer.token_match,
        url_match=tokenizer.url_match,
        faster_heuristics=tokenizer.faster_heuristics,
        max_cache_size=tokenizer.max_cache_size,
    )
