"""The worked examples do what they say: no warning, every rule used by a case, every case holds, nothing unsupported."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from policies.cases import covered_rules, failing, run_cases
from policies.lint import lint
from policies.load import Loaded, read_text
from policies.model import FindingFacts
from policies.new import EXAMPLES
from policies.register import bundled_file
from proxy.commands.policy import app
from proxy.policy.own_entities import own_entities
from proxy.policy.source import check_examples, unsupported
from proxy.steps.policy_facts import EngineFacts
from redaction.settings import EngineSettings

TODAY = date(2026, 11, 24)


@pytest.fixture(params=EXAMPLES)
def example(request: pytest.FixtureRequest) -> Loaded:
    name = f"examples/{request.param}"
    return read_text(bundled_file(name), f"bundled:{name}", today=TODAY)


def engine(loaded: Loaded) -> EngineFacts:
    return EngineFacts(EngineSettings(("en", "de", "vi"), ("patterns",), {}, own=own_entities(loaded.policy.entities)))


def test_every_file_of_the_folder_is_named() -> None:
    folder = Path(__file__).parents[2] / "policies" / "bundled" / "examples"
    assert {path.stem for path in folder.glob("*.yaml")} == set(EXAMPLES)


def test_it_holds_without_a_warning_in_prod(example: Loaded) -> None:
    assert [problem.render() for problem in lint(example, TODAY)] == []
    assert check_examples(example) == []
    assert example.policy.environment == "prod"
    unsupported(example.policy)


def test_its_cases_hold_and_use_every_rule(example: Loaded) -> None:
    results = run_cases(example, engine(example), TODAY)
    assert [problem.message for problem in failing(results)] == []
    assert covered_rules(example.policy, results)[1] == []
    assert any(one.decision.action == "block" for one in results)


def test_its_cases_can_fail(example: Loaded) -> None:
    """With a detection that finds nothing, the cases that depend on a text fail."""

    def blind(text: str, *, kind: str, language: str) -> Sequence[FindingFacts]:
        return ()

    assert failing(run_cases(example, blind, TODAY))


def test_without_any_one_of_its_rules_some_case_fails(example: Loaded) -> None:
    """So a rule that somebody deletes by mistake is noticed before the file takes effect."""
    rules = example.file.rules
    find = engine(example)
    for rule in rules:
        text = bundled_file(f"examples/{example.policy.name}").decode()
        start = text.index(f"  - id: {rule.id}\n")
        following = min(
            text.index(mark, start + 1) for mark in ("\n  - id: ", "\nmedia: ") if mark in text[start + 1 :]
        )
        loaded = read_text(text[:start] + text[following + 1 :], today=TODAY)
        assert failing(run_cases(loaded, find, TODAY)), rule.id


def test_policy_new_writes_it_as_it_ships(example: Loaded, tmp_path: Path) -> None:
    out = tmp_path / "policy.yaml"
    assert CliRunner().invoke(app, ["new", example.policy.name, "--out", str(out)]).exit_code == 0
    assert out.read_bytes() == bundled_file(f"examples/{example.policy.name}")
