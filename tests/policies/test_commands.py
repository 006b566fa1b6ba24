"""`dragoman policy` as people call it: what it prints, what it changes on the disk, and how it exits."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import Result
from typer.testing import CliRunner

from policies.cli import today_utc
from policies.load import read
from proxy.cli import COMMANDS
from proxy.commands.policy import app
from proxy.policy.value_refs import ValueRefs

NAMES = ["lint", "test", "explain", "diff", "simulate", "except", "facts", "schema", "show", "fmt", "new"]

POLICY = """\
version: 1
name: chat
# A comment that edits keep.
destinations:
  openai: {extends: bundled:openai@2026-11-23}
  gemini: {extends: bundled:gemini@2026-11-23}
applications:
  chat: {}
rules:
  - {id: cards-stay, when: {entity: CREDIT_CARD}, do: block, because: Cards stay here}
  - {id: people, when: {entity: any}, do: tokenize, because: Placeholders}
  - {id: rest, when: {entity: none}, do: allow}
cases:
  - {name: A mail address, app: chat, to: openai, text: "anna@example.com", expect: {EMAIL_ADDRESS: tokenize}}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    return folder


@pytest.fixture
def call(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Calls a command in this home, with the pattern recognizers alone."""
    monkeypatch.setenv("DRAGOMAN_HOME", str(home))
    monkeypatch.setenv("DRAGOMAN_DETECTORS", "patterns")
    return lambda *words, **options: CliRunner().invoke(app, [str(word) for word in words], **options)


def test_every_command_of_the_contract_is_there_with_an_example(call: Callable[..., Result]) -> None:
    shown = call("--help").output
    assert [word for word in NAMES if not re.search(rf"^  {word} ", shown, re.M)] == []
    for name in NAMES:
        words = [name, "diff"] if name == "facts" else [name]
        text = call(*words, "--help").output
        assert "Example: dragoman policy" in text, name


def test_the_command_line_mounts_them(home: Path) -> None:
    assert COMMANDS["policy"][:2] == ("proxy.commands.policy", "app")
    script = Path(sys.executable).with_name("dragoman")
    made = subprocess.run(
        [script, "policy", "lint", "--home", home], capture_output=True, text=True, check=False, env=os.environ
    )
    assert (made.returncode, made.stdout) == (0, f"{home / 'policy.yaml'}: holds, 3 rules, no warnings\n")


class TestLint:
    def test_without_a_file_the_home_s_policy_is_meant(self, call: Callable[..., Result], home: Path) -> None:
        result = call("lint")
        assert (result.exit_code, str(home / "policy.yaml") in result.output) == (0, True)

    def test_without_any_file_the_bundled_default_is_meant(self, call: Callable[..., Result], home: Path) -> None:
        (home / "policy.yaml").unlink()
        assert call("lint").output.startswith("bundled:default: holds")

    def test_an_error_has_its_place_and_a_suggestion(self, call: Callable[..., Result], home: Path) -> None:
        (home / "policy.yaml").write_text(POLICY.replace("do: tokenize", "do: tokenise"), encoding="utf-8")
        result = call("lint")
        assert result.exit_code == 1
        assert "policy.yaml:11:43: 'tokenise' is not a value of 'do' [unknown_word]" in result.output
        assert "did you mean 'tokenize'?" in result.output
        problems = orjson.loads(call("lint", "--json").output)["problems"]
        assert [(one["line"], one["column"], one["code"]) for one in problems] == [(11, 43, "unknown_word")]

    def test_what_a_running_dragoman_would_refuse_is_an_error(self, call: Callable[..., Result], home: Path) -> None:
        path = home / "policy.yaml"
        mirror = "rules:\n  - {id: compare, do: mirror, to: gemini, output_may_train: yes}\n"
        path.write_text(POLICY.replace("rules:\n", mirror), encoding="utf-8")
        result = call("lint")
        assert (result.exit_code, "`output_may_train: yes` of rule compare" in result.output) == (1, True)

    def test_strict_counts_warnings(self, call: Callable[..., Result], home: Path) -> None:
        hidden = POLICY.replace("  - {id: rest,", "  - {id: late, when: {entity: PERSON}, do: redact}\n  - {id: rest,")
        (home / "policy.yaml").write_text(hidden, encoding="utf-8")
        assert call("lint").exit_code == 0
        assert "no transfer reaches rule 'late'" in call("lint").output
        assert call("lint", "--strict").exit_code == 1

    def test_a_file_that_is_not_there_is_wrong_use(self, call: Callable[..., Result], tmp_path: Path) -> None:
        assert call("lint", tmp_path / "none.yaml").exit_code == 2
        assert call("lint", "bundled:none").exit_code == 2


OWN = """
entities:
  STAFF_NUMBER:
    group: identity
    patterns: ['E-[0-9]{6}']
    examples: [Ask E-123456 about it]
    counterexamples: [E-12 is a road]
  PROJECT: {values: [Blue Falcon], examples: [about blue falcon]}
"""


class TestOwnEntities:
    def test_their_examples_are_run_by_lint_and_they_are_found(self, call: Callable[..., Result], home: Path) -> None:
        (home / "policy.yaml").write_text(POLICY + OWN, encoding="utf-8")
        assert call("lint").output.endswith("holds, 3 rules, no warnings\n")
        text = "E-123456 works on Blue Falcon"
        data = orjson.loads(call("explain", "--app", "chat", "--text", text, "--json").output)
        parts = {one["part"].split()[0]: one["does"] for one in data["parts"]}
        assert (parts["STAFF_NUMBER"], parts["PROJECT"]) == ("tokenize", "tokenize")

    @pytest.mark.parametrize(
        ("change", "place", "said"),
        [
            (("Ask E-123456", "Ask Erika 12"), "20:16", "STAFF_NUMBER is not found in this example"),
            (("E-12 is a road", "E-999999 road"), "21:23", "STAFF_NUMBER is found in this counterexample"),
            (("about blue", "on Erika"), "22:47", "PROJECT is not found in this example"),
        ],
    )
    def test_an_example_that_fails_is_an_error_with_its_place_and_without_its_text(
        self, call: Callable[..., Result], home: Path, change: tuple[str, str], place: str, said: str
    ) -> None:
        (home / "policy.yaml").write_text(POLICY + OWN.replace(*change), encoding="utf-8")
        result = call("lint")
        assert result.exit_code == 1
        assert f"policy.yaml:{place}: {said} [example_fails]" in result.output
        assert "does not hold, 1 error" in result.output
        assert "Erika" not in result.output
        assert "999999" not in result.output


class TestCases:
    def test_cases_hold_and_unused_rules_are_named(self, call: Callable[..., Result]) -> None:
        result = call("test")
        assert result.exit_code == 0
        assert "✓ A mail address" in result.output
        assert "no case uses: cards-stay" in result.output

    def test_a_case_that_fails_is_placed_and_shows_no_text(self, call: Callable[..., Result], home: Path) -> None:
        broken = POLICY.replace("{EMAIL_ADDRESS: tokenize}", "{EMAIL_ADDRESS: redact}")
        (home / "policy.yaml").write_text(broken, encoding="utf-8")
        result = call("test")
        assert result.exit_code == 1
        assert "policy.yaml:14:" in result.output
        assert "EMAIL_ADDRESS should be redact, is tokenize" in result.output
        assert "anna@example.com" not in result.output
        data = orjson.loads(call("test", "--json").output)
        assert (data["holds"], data["cases"][0]["holds"], data["unused_rules"]) == (False, False, ["cards-stay"])

    @pytest.mark.parametrize("name", ["bundled:default", "bundled:strict"])
    def test_the_cases_of_what_ships_hold_and_use_every_rule(self, call: Callable[..., Result], name: str) -> None:
        data = orjson.loads(call("test", name, "--json").output)
        assert (data["holds"], data["unused_rules"]) == (True, [])


class TestExplain:
    def test_it_names_the_rule_of_each_part(self, call: Callable[..., Result]) -> None:
        text = "anna@example.com pays with 4111 1111 1111 1111"
        data = orjson.loads(call("explain", "--app", "chat", "--text", text, "--json").output)
        assert (data["action"], data["rule"]) == ("block", "cards-stay")
        parts = {one["part"].split()[0]: (one["does"], one["rule"]) for one in data["parts"]}
        assert parts["EMAIL_ADDRESS"] == ("tokenize", "people")
        assert parts["CREDIT_CARD"] == ("block", "cards-stay")
        shown = call("explain", "--app", "chat", "--text", "-", input=text).output
        assert "✓ cards-stay" in shown
        assert "4111" not in shown

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--to", "gemni"], "did you mean 'gemini'?"),
            (["--app", "chatt"], "did you mean 'chat'?"),
            (["--kind", "users"], "did you mean 'user'?"),
            (["--consent", "perhaps"], "no value of consent"),
        ],
    )
    def test_a_word_that_means_nothing_is_wrong_use(
        self, call: Callable[..., Result], words: list[str], said: str
    ) -> None:
        result = call("explain", "--text", "x", *words)
        assert result.exit_code == 2
        assert said in result.output


class TestExcept:
    VALUE = "support@example.com"

    def ask(self, call: Callable[..., Result], *words: Any) -> Result:
        because = ["--because", "our own desk"]
        return call("except", self.VALUE, "--type", "EMAIL_ADDRESS", "--app", "chat", *because, *words)

    def test_the_value_passes_afterwards_and_only_it(self, call: Callable[..., Result], home: Path) -> None:
        result = self.ask(call, "--days", 30, "--approved-by", "dpo")
        assert result.exit_code == 0, result.output
        written = (home / "policy.yaml").read_text(encoding="utf-8")
        assert "support" not in written
        assert "# A comment that edits keep." in written
        assert call("test").exit_code == 0, "the case that proves it was written too"
        (terms,) = read(home / "policy.yaml").policy.exceptions["people"]
        assert (terms.approved_by, terms.applications) == ("dpo", frozenset({"chat"}))
        assert (terms.until - today_utc()).days == 30
        parts = orjson.loads(
            call("explain", "--app", "chat", "--text", "Ask SUPPORT@example.com or anna@example.com", "--json").output
        )["parts"]
        assert [one["does"] for one in parts[:2]] == ["allow", "tokenize"]
        assert parts[0]["exception"]

    def test_the_value_may_come_from_standard_input(self, call: Callable[..., Result], home: Path) -> None:
        words = ["except", "-", "--type", "EMAIL_ADDRESS", "--because", "desk"]
        assert call(*words, input=f"{self.VALUE}\n").exit_code == 0
        (terms,) = read(home / "policy.yaml").policy.exceptions["people"]
        assert terms.refs == ValueRefs.of_home(home)("EMAIL_ADDRESS", self.VALUE)
        assert terms.applications == frozenset()

    def test_one_that_breaks_a_case_changes_nothing(self, call: Callable[..., Result], home: Path) -> None:
        words = ["except", "anna@example.com", "--type", "EMAIL_ADDRESS", "--because", "x"]
        result = call(*words)
        assert (result.exit_code, (home / "policy.yaml").read_text(encoding="utf-8")) == (1, POLICY)
        assert "policy.yaml:" in result.output
        assert [path.name for path in home.iterdir() if path.name.startswith(".")] == []

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--app", "chatt"], "did you mean 'chat'?"),
            (["--to", "opnai"], "did you mean 'openai'?"),
            (["--rule", "peple"], "did you mean 'people'?"),
            (["--days", 0], "1 to 366 days"),
            (["--days", 400], "1 to 366 days"),
        ],
    )
    def test_senseless_requests_are_refused(
        self, call: Callable[..., Result], home: Path, words: list[Any], said: str
    ) -> None:
        result = self.ask(call, *words)
        assert (result.exit_code, said in result.output) == (2, True)
        assert (home / "policy.yaml").read_text(encoding="utf-8") == POLICY

    def test_without_a_file_it_says_how_to_make_one(self, call: Callable[..., Result], home: Path) -> None:
        (home / "policy.yaml").unlink()
        result = self.ask(call)
        assert result.exit_code == 2
        assert "dragoman policy new --out" in result.output


class TestFiles:
    def test_new_writes_a_file_that_holds(self, call: Callable[..., Result], tmp_path: Path) -> None:
        out = tmp_path / "new.yaml"
        assert call("new", "--app", "chat", "--to", "mistral", "--out", out).exit_code == 0
        assert call("lint", out).exit_code == 0
        assert call("test", out).exit_code == 0
        again = call("new", "--app", "chat", "--out", out)
        assert (again.exit_code, "exists already" in again.output) == (2, True)

    def test_new_observe_ends_and_is_approved(self, call: Callable[..., Result], tmp_path: Path) -> None:
        out = tmp_path / "observe.yaml"
        assert call("new", "observe", "--app", "chat", "--approved-by", "dpo", "--out", out).exit_code == 0
        observe = read(out).policy.observe
        assert observe is not None
        assert (observe.until - today_utc()).days == 14
        assert call("new", "observe", "--app", "chat").exit_code == 2
        assert call("new", "elsewhere").exit_code == 2

    def test_diff_tells_meaning_and_exits_as_asked(self, call: Callable[..., Result], home: Path) -> None:
        old = home / "policy.yaml"
        new = home / "new.yaml"
        new.write_text(POLICY.replace("# A comment", "# Another").replace("  - {id: cards-stay", "  - {id: cards"))
        same = call("diff", old, new, "--exit-code")
        new.write_text(POLICY.replace("do: tokenize", "do: redact"))
        other = call("diff", old, new, "--exit-code")
        assert (same.exit_code, other.exit_code) == (0, 1)
        assert "tokenize -> redact" in other.output
        assert call("diff", old, new).exit_code == 0

    def test_fmt_changes_no_meaning_and_keeps_comments(self, call: Callable[..., Result], home: Path) -> None:
        path = home / "policy.yaml"
        path.write_text(POLICY.replace("  - {id", "- {id").replace("  - {name", "- {name"), encoding="utf-8")
        before = read(path).policy.digest
        assert call("fmt", path, "--check").exit_code == 1
        assert call("fmt", path).exit_code == 0
        assert call("fmt", path, "--check").exit_code == 0
        assert read(path).policy.digest == before
        assert "# A comment that edits keep." in path.read_text(encoding="utf-8")

    def test_show_resolves_everything(self, call: Callable[..., Result]) -> None:
        shown = orjson.loads(call("show", "--json").output)
        assert shown["destinations"]["openai"]["facts"]["retention"]["value"] == 30
        assert [rule["id"] for rule in shown["rules"]] == ["cards-stay", "people", "rest"]
        assert "cards-stay" in call("show").output

    def test_schema_is_json_schema(self, call: Callable[..., Result]) -> None:
        schema = orjson.loads(call("schema").output)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert "rules" in schema["required"]

    def test_facts_diff_and_accept_speak_of_pins(self, call: Callable[..., Result], home: Path) -> None:
        assert call("facts", "diff", "openai").exit_code == 0
        unknown = call("facts", "diff", "nowhere")
        assert (unknown.exit_code, "pins no destination" in unknown.output) == (2, True)
        assert call("facts", "accept", "openai", home / "policy.yaml").exit_code == 0


def test_simulate_without_a_log_says_so(call: Callable[..., Result]) -> None:
    result = call("simulate")
    assert (result.exit_code, "no audit log" in result.output) == (2, True)
