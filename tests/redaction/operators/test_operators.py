"""Each operator does what it says, says what it costs, and is in the registry under its file's name."""

from pathlib import Path

import pytest

import redaction.operators
from redaction import tokens
from redaction.errors import OperatorError
from redaction.operators import ALL, load, named

KEY = bytes(range(32))


def test_every_file_is_in_the_registry() -> None:
    folder = Path(redaction.operators.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} - {"__init__", "base"} == set(ALL)
    assert all(operator.name == name for name, operator in ALL.items())


def test_every_operator_tells_its_price() -> None:
    for operator in ALL.values():
        assert operator.price.reader_learns
        assert operator.price.answer_loses
    assert {name for name, operator in ALL.items() if operator.price.reversible} == {"tokenize", "surrogate", "keep"}
    assert {name for name, operator in ALL.items() if operator.price.from_vault} == {"tokenize", "surrogate"}


@pytest.mark.parametrize(
    ("name", "entity_type", "surface", "params", "expected"),
    [
        ("redact", "PERSON", "Anna", {}, "[PERSON]"),
        ("redact", "street address", "Hauptstr. 1", {}, "[STREET_ADDRESS]"),
        ("mask", "CREDIT_CARD", "4111111111111111", {}, "************1111"),
        ("mask", "CREDIT_CARD", "4111111111111111", {"keep": 2, "char": "•"}, "••••••••••••••11"),
        ("mask", "PASSWORD", "abc", {}, "**c"),
        ("mask", "PASSWORD", "ab", {}, "**"),
        ("mask", "PERSON", "Nguyễn An", {"keep": 0}, "*********"),
        ("hash", "PERSON", "Anna", {"length": 8}, "[PERSON#fd7cd7e2]"),
        ("keep", "PERSON", "Anna", {}, "Anna"),
    ],
)
def test_what_stands_in_the_place_of_a_finding(
    name: str, entity_type: str, surface: str, params: dict[str, str | int], expected: str
) -> None:
    assert ALL[name].apply(entity_type, surface, params, KEY) == expected


def test_a_hash_depends_on_key_type_and_text_and_is_no_placeholder() -> None:
    apply = ALL["hash"].apply
    made = {
        apply("PERSON", "Anna", {}, KEY),
        apply("PERSON", "anna", {}, KEY),
        apply("AGE", "Anna", {}, KEY),
        apply("PERSON", "Anna", {}, KEY[::-1]),
    }
    assert len(made) == 4
    assert not any(tokens.is_token(text) for text in made)


@pytest.mark.parametrize(
    ("name", "params"),
    [("mask", {"keep": 9}), ("mask", {"keep": "4"}), ("mask", {"keep": True}), ("mask", {"char": "ab"}),
     ("mask", {"char": "a"}), ("mask", {"char": 3}), ("hash", {"length": 7}), ("hash", {"length": 65})],
)  # fmt: skip
def test_a_wrong_parameter_is_refused(name: str, params: dict[str, str | int]) -> None:
    with pytest.raises(OperatorError) as refused:
        ALL[name].apply("PERSON", "Anna", params, KEY)
    assert refused.value.code == "bad_parameter"
    assert "Anna" not in str(refused.value)


@pytest.mark.parametrize("name", ["tokenize", "surrogate"])
def test_a_placeholder_comes_from_the_vault_alone(name: str) -> None:
    with pytest.raises(OperatorError) as refused:
        ALL[name].apply("PERSON", "Anna", {}, KEY)
    assert refused.value.code == "no_token"


def test_an_unknown_name_is_refused() -> None:
    load(ALL)
    with pytest.raises(OperatorError) as refused:
        named("encrypt")
    assert refused.value.code == "unknown_operator"
