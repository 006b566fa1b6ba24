"""What lint says about policies that are allowed and still probably wrong."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from policies.lint import lint
from policies.load import Loaded

TODAY = date(2026, 11, 24)
REST = {"id": "rest", "when": {"entity": "none"}, "do": "allow"}
PEOPLE = {"id": "people", "when": {"entity": "PERSON"}, "do": "tokenize"}

type Load = Callable[..., Loaded]


def codes(loaded: Loaded, today: date = TODAY) -> list[str]:
    return [one.code for one in lint(loaded, today)]


def test_a_clean_policy_has_no_warnings(loaded: Load) -> None:
    assert codes(loaded(rules=[PEOPLE, REST])) == []


def test_a_rule_behind_another_is_named_with_what_hides_it(loaded: Load) -> None:
    hidden = {"id": "late", "when": {"entity": "PERSON", "destination": "openai"}, "do": "block"}
    (found,) = lint(loaded(rules=[PEOPLE, hidden, REST]), TODAY)
    assert (found.code, found.is_error) == ("shadowed", False)
    assert "'late'" in found.message
    assert "'people'" in found.message


def test_two_rules_that_hide_a_third_together_are_both_named(loaded: Load) -> None:
    weak = {"id": "weak", "when": {"entity": "PERSON", "destination": {"operator": "us"}}, "do": "allow"}
    strong = {"id": "strong", "when": {"entity": "PERSON", "destination": {"operator_not": "us"}}, "do": "redact"}
    late = {"id": "late", "when": {"entity": "PERSON"}, "do": "block"}
    (found,) = lint(loaded(rules=[weak, strong, late, REST]), TODAY)
    assert "'weak', 'strong'" in found.message


def test_a_rule_that_nothing_can_fit_is_unreachable(loaded: Load) -> None:
    never = {"id": "never", "when": {"entity": "PERSON", "destination": {"name": "home", "operator_not": "us"}}}
    assert codes(loaded(rules=[never | {"do": "block"}, PEOPLE, REST])) == ["unreachable"]


def test_a_policy_that_lets_nothing_pass_is_pointed_out(loaded: Load) -> None:
    assert codes(loaded(rules=[PEOPLE])) == ["nothing_passes"]


def test_an_exception_is_announced_a_month_before_it_ends_and_when_it_ended(loaded: Load) -> None:
    terms = {"rule": "people", "values": ["ab" * 32], "approved_by": "dpo", "applications": ["chat"]}

    def until(day: date) -> list[str]:
        made = loaded(rules=[PEOPLE, REST], applications={"chat": {}}, exceptions=[terms | {"until": day.isoformat()}])
        return codes(made)

    assert until(TODAY + timedelta(days=31)) == []
    assert until(TODAY + timedelta(days=30)) == ["ends_soon"]
    assert until(TODAY - timedelta(days=1)) == ["ended"]


def test_an_exception_for_every_application_is_broad(loaded: Load) -> None:
    terms = {"rule": "people", "values": ["ab" * 32], "approved_by": "dpo", "until": "2027-06-01"}
    assert codes(loaded(rules=[PEOPLE, REST], exceptions=[terms])) == ["broad"]


def test_facts_are_old_after_180_days(loaded: Load) -> None:
    made = loaded(rules=[PEOPLE, REST])
    read = date(2026, 11, 24)
    assert "old_facts" not in codes(made, read + timedelta(days=180))
    assert "old_facts" in codes(made, read + timedelta(days=181))


def test_an_operator_that_cannot_work_for_an_entity_is_pointed_out(loaded: Load) -> None:
    def rule(do: str, entity: str) -> list[str]:
        return codes(loaded(rules=[{"id": "r", "when": {"entity": entity}, "do": do}, REST]))

    assert rule("mask", "PERSON") == ["operator"]
    assert rule("mask", "CREDIT_CARD") == []
    assert rule("surrogate", "API_KEY") == ["operator"]
    assert rule("surrogate", "PERSON") == []
    assert rule("hash", "PASSWORD") == ["operator"]


def test_a_permission_that_is_silent_about_unknown_is_pointed_out(loaded: Load) -> None:
    def condition(value: Any) -> list[str]:
        permits = {
            "id": "r",
            "when": {"entity": "PERSON", "destination": {"facts": {"training": value}}},
            "do": "allow",
        }
        return codes(loaded(rules=[permits, PEOPLE, REST]))

    assert "unknown_permitted" in condition({"not": ["yes"]})
    assert condition({"not": ["yes", "unknown"]}) == []
    assert "unknown_permitted" not in condition("no")


def test_holding_answers_back_says_what_it_costs(loaded: Load) -> None:
    assert codes(loaded(rules=[PEOPLE, REST], response={"unexpected": "redact", "buffer": "all"})) == ["delay"]


def test_in_prod_unknown_applications_and_destinations_without_facts_stand_out(loaded: Load) -> None:
    made = loaded(rules=[PEOPLE, REST], environment="prod", destinations={"other": {"hosts": ["llm.example.com"]}})
    assert codes(made) == ["unknown_allowed", "no_facts"]


def test_flags_in_a_header_that_nobody_is_believed_with_are_pointed_out(loaded: Load) -> None:
    flags = {"source": "header", "at": "dragoman-flags"}
    trust = {"dragoman-flags": ["credential"]}
    assert codes(loaded(rules=[PEOPLE, REST], subject_flags=flags)) == ["nobody_believed"]
    assert codes(loaded(rules=[PEOPLE, REST], subject_flags=flags, trust=trust)) == []


def test_a_plan_that_nobody_named_leaves_facts_unknown(loaded: Load) -> None:
    openai: dict[str, Any] = {"extends": "bundled:openai@2026-11-23"}

    def said(**changes: Any) -> list[str]:
        made = loaded(rules=[PEOPLE, REST], destinations={"openai": openai | changes}, environment="prod")
        return [f"{one.message}; {one.hint}" for one in lint(made, TODAY) if one.code == "no_plan"]

    (found,) = said()
    assert "who the contract is with stays unknown" in found
    assert "`plan: eea` or `plan: outside-eea`" in found
    assert said(plan="eea") == []
    assert said(facts={"contracting_entity": {"value": "OpenAI Ireland Ltd.", "source": "contract"}}) == []
