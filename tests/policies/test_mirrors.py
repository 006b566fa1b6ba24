"""A mirror's own purpose and what is kept of it, in every tool that reads a policy."""

from collections.abc import Callable
from datetime import date
from typing import Any

from policies.diff import diff
from policies.explain import as_data, explain, render
from policies.lint import lint
from policies.load import Loaded, read_text
from policies.model import Action, Flag, PolicyInput, SubjectFacts
from policies.policy import Policy
from policies.show import as_data as shown

type Make = Callable[..., Policy]
type Transfer = Callable[..., PolicyInput]

TODAY = date(2026, 11, 24)
ALL = {"id": "all", "when": {"entity": "any"}, "do": "tokenize"}
REST = {"id": "rest", "when": {"entity": "none"}, "do": "allow"}
COPY = {"id": "copy", "when": {"destination": "openai"}, "do": "mirror", "to": "home"}
KEPT = COPY | {"purpose": "compare", "keep": {"days": 14}}
OBJECTED = {
    "id": "objected",
    "when": {"purpose": "compare", "subject": {"objected": ["yes", "unknown"]}},
    "do": "block",
    "because": "Asked",
}
SETTING: dict[str, Any] = {
    "controllers": {"org": {"name": "Example Ltd"}},
    "purposes": {name: {"controller": "org", "basis": "consent"} for name in ("chat", "compare")},
    "applications": {"messenger": {"purpose": "chat"}},
}


def test_a_copy_has_the_purpose_of_its_rule_which_the_application_need_not_have(
    policy: Make, transfer: Transfer
) -> None:
    made = policy(rules=[KEPT, ALL, REST], **SETTING)
    given = transfer("PERSON", application="messenger")
    decision = made.decide(given)
    (mirror,) = decision.mirrors
    assert (mirror.purpose, mirror.keep_days, decision.purpose) == ("compare", 14, "chat")
    copy = made.decide_mirror(given, mirror)
    assert (copy.action, copy.purpose) == (Action.TRANSFORM, "compare")


def test_without_a_purpose_and_keep_it_is_as_it_was(policy: Make, transfer: Transfer) -> None:
    made = policy(rules=[COPY, ALL, REST], **SETTING)
    given = transfer("PERSON", application="messenger")
    (mirror,) = made.decide(given).mirrors
    assert (mirror.purpose, mirror.keep_days) == ("", 0)
    assert made.decide_mirror(given, mirror).purpose == "chat"


def test_rules_about_the_purpose_decide_for_the_copy_alone(policy: Make, transfer: Transfer) -> None:
    made = policy(rules=[KEPT, OBJECTED, ALL, REST], **SETTING)
    for objected, action in ((Flag.YES, Action.BLOCK), (Flag.UNKNOWN, Action.BLOCK), (Flag.NO, Action.ALLOW)):
        given = transfer(application="messenger", subjects=(SubjectFacts(objected=objected),))
        decision = made.decide(given)
        assert decision.action is Action.ALLOW
        assert made.decide_mirror(given, decision.mirrors[0]).action is action


def test_explain_tells_of_copies(policy: Make, transfer: Transfer) -> None:
    story = explain(policy(rules=[KEPT, OBJECTED, ALL, REST], **SETTING), transfer(application="messenger"))
    assert "├─ mirror home for compare, answers kept 14 days (copy): block: Asked" in render(story).splitlines()
    assert as_data(story)["mirrors"] == [
        {
            "to": "home",
            "rule": "copy",
            "purpose": "compare",
            "keep_days": 14,
            "action": "block",
            "decided_by": "objected",
        }
    ]
    assert as_data(explain(policy(rules=[ALL, REST]), transfer()))["mirrors"] == []


def test_the_difference_names_what_is_kept_and_what_becomes_of_copies(policy: Make) -> None:
    plain, kept = policy(rules=[COPY, ALL, REST], **SETTING), policy(rules=[KEPT, ALL, REST], **SETTING)
    found = {(str(one.before), str(one.after)) for one in diff(plain, kept).changes}
    assert (
        "allow, mirror home (the copy: allow)",
        "allow, mirror home for compare, answers kept 14 days (the copy: allow)",
    ) in found
    guarded = policy(rules=[KEPT, OBJECTED, ALL, REST], **SETTING)
    assert any("the copy: block" in str(one.after) for one in diff(kept, guarded).changes)


def test_lint_wants_a_purpose_for_what_is_kept_and_reaches_rules_about_copies(loaded: Callable[..., Loaded]) -> None:
    def codes(*rules: Any) -> list[str]:
        made = loaded(rules=[*rules, ALL, REST], unknown_applications="refuse", **SETTING)
        return [one.code for one in lint(made, TODAY)]

    assert codes(COPY | {"keep": {"days": 1}}) == ["mirror_purpose"]
    assert codes(KEPT, OBJECTED) == []
    assert codes(COPY, OBJECTED) == ["unreachable"]


def test_show_has_the_words_where_they_are_written(policy: Make) -> None:
    rules = {one["id"]: one for one in shown(policy(rules=[KEPT, ALL, REST], **SETTING))["rules"]}
    assert (rules["copy"]["purpose"], rules["copy"]["keep"]) == ("compare", {"days": 14})
    assert {"purpose", "keep"}.isdisjoint(rules["all"])


def test_a_policy_without_the_words_has_the_digest_it_had_before_there_were_any() -> None:
    text = """
version: 1
name: pinned
destinations: {home: {operator: us, upstream: "http://127.0.0.1:9"}}
rules:
  - {id: rest, do: allow}
"""
    digest = "sha256:13ca9d71d739fddec39b22bcd6f3fa404a3c09dbcd151628d032e057b6f4cc57"
    assert read_text(text).policy.digest == digest
