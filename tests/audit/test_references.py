"""Names that came over the network stand in a record only where they can be nobody's number or address."""

import re
from typing import Any, cast

import pytest

from audit.references import References

NAMES = References(cast(Any, None), bytes(32))


@pytest.mark.parametrize(
    "name",
    [
        "gpt-4o", "gpt-4.1-2025-04-14", "o3-2025-04-16", "claude-3-5-sonnet-20241022", "Llama-4-Maverick-17B-128E-Instruct-FP8",
        "us.anthropic.claude-3-5-sonnet-20241022-v2:0", "models/gemini-2.5-flash-preview-09-2025",
        "ft:gpt-4o-2024-08-06:acme::9ABCdef1", "text-embedding-3-large",
    ],
)  # fmt: skip
def test_names_of_models_stand_as_they_are(name: str) -> None:
    assert NAMES.marked(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "0171-2345678", "12345678", "2025-04-14", "tel:0171.234.56.78", "DE89-3704-0044-0532-0130-00", "DE89370400440532013000",
        "id-536-22-8911-536-22-8911", "anna@example.com", "Anna Schmidt", "a" * 97, "", "-x", "gpt-4o\n",
    ],
)  # fmt: skip
def test_numbers_addresses_and_words_are_a_keyed_digest(name: str) -> None:
    marked = NAMES.marked(name)
    assert re.fullmatch("~[0-9a-f]{16}", marked)
    assert marked == NAMES.marked(name) != References(cast(Any, None), bytes([1] * 32)).marked(name)
