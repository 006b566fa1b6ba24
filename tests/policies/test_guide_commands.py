"""The commands of the guides, typed as they stand there, one after the other: each does what the line says."""

import re
import shlex
import textwrap
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from audit.log import Ledger
from policies.load import loads, read
from policies.model import Action, FindingFacts, PolicyInput
from proxy.commands.policy import app
from redaction.detect import Engine
from redaction.detectors import build_engine
from redaction.settings import EngineSettings

_built: dict[str, Engine] = {}
"""Each command is a process of its own in life; here what loads for a second is loaded once for all of them."""
GUIDES = Path(__file__).parents[2] / "docs" / "guides"


def once(settings: EngineSettings) -> Engine:
    if repr(settings) not in _built:
        _built[repr(settings)] = build_engine(settings)
    return _built[repr(settings)]


def typed(language: str) -> list[list[str]]:
    """The words after `dragoman policy` of every line of a guide."""
    text = (GUIDES / f"policies.{language}.md").read_text(encoding="utf-8")
    lines = re.findall(r"^    dragoman policy (.*)$", text, re.M)
    return [shlex.split(line, comments=True) for line in lines]


@pytest.mark.parametrize("language", ["en", "de", "vi"])
def test_every_command_of_the_guide_works(language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRAGOMAN_HOME", str(home))
    monkeypatch.setenv("DRAGOMAN_DETECTORS", "patterns,names")
    monkeypatch.setattr("proxy.steps.policy_facts.build_engine", once)
    # What the guide has before it comes to these lines: a log, and the policy that was in force.
    Ledger.open(home).close()
    run: Any = CliRunner()
    told: dict[str, str] = {}
    for words in typed(language):
        if words[0] == "new":
            Path("policy.yaml").unlink(missing_ok=True)
        if words[0] == "lint":
            Path("policy.yaml").unlink()  # of the two ways to begin, the guide goes on with the first
            run.invoke(app, ["new", "messenger", "--out", str(home / "policy.yaml")])
        if words[0] == "enforce":
            assert read(Path(words[1])).policy.observe is not None
        for named in words:
            if named.endswith(".yaml") and words[0] != "new" and not Path(named).exists():
                run.invoke(app, ["new", "messenger", "--out", named])
        answer = run.invoke(app, words[: words.index(">")] if ">" in words else words)
        # Nothing was ever in force here, so there is nothing to go back to; everything else works.
        assert (answer.exit_code == 0) is (words[0] != "rollback"), (words, answer.output)
        told[" ".join(words[:2])] = answer.output
    assert "holds" in told["lint policy.yaml"]
    assert "PHONE_NUMBER" in told["explain policy.yaml"]
    assert orjson.loads(told["schema >"])["title"] == "dragoman policy"
    assert "takes effect" in told["propose policy.yaml"]
    assert "an exception from rule" in told["except Ada Lovelace"]
    assert read(home / "policy.yaml").policy.exceptions
    # What the six tasks are to show.
    assert read(Path("trial.yaml")).policy.observe is None
    assert "nothing is only observed any more" in told["enforce trial.yaml"]
    assert "tokenize" in told["enforce trial.yaml"]
    assert "people-become-placeholders" in told["explain new.yaml"]
    assert "people-become-placeholders" in told["explain --app"]


FRAGMENT = """\
version: 1
name: fragment
unknown_applications: allow
destinations:
  openai: {extends: bundled:openai@2026-11-23}
"""


@pytest.mark.parametrize("language", ["en", "de", "vi"])
def test_the_six_tasks_are_in_every_guide_and_their_files_do_what_is_said(language: str) -> None:
    text = (GUIDES / f"policies.{language}.md").read_text(encoding="utf-8")
    (tasks,) = re.findall(r"^## (?:Six tasks|Sechs Aufgaben|Sáu việc thường gặp)\n(.*?)^## ", text, re.M | re.S)
    assert len(re.findall(r"^\*\*", tasks, re.M)) == 6, tasks
    blocks = re.findall(r"^    destinations:\n(?:    .*\n)+", tasks, re.M)
    health, provider = (textwrap.dedent(one).removeprefix("destinations:\n") for one in blocks)
    end = "  - {id: people, when: {entity: any}, do: tokenize}\n  - {id: rest, when: {entity: none}, do: allow}\n"
    home = loads(FRAGMENT + health + end)
    now = datetime(2026, 11, 26, 12, tzinfo=UTC)
    decided = home.decide(PolicyInput("", "openai", now, (FindingFacts("HEALTH", segment_kind="user"),)))
    assert (decided.action, decided.rule_id) == (Action.ROUTE, "health-goes-home")
    assert "mistral" in loads(FRAGMENT + provider + "rules:\n" + end).destinations
    assert "dragoman audit explain --transfer " in tasks
