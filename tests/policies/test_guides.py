"""The guides say what is true: their commands exist, their YAML is the language, the three say the same."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from policies.load import read_text
from proxy.commands.policy import app
from proxy.policy.source import check_examples, unsupported

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
LANGUAGES = ("en", "de", "vi")

BASE = """\
version: 1
name: guide
purposes: {explain: {controller: us, basis: consent}}
controllers: {us: {name: Example Ltd}}
destinations: {openai: {extends: bundled:openai@2026-11-23}}
"""


@pytest.fixture(params=LANGUAGES)
def guide(request: pytest.FixtureRequest) -> str:
    return (GUIDES / f"policies.{request.param}.md").read_text(encoding="utf-8")


def blocks(text: str) -> list[str]:
    """The indented blocks of a guide, without their indent."""
    found = re.findall(r"(?:^    .*\n)+", text, re.M)
    return [re.sub(r"^    ", "", one, flags=re.M) for one in found]


def commands(text: str) -> list[list[str]]:
    """Words after `dragoman policy`, options without their values."""
    lines = [line.split("#")[0] for block in blocks(text) for line in block.splitlines()]
    return [line.removeprefix("dragoman policy ").split() for line in lines if line.startswith("dragoman policy ")]


def test_every_command_and_option_exists(guide: str) -> None:
    root: Any = typer.main.get_command(app)
    assert len(commands(guide)) >= 9
    for words in commands(guide):
        command = root.commands[words[0]]
        if words[0] == "facts":
            command = command.commands[words[1]]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, words


def test_its_yaml_is_a_policy_that_works(guide: str) -> None:
    who, consent, budgets, answers, own, *_ = (block for block in blocks(guide) if not block.startswith("dragoman"))
    text = BASE + who.replace("trust: {", "trust: {dragoman-flags: [credential], dragoman-subject: [credential], ")
    text += "  chat: {subject: /user, purpose: explain}\n" + own + re.sub(r"^trust:.*\n", "", consent, flags=re.M)
    text += "  - {id: rest, do: allow}\n" + budgets + answers
    loaded = read_text(text)
    unsupported(loaded.policy)
    assert check_examples(loaded) == []
    assert YAML(typ="safe").load(own)["entities"].keys() == {"ACCOUNT_NUMBER", "PROJECT"}


def test_what_is_missing_is_named(guide: str) -> None:
    for word in ("mirror", "compare"):
        assert word in guide.rpartition("## ")[2]


def test_the_three_guides_have_the_same_sections_and_commands() -> None:
    texts = [(GUIDES / f"policies.{language}.md").read_text(encoding="utf-8") for language in LANGUAGES]
    assert len({len(re.findall(r"^## ", text, re.M)) for text in texts}) == 1
    assert len({tuple(words[0] for words in commands(text)) for text in texts}) == 1
