"""docs/policies.md names every key of the language and every code of lint, and nothing that does not exist."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from policies.groups import GROUPS
from policies.language import schema, schema_senders

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")

SECTIONS: dict[str, type[BaseModel]] = {
    "The file": schema.PolicyFile,
    "`controllers`": schema.ControllerSection,
    "`purposes`": schema.PurposeSection,
    "`destinations`": schema.DestinationSection,
    "`applications`": schema_senders.ApplicationSection,
    "`tokens`": schema_senders.TokensSection,
    "`subject_flags`": schema_senders.SubjectFlagsSection,
    "`entities`": schema.EntitySection,
    "`rules`": schema.RuleSection,
    "`when`": schema.WhenSection,
    "`restore`": schema.RestoreSection,
    "`response`": schema.ResponseSection,
    "`exceptions`": schema.ExceptionSection,
    "`observe`": schema.ObserveSection,
    "`budgets`": schema.BudgetSection,
    "`cases`": schema.CaseSection,
}
INLINE: dict[str, list[type[BaseModel]]] = {
    "`when`": [schema.DestinationCondition, schema.SubjectCondition, schema.TimeCondition],
    "`cases`": [schema.CaseFinding, schema.CaseMedia],
    "`applications`": [schema_senders.IdentifySection],
    "`destinations`": [schema.CredentialSection, schema.FormatSection],
}


def keys(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def section(title: str) -> str:
    found = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^##)", TEXT, re.M | re.S)
    assert found is not None, title
    return found[1]


def rows(text: str) -> list[str]:
    """The first cells of a text's tables."""
    return re.findall(r"^\| `([a-z_]+)` \|", text, re.M)


def test_every_group_stands_there_with_its_types() -> None:
    _, _, text = TEXT.partition("## Groups of entity types\n")
    listed = re.findall(r"^\| `([a-z]+)` \| (.*) \|$", text.partition("\n## ")[0], re.M)
    assert {name: frozenset(re.findall(r"`(\w+)`", types)) for name, types in listed} == dict(GROUPS)


@pytest.mark.parametrize("title", SECTIONS)
def test_a_section_has_exactly_its_keys(title: str) -> None:
    listed = rows(section(title))
    assert len(listed) == len(set(listed))
    assert set(listed) == keys(SECTIONS[title])


def test_every_section_of_the_language_is_a_section_of_the_page() -> None:
    titles = set(re.findall(r"^### (.*)$", TEXT, re.M))
    assert titles == set(SECTIONS)


@pytest.mark.parametrize("title", INLINE)
def test_what_has_no_table_of_its_own_stands_in_a_row(title: str) -> None:
    text = section(title)
    for model in INLINE[title]:
        assert [key for key in keys(model) if not re.search(rf"\b{key}\b", text)] == []


def codes() -> dict[str, bool]:
    """Code -> whether it is a warning, as the source writes them."""
    found: dict[str, bool] = {}
    position = {"add": 2, "problem": 2, "_fail": 2, "Problem": 4, "fail": 2}
    for path in sorted((ROOT / "policies").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name: Any = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
            at = position.get(name)
            if at is None or len(node.args) <= at:
                continue
            value = node.args[at]
            if (
                isinstance(value, ast.Constant)
                and isinstance(value.value, str)
                and re.fullmatch("[a-z_]+", value.value)
            ):
                warning = any(word.arg == "warning" for word in node.keywords)
                found[value.value] = found.get(value.value, True) and warning
    return found


def test_every_code_of_the_source_is_explained() -> None:
    listed = rows(TEXT[TEXT.index("## What lint says") :])
    assert len(listed) == len(set(listed))
    assert set(codes()) - set(listed) == set()
    assert len(codes()) > 40, "codes are found in the source"


def test_every_code_that_is_explained_exists() -> None:
    files = [*(ROOT / "policies").rglob("*.py"), ROOT / "proxy" / "policy" / "source.py"]
    source = "".join(path.read_text(encoding="utf-8") for path in files)
    for code in rows(TEXT[TEXT.index("## What lint says") :]):
        assert f'"{code}"' in source, code


def test_warnings_stand_among_warnings() -> None:
    errors, _, warnings = TEXT[TEXT.index("## What lint says") :].partition("Warnings do not:")
    assert {code for code, warning in codes().items() if warning} <= set(rows(warnings))
    assert {code for code, warning in codes().items() if not warning} <= set(rows(errors))


def test_every_broken_file_has_a_code_that_is_explained() -> None:
    explained = set(rows(TEXT))
    for path in sorted((Path(__file__).parent / "broken").glob("*.txt")):
        for code in re.findall(r"^\S+?: .*\[([a-z_]+)\]$", path.read_text(encoding="utf-8"), re.M):
            assert code in explained, (path.name, code)
