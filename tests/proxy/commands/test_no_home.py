"""A question about a home that does not exist says so and makes none."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from proxy.cli import build

QUESTIONS = (
    "token list", "token revoke 3f9a1c20", "app list", "approval list", "policy history", "policy proposals",
    "compare list", "vault stats", "vault shred x", "vault purge", "vault rotate", "vault reveal list", "stop openai",
    "erase --subject x --dry-run", "restore",
)  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_makes_no_home(tmp_path: Path, question: str) -> None:
    home = tmp_path / "misspelt"
    command = [*question.split(), "--home", str(home)]
    done = CliRunner().invoke(build(command), command, input="text")
    said = f"{done.output}{done.exception}"
    assert done.exit_code != 0
    assert str(home) in said
    assert "--home" in said
    assert not home.exists()
