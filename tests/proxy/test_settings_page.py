"""docs/settings.md names every setting with the default that it has, and no other."""

import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import pytest

from proxy.config import Limits, Settings

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
NEVER_WRITTEN = {"home", "limits", "streams_folder"}


def listed(title: str) -> dict[str, str]:
    """Setting -> default as the page has it, "" for none, of the table with that first column."""
    table = PAGE.partition(f"| {title} |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:3]] for line in table.splitlines()[2:]]
    found: dict[str, str] = {}
    for names, defaults in rows:
        named, given = (re.findall(r"`([^`]+)`", cell) for cell in (names, defaults))
        found |= dict(zip(named, given if len(given) == len(named) else (given or [""]) * len(named), strict=True))
    return found


def in_toml(value: Any) -> str:
    """As one writes it in the file, "" for what is not set."""
    if isinstance(value, Mapping):
        return ", ".join(f"{{{name} = {in_toml(one)}}}" for name, one in value.items())
    if not value and not isinstance(value, bool | int):
        return ""
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def default_of(one: "Field[Any]") -> str:
    return in_toml(one.default if one.default is not MISSING else one.default_factory())  # type: ignore[misc]


@pytest.mark.parametrize(("title", "of", "without"), [("setting", Settings, NEVER_WRITTEN), ("limit", Limits, set())])
def test_every_setting_stands_on_the_page_with_its_default(title: str, of: type, without: set[str]) -> None:
    assert listed(title) == {one.name: default_of(one) for one in fields(of) if one.name not in without}


def test_links_of_the_page_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)", PAGE)
    assert targets
    assert not [one for one in targets if not (Path(__file__).parents[2] / "docs" / one).exists()]
