"""The schema and its page: they say what the encoder writes, and the page in docs is the one the program makes."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from audit import schema
from audit.canonical import KINDS, Stamp, entry, facts
from audit.cli import app
from audit.fields import table

PAGE = Path(__file__).parents[2] / "docs" / "audit-record.md"


def test_the_page_in_docs_is_the_one_the_program_makes() -> None:
    assert PAGE.read_text() == schema.page(), "run: dragoman audit schema --page > docs/audit-record.md"


def test_every_field_of_every_kind_is_on_the_page() -> None:
    sections = dict(part.split("\n", 1) for part in schema.page().split("\n## ")[1:])
    for name, kind in KINDS.items():
        for rule in table(kind).rules:
            assert f"| `{rule.name}` |" in sections[name]
    for line in schema.page().splitlines():
        for target in [part.split(")")[0] for part in line.split("](#")[1:]]:
            assert f"### {target}\n" in schema.page().lower()


def test_the_schema_allows_exactly_the_fields_that_an_entry_has(transfer, blocked, outcome) -> None:
    by_kind = {one["title"]: one for one in schema.schema()["oneOf"]}
    assert set(by_kind) == set(KINDS)
    sent = transfer(subject="A" * 22, session="S" * 22)
    for record in (sent, blocked(), outcome(sent)):
        found = facts(entry(record, Stamp("local", "A" * 26, 0)))
        kind = by_kind[record.kind]
        assert set(found) <= set(kind["properties"])
        assert set(kind["required"]) <= set(found)
        assert kind["additionalProperties"] is False


@pytest.mark.parametrize("arguments", [[], ["--page"]])
def test_the_command_prints_either(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, ["schema", *arguments])
    assert done.exit_code == 0
    assert done.stdout == schema.page() if arguments else json.loads(done.stdout) == schema.schema()
