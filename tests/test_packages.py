"""What is installed beside us: nobody else owns our package names, and no placeholder of a squatter is in the locks."""

import ast
import importlib
import re
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["proxy", "redaction", "audit", "policies"])
def test_a_package_of_ours_is_ours_and_nobody_elses(name: str) -> None:
    found = importlib.import_module(name).__path__
    assert [Path(path).resolve() for path in found] == [ROOT / name]
    owners = {
        distribution.name
        for distribution in distributions()
        for path in distribution.files or ()
        if path.parts[:1] == (name,)
    }
    assert owners <= {"dragoman"}


@pytest.mark.parametrize("lock", ["dev.lock", "outside.lock"])
def test_every_pin_has_hashes_and_none_is_a_squatters_placeholder(lock: str) -> None:
    text = (ROOT / "locks" / lock).read_text()
    pins = re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", text, re.MULTILINE)
    assert len(pins) > 5
    assert not [pin for pin in pins if pin[1].startswith("999.")]
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert not [block.split()[0] for block in blocks if "--hash=sha256:" not in block]


def test_every_folder_of_modules_says_what_it_is_for() -> None:
    rooms = [
        path for name in ("proxy", "redaction", "audit", "policies") for path in (ROOT / name).rglob("__init__.py")
    ]
    assert len(rooms) > 30
    assert not [str(path) for path in rooms if not ast.get_docstring(ast.parse(path.read_text()))]
