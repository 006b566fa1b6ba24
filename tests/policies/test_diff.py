"""Two policies compared in meaning: what is treated differently, for whom, and what became weaker."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from policies.diff import as_data, diff, render
from policies.errors import UnknownNameError
from policies.facts_diff import as_data as facts_data
from policies.facts_diff import compare
from policies.facts_diff import render as facts_text
from policies.load import Loaded, read_text
from policies.policy import Policy
from policies.register import REGISTER_FILE, bundled_file, read_register

type Make = Callable[..., Policy]

REST = {"id": "rest", "when": {"entity": "none"}, "do": "allow"}
ALL = {"id": "all", "when": {"entity": "any"}, "do": "tokenize"}


def rule(name: str, do: str, **when: Any) -> dict[str, Any]:
    return {"id": name, "when": when, "do": do}


class TestRules:
    def test_names_order_of_equal_rules_and_reasons_do_not_matter(self, policy: Make) -> None:
        cards, names = rule("cards", "block", entity="CREDIT_CARD"), rule("names", "redact", entity="PERSON")
        old = policy(rules=[cards, names, ALL, REST])
        new = policy(rules=[names | {"id": "people", "because": "Said so"}, cards, ALL, REST])
        assert diff(old, new).empty
        assert render(diff(old, new)) == "both policies mean the same"

    def test_a_type_that_is_treated_otherwise_is_named_and_whole_groups_are_one(self, policy: Make) -> None:
        old = policy(rules=[ALL, REST])
        new = policy(rules=[rule("secrets", "block", entity="group:secrets"), ALL, REST])
        found = diff(old, new)
        assert {one.entities for one in found.changes} == {("group:secrets",)}
        assert {(str(one.before), str(one.after), one.weaker) for one in found.changes} == {
            ("tokenize", "block", False)
        }
        assert {one.destination for one in found.changes} >= {"openai", "gemini", "home"}

    def test_what_becomes_weaker_is_marked(self, policy: Make) -> None:
        old = policy(rules=[rule("cards", "block", entity="CREDIT_CARD"), ALL, REST])
        found = diff(old, policy(rules=[ALL, REST]))
        assert all(one.weaker for one in found.changes)
        text = render(found)
        assert "! unknown -> " in text
        assert "CREDIT_CARD: block -> tokenize" in text
        assert "! marks what becomes weaker" in text
        assert as_data(found)["changes"][0]["weaker"] is True

    def test_a_condition_stands_beside_the_change(self, policy: Make) -> None:
        old = policy(rules=[ALL, REST])
        new = policy(rules=[rule("tools", "redact", entity="PERSON", segment="tool_result"), ALL, REST])
        (words,) = {one.condition for one in diff(old, new).changes}
        assert words == "segment tool_result"

    def test_parameters_and_routes_count(self, policy: Make) -> None:
        mask = {"id": "all", "when": {"entity": "any"}, "do": "mask"}
        found = diff(
            policy(rules=[mask | {"params": {"keep": 4}}, REST]), policy(rules=[mask | {"params": {"keep": 2}}, REST])
        )
        assert {(str(one.before), str(one.after)) for one in found.changes} == {("mask keep=4", "mask keep=2")}
        home = {"id": "home", "when": {"entity": "PERSON", "destination": "openai"}, "do": "route", "to": "home"}
        routed = diff(policy(rules=[ALL, REST]), policy(rules=[home, ALL, REST]))
        assert [(one.destination, str(one.after)) for one in routed.changes] == [("openai", "route home, tokenize")]

    def test_observing_is_a_change(self, policy: Make) -> None:
        apps = {"chat": {}}
        observe = {"applications": ["chat"], "until": "2026-12-01", "approved_by": "dpo"}
        old = policy(rules=[ALL, REST], applications=apps)
        found = diff(old, policy(rules=[ALL, REST], applications=apps, observe=observe))
        assert any(one.application == "chat" and one.after.observe for one in found.changes)
        assert any(one.path == "observe" for one in found.settings)


class TestSettings:
    @pytest.mark.parametrize(
        ("sections", "path", "before", "after"),
        [
            ({"unknown_hosts": "pass"}, "unknown_hosts", "refuse", "pass"),
            ({"media": {"image": "inspect", "audio": "pass"}}, "media.audio", "refuse", "pass"),
            ({"restore": {"other": "no"}}, "restore.other", "True", "False"),
            ({"restore": {"tools": {"search": "no"}}}, "tools.search", "absent", "False"),
            ({"environment": "staging"}, "environment", "test", "staging"),
            ({"budgets": [{"id": "b", "transfers": 3}]}, "budgets.b", "absent", "present"),
            ({"entities": {"STAFF": {"patterns": ["s[0-9]"]}}}, "entities.STAFF", "absent", "present"),
            ({"trust": {"dragoman-app": ["credential"]}}, "trust.dragoman-app", "absent", "credential"),
        ],
    )
    def test_what_stands_outside_the_rules_is_compared(
        self, policy: Make, sections: dict[str, Any], path: str, before: str, after: str
    ) -> None:
        found = diff(policy(rules=[ALL, REST]), policy(rules=[ALL, REST], **sections))
        assert (path, before, after) in [(one.path, one.before, one.after) for one in found.settings]
        assert f"  {path}: {before} -> {after}" in render(found)

    def test_with_whom_objects_are_shared_is_told(self, policy: Make) -> None:
        apps: dict[str, Any] = {"chat": {}, "feed": {}}
        shared = {"chat": {}, "feed": {"shares_objects_with": "chat"}}
        found = diff(policy(rules=[ALL, REST], applications=apps), policy(rules=[ALL, REST], applications=shared))
        assert render(found) == "  applications.feed.shares_objects_with: none -> chat"

    def test_only_the_part_of_a_value_that_differs_is_shown(self, policy: Make) -> None:
        terms = {"id": "desk", "rule": "all", "values": ["ab" * 32], "until": "2026-12-01", "approved_by": "dpo"}
        budget = {"id": "b", "transfers": 3}
        old = policy(rules=[ALL, REST], budgets=[budget], exceptions=[terms])
        new = policy(
            rules=[ALL, REST], budgets=[budget | {"transfers": 5}], exceptions=[terms | {"until": "2026-12-24"}]
        )
        settings = {one.path: (one.before, one.after) for one in diff(old, new).settings}
        assert settings["budgets.b.transfers"] == ("3", "5")
        assert "exceptions.all" in settings

    def test_long_lists_are_counted_and_not_shown(self, policy: Make) -> None:
        names = [f"Person {number}" for number in range(20)]
        old = policy(rules=[ALL, REST], entities={"VIP": {"values": names[:10]}})
        new = policy(rules=[ALL, REST], entities={"VIP": {"values": names}})
        text = render(diff(old, new))
        assert "entities.VIP.values: 10 values -> 20 values" in text
        assert "Person" not in text

    def test_a_policy_does_not_differ_from_itself_under_another_name(self, policy: Make) -> None:
        one = policy(rules=[ALL, REST])
        assert diff(one, replace(one, name="other", digest="sha256:other")).empty


NEWER = """\
  openai:
    2026-12-24:
      title: OpenAI API
      operator: OpenAI
      facts:
        retention: {value: 7, source: "https://example.com/terms", read: 2026-12-24, quote: seven days and no longer}
        training: {value: "no", source: "https://example.com/terms", read: 2026-12-24, quote: we never train on it}
"""


class TestFacts:
    @pytest.fixture
    def pinned(self) -> Callable[[str], Loaded]:
        """A policy that pins openai, beside a register with a newer edition."""
        register = read_register(bundled_file(REGISTER_FILE), REGISTER_FILE)
        newer = read_register(f"version: 1\ndestinations:\n{NEWER}".encode(), "newer.yaml")
        days = {**register.editions["openai"], **newer.editions["openai"]}
        both = replace(register, editions={**register.editions, "openai": days})

        def make(rules: str) -> Loaded:
            text = (
                "version: 1\nname: t\nunknown_applications: allow\n"
                "applications: {chat: {}}\n"
                "destinations:\n  openai: {extends: bundled:openai@2026-11-23}\n"
                "  home: {extends: bundled:self-hosted@2026-11-23}\n"
                f"rules:\n{rules}"
            )
            return read_text(text, register=both)

        return make

    def test_changed_facts_come_with_source_and_words_and_who_is_touched(self, pinned: Callable[[str], Loaded]) -> None:
        rules = (
            "  - {id: long, when: {destination: {facts: {retention: {at_most: 10}}}}, do: allow}\n"
            "  - {id: rest, do: block}\n"
        )
        found = compare(pinned(rules), "openai")
        assert (found.pinned, found.newest) == ("bundled:openai@2026-11-23", "bundled:openai@2026-12-24")
        changes = {one.name: (one.before.value, one.after.value) for one in found.changes}
        assert changes["retention"] == (30, 7)
        assert changes["training"] == ("opt-in", "no")
        assert changes["zero_retention"] == ("on-request", "unknown"), "what the newer one does not say is unknown"
        assert "chat" in found.applications
        text = facts_text(found)
        assert '    https://example.com/terms, read 2026-12-24: "seven days and no longer"' in text
        assert "decisions would differ for: chat" in text
        assert facts_data(found)["changes"][0]["fact"] == found.changes[0].name

    def test_facts_that_no_rule_asks_for_change_no_decision(self, pinned: Callable[[str], Loaded]) -> None:
        found = compare(pinned("  - {id: rest, do: allow}\n"), "openai")
        assert found.changes
        assert found.applications == ()

    def test_the_newest_edition_says_so(self, loaded: Callable[..., Loaded]) -> None:
        found = compare(loaded(rules=[ALL, REST]), "gemini")
        assert facts_text(found).endswith("is the newest edition")

    def test_a_destination_without_a_pin_has_nothing_to_compare(self, loaded: Callable[..., Loaded]) -> None:
        made = loaded(rules=[ALL, REST], destinations={"own": {"upstream": "https://own.example.com"}})
        with pytest.raises(UnknownNameError, match="it pins none"):
            compare(made, "own")
