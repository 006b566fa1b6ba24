"""docs/guides/add-a-part.md, followed to the letter in a copy of the three leaves: each new part is there and works."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.proxy.formats.test_guide import apply, blocks

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "guides" / "add-a-part.md").read_text(encoding="utf-8")
NEW = {
    "redaction/recognizers/parley.py",
    "redaction/operators/initials.py",
    "audit/reports/kinds.py",
    "audit/formats/brief.py",
}
USE = """
from datetime import UTC, datetime
from pathlib import Path
import sys

import orjson

from audit.questions import explain
from audit.formats import NAMES as FORMATS
from audit.formats.base import Place
from audit.reports import NAMES as REPORTS
from audit.reports.terms import TERMS
from audit.reports.texts import Language, Texts
from audit.values import Operator as Recorded
from policies.load import loads
from policies.model import FindingFacts, PolicyInput
from policies.outcome import _STRENGTH
from redaction import operators
from redaction.recognizers import ALL
from redaction.recognizers.base import Page

assert Path(operators.__file__).is_relative_to(sys.argv[1]), "the copy is what is imported"

member = next(one for one in ALL if one.name == "parley_member")
text = "PM-1234566, not PM-1234567"
assert [text[found.start : found.end] for found in member.find(Page(text, "en"))] == ["PM-1234566"]

policy = loads('''
version: 1
name: t
unknown_applications: allow
destinations: {openai: {extends: "bundled:openai@2026-11-23"}}
rules:
  - {id: short, when: {entity: PERSON}, do: initials}
  - {id: rest, do: allow}
''')
facts = (FindingFacts("PERSON", segment_kind="user"),)
decided = policy.decide(PolicyInput("", "openai", datetime(2026, 11, 26, tzinfo=UTC), facts))
(operator,) = {str(part.operator) for part in decided.decisions}
assert operators.named(operator).apply("PERSON", "Anna Schmidt", {}, b"") == "A. S."
assert Recorded(operator) and operator in explain._DONE and operator in TERMS and operator in _STRENGTH

report = REPORTS["kinds"]
for language in Language:
    (section,) = report.sections({"found": {"PERSON": 2}}, Texts(language, report.texts))
    assert section.tables[0].rows[0][1] == "2"
assert FORMATS["brief"].line(orjson.dumps({"kind": "key"}), Place("log", 7, "ab")) == b"7 key ab"
"""


def test_each_part_of_the_page_is_one_file_with_the_entries_that_stand_there(tmp_path: Path) -> None:
    for name in ("redaction", "audit", "policies"):
        leave = shutil.ignore_patterns("__pycache__", "models", "data", "train")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=leave)
    for name in ("models", "data"):
        (tmp_path / "redaction" / name).symlink_to(ROOT / "redaction" / name)
    made = set()
    for path, language, text in blocks(GUIDE):
        target = tmp_path / path
        if language == "diff":
            target.write_text(apply(text, target.read_text(encoding="utf-8")), encoding="utf-8")
        else:
            assert not target.exists(), path
            target.write_text(text, encoding="utf-8")
            made.add(path)
    assert made == NEW
    done = subprocess.run(
        [sys.executable, "-c", USE, str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    written = [str(tmp_path / path) for path in sorted(made)]
    rules = ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    ruff = [str(Path(sys.executable).with_name("ruff"))]
    for command in (["check", *rules, *written], ["format", "--check", *rules, *written]):
        told = subprocess.run([*ruff, *command], capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stdout + told.stderr
