"""Edits keep a file as its author left it, and first files hold before anybody touches them."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from policies.cases import failing, run_cases
from policies.errors import PolicyFileError, UsageError
from policies.language.edit import add_exception, formatted, pin_edition, remove_observe
from policies.lint import lint
from policies.load import read_text
from policies.new import Answers, example_file, observe_file, policy_file

TODAY = date(2026, 11, 24)

FILE = """\
# Who may send what.
version: 1
name: chat
unknown_applications: allow # for now

destinations:
  openai: {extends: "bundled:openai@2026-11-23"} # pinned
rules:
  # First the people.
  - {id: people, when: {entity: PERSON}, do: tokenize}
  - {id: rest, when: {entity: none}, do: allow}
"""
TERMS: dict[str, Any] = {
    "rule": "people", "entity_type": "PERSON", "refs": ["ab" * 32], "destination": "openai", "application": "",
    "applications": [], "until": date(2026, 12, 24), "approved_by": "dpo", "because": "a street",
}  # fmt: skip


def nothing(text: str, *, kind: str, language: str) -> tuple[()]:
    return ()


class TestException:
    def test_it_keeps_every_comment_and_quotation_mark(self) -> None:
        text = add_exception(FILE, **TERMS)
        for line in FILE.splitlines():
            assert line in text
        assert text.index("# First the people.") < text.index("exceptions:")

    def test_it_comes_with_a_case_that_holds_and_would_fail_without_it(self) -> None:
        loaded = read_text(add_exception(FILE, **TERMS), today=TODAY)
        (terms,) = loaded.policy.exceptions["people"]
        assert (terms.id, terms.until, terms.approved_by) == ("people-2026-12-24", date(2026, 12, 24), "dpo")
        assert failing(run_cases(loaded, nothing, TODAY)) == []
        without = read_text(add_exception(FILE, **TERMS).replace("do: tokenize", "do: redact"), today=TODAY)
        assert failing(run_cases(without, nothing, TODAY)) == [], "the exception is of the rule, whatever it does"
        gone = add_exception(FILE, **TERMS).replace("['" + "ab" * 32, "['" + "cd" * 32)
        gone = gone.replace("values: [" + "ab" * 32, "values: [" + "cd" * 32)
        assert len(failing(run_cases(read_text(gone, today=TODAY), nothing, TODAY))) == 1

    def test_a_second_one_of_the_same_day_has_a_name_of_its_own(self) -> None:
        text = add_exception(add_exception(FILE, **TERMS), **TERMS | {"refs": ["cd" * 32]})
        found = read_text(text, today=TODAY).policy.exceptions["people"]
        assert [terms.id for terms in found] == ["people-2026-12-24", "people-2026-12-24-2"]

    def test_for_applications_it_names_them(self) -> None:
        base = FILE.replace("rules:", "applications: {feed: {}, chat: {}}\nrules:")
        text = add_exception(base, **TERMS | {"applications": ["chat", "feed"], "application": "chat"})
        loaded = read_text(text, today=TODAY)
        assert loaded.policy.exceptions["people"][0].applications == {"chat", "feed"}
        assert loaded.cases[0].app == "chat"

    @pytest.mark.parametrize("missing", [{"refs": []}, {"approved_by": ""}, {"because": ""}])
    def test_without_a_value_an_approver_or_a_reason_there_is_none(self, missing: dict[str, Any]) -> None:
        with pytest.raises(UsageError, match="needs a value, somebody who approved it, and a reason"):
            add_exception(FILE, **TERMS | missing)


class TestPin:
    def test_only_the_edition_changes(self) -> None:
        text = pin_edition(FILE, "openai", "bundled:openai@2026-12-24")
        assert text.replace('"', "") == FILE.replace('"', "").replace("2026-11-23", "2026-12-24")

    @pytest.mark.parametrize("name", ["gemini", "rules"])
    def test_a_pin_in_an_include_is_not_invented_here(self, name: str) -> None:
        with pytest.raises(UsageError, match="does not pin the destination"):
            pin_edition(FILE, name, "bundled:openai@2026-12-24")


class TestOthers:
    def test_a_test_phase_can_be_ended(self) -> None:
        text = observe_file(("chat",), 7, "dpo", TODAY)
        assert read_text(text, today=TODAY).policy.observe is not None
        ended = read_text(remove_observe(text), today=TODAY).policy
        assert (ended.observe, ended.name) == (None, "observe")
        with pytest.raises(UsageError, match="no `observe` section"):
            remove_observe(FILE)

    @pytest.mark.parametrize("edit", [formatted, remove_observe, lambda text: pin_edition(text, "a", "b")])
    def test_a_file_that_cannot_be_read_is_not_edited(self, edit: Callable[[str], str]) -> None:
        with pytest.raises(PolicyFileError):
            edit(FILE + "rules: again\n")

    def test_formatting_twice_changes_nothing_more(self) -> None:
        once = formatted(FILE.replace("  - {id", "- {id").replace("  # First", "# First"))
        assert formatted(once) == once
        assert read_text(once, today=TODAY).policy.digest == read_text(FILE, today=TODAY).policy.digest


class TestNew:
    @pytest.mark.parametrize("special_home", [False, True])
    def test_a_first_file_holds_and_lint_finds_nothing_but_what_is_undecided(self, special_home: bool) -> None:
        answers = Answers(
            "chat", "chat", "answer", 'Example "Ltd"', destinations=("openai", "mistral"), special_home=special_home
        )
        loaded = read_text(policy_file(answers), today=TODAY)
        assert lint(loaded, TODAY) == []
        assert loaded.policy.controllers["us"].name == 'Example "Ltd"'
        assert ("self-hosted" in loaded.policy.destinations) is special_home

    def test_in_prod_nothing_may_be_undecided(self) -> None:
        text = policy_file(Answers("chat", "chat", "answer", "Example Ltd"))
        with pytest.raises(PolicyFileError, match="'basis' is still `todo`, and the environment is prod"):
            read_text(text.replace("environment: test", "environment: prod"), today=TODAY)

    @pytest.mark.parametrize(
        "answers",
        [
            Answers("Chat", "chat", "answer", "x"),
            Answers("chat", "my app", "answer", "x"),
            Answers("chat", "chat", "{}", "x"),
            Answers("chat", "chat", "answer", "x", destinations=("opnai",)),
        ],
    )
    def test_a_name_that_cannot_stand_in_a_file_is_refused(self, answers: Answers) -> None:
        with pytest.raises(UsageError):
            policy_file(answers)

    @pytest.mark.parametrize(("apps", "days", "by"), [((), 7, "dpo"), (("chat",), 15, "dpo"), (("chat",), 0, "dpo"), (("chat",), 7, " "), (("A B",), 7, "dpo")])  # fmt: skip
    def test_a_test_phase_names_apps_an_end_and_who_approved_it(
        self, apps: tuple[str, ...], days: int, by: str
    ) -> None:
        with pytest.raises(UsageError):
            observe_file(apps, days, by, TODAY)

    def test_there_are_three_examples_and_no_others(self) -> None:
        with pytest.raises(UsageError, match="there are feed, messenger, headset"):
            example_file("../default")
