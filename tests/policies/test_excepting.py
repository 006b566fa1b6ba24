"""Which rule an exception is from, and which requests for one make no sense."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import orjson
import pytest

from policies.cases import run_cases
from policies.errors import UsageError
from policies.load import read_text
from policies.register import bundled_file
from proxy.policy.excepting import Wanted, except_value
from proxy.policy.value_refs import ValueRefs

TODAY = date(2026, 11, 24)
REST = {"id": "rest", "when": {"entity": "none"}, "do": "allow"}


def rule(name: str, do: str, **when: Any) -> dict[str, Any]:
    return {"id": name, "when": when, "do": do}


def excepted(rules: list[dict[str, Any]], **wanted: Any) -> str:
    text = orjson.dumps(
        {
            "version": 1,
            "name": "t",
            "applications": {"chat": {}, "feed": {}},
            "destinations": {
                "openai": {"extends": "bundled:openai@2026-11-23"},
                "gemini": {"extends": "bundled:gemini@2026-11-23"},
            },
            "rules": [*rules, REST],
        }
    ).decode()
    asked: dict[str, Any] = {
        "entity_type": "PERSON", "refs": frozenset({"ab" * 32}), "applications": (), "days": 30, "because": "x",
        "approved_by": "dpo",
    }  # fmt: skip
    return except_value(text, read_text(text), Wanted(**asked | wanted), TODAY).rule


def test_the_rule_that_changes_or_stops_such_values_is_meant() -> None:
    assert (
        excepted([rule("cards", "block", entity="CREDIT_CARD"), rule("people", "redact", entity="PERSON")]) == "people"
    )


@pytest.mark.parametrize(
    ("wanted", "found"),
    [({"applications": ("chat",)}, "in-chat"), ({"applications": ("feed",)}, "else"), ({"rule": "in-chat"}, "in-chat")],
)
def test_an_application_or_a_rule_tells_them_apart(wanted: dict[str, Any], found: str) -> None:
    rules = [rule("in-chat", "block", entity="PERSON", application="chat"), rule("else", "tokenize", entity="PERSON")]
    assert excepted(rules, **wanted) == found


def test_a_destination_tells_them_apart() -> None:
    rules = [rule("there", "block", entity="PERSON", destination="gemini"), rule("else", "tokenize", entity="PERSON")]
    assert excepted(rules, destination="gemini") == "there"
    assert excepted(rules, destination="openai") == "else"


@pytest.mark.parametrize(
    ("rules", "wanted", "said"),
    [
        ([rule("a", "block", entity="PERSON", application="chat"), rule("b", "redact", entity="PERSON")], {}, "--rule a or --rule b"),
        ([rule("a", "allow", entity="PERSON")], {}, "nothing to except it from"),
        ([rule("a", "block", entity="CREDIT_CARD"), rule("b", "redact", entity="PERSON")], {"rule": "a"}, "'a' does not decide about PERSON"),
        ([rule("a", "block", entity="PERSON")], {"days": 367}, "1 to 366 days"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(rules: list[dict[str, Any]], wanted: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        excepted(rules, **wanted)


class TestRefs:
    refs: Callable[[str, str], frozenset[str]] = ValueRefs(bytes(range(32)))

    @pytest.mark.parametrize("other", ["ERIKA Mustermann", " Erika\u00a0 Mustermann ", "Ｅrika Mustermann"])
    def test_case_width_and_space_do_not_matter(self, other: str) -> None:
        assert self.refs("PERSON", other) == self.refs("PERSON", "Erika Mustermann")

    def test_type_value_and_key_do(self) -> None:
        all_different = {
            *self.refs("PERSON", "Erika"), *self.refs("USERNAME", "Erika"), *self.refs("PERSON", "Erik"),
            *ValueRefs(bytes(32))("PERSON", "Erika"),
        }  # fmt: skip
        assert len(all_different) == 4
        assert all(len(ref) == 64 for ref in all_different)

    def test_the_bounds_of_type_and_value_are_kept_apart(self) -> None:
        assert self.refs("AB", "c") != self.refs("A", "bc")


def test_a_value_is_never_excepted_from_what_asks_for_consent() -> None:
    text = bundled_file("examples/messenger").decode()
    wanted = Wanted("PERSON", frozenset({"ab" * 32}), ("messenger",), 30, "a street", "dpo")
    made = except_value(text, read_text(text), wanted, TODAY)
    assert made.rule == "people-become-placeholders"
    loaded = read_text(made.text, today=TODAY)
    (case,) = (one for one in loaded.cases if one.name.startswith("Exception"))
    assert (case.consent, case.objected, case.minor) == ("given", "no", "no")
    (result,) = (one for one in run_cases(loaded, lambda *_, **__: (), TODAY) if one.name == case.name)
    assert result.holds, result.differences
    with pytest.raises(UsageError, match="does not decide"):
        except_value(text, read_text(text), replace(wanted, rule="no-consent-no-transfer"), TODAY)
