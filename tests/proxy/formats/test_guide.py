"""docs/guides/add-a-format.md, followed to the letter in a copy of the project."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from policies.load import read_text
from proxy.formats import ALL

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "guides" / "add-a-format.md").read_text(encoding="utf-8")
BASE = "version: 1\nname: guide\nunknown_applications: allow\nrules: [{id: rest, do: allow}]\n"


def blocks(guide: str) -> list[tuple[str, str, str]]:
    """(path, language, text) of every block that a line names a file for."""
    return re.findall(r"^`([\w/.]+)`[:;][^\n]*\n(?:[^\n`]+\n)*\n```(\w+)\n(.*?)^```$", guide, re.M | re.S)


def files() -> dict[str, tuple[str, str]]:
    """Path -> (language, text) of what the guide puts into a file."""
    return {path: (language, text) for path, language, text in blocks(GUIDE)}


def apply(hunks: str, text: str) -> str:
    """The lines with `+` put into the text and those with `-` taken out, where they and the others stand exactly once."""
    for hunk in hunks.split("@@\n"):
        lines = hunk.splitlines()
        before = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
        assert text.count(before) == 1, f"the guide puts an entry where the registry has no such place:\n{hunk}"
        text = text.replace(before, "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-")))
    return text


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a new format touches; everything else is the project's own."""
    folder = tmp_path_factory.mktemp("guide")
    itself = shutil.ignore_patterns("test_guide.py")
    for name in ("proxy", "tests/proxy/formats", "docs"):
        shutil.copytree(ROOT / name, folder / name, ignore=itself)
    own = (path.relative_to(ROOT) for path in (ROOT / "tests").glob("*.py"))
    for name in ("audit", "policies", "redaction", "pyproject.toml", ".venv-outside", *own):
        (folder / name).symlink_to(ROOT / name)
    for path, (language, text) in files().items():
        target = folder / path
        assert target.exists() == (language == "diff"), f"{path}: a file is new, an entry goes into one that is there"
        target.write_text(apply(text, target.read_text()) if language == "diff" else text)
    return folder


def test_one_file_and_one_entry_are_all_and_the_checks_pass(copy: Path) -> None:
    assert [path for path in files() if path.startswith("proxy/")] == [
        "proxy/formats/parley.py",
        "proxy/formats/__init__.py",
    ]
    commands = re.findall(r"^    \.venv/bin/(.*)$", GUIDE, re.M)
    assert len(commands) == 4
    page = copy / "docs" / "formats.md"
    assert "## parley\n" not in page.read_text()
    said = ""
    for line in commands:
        # In the copy's folder, so that its packages are the ones that are imported.
        words = shlex.split(line)
        program = sys.executable if words[0] == "python" else str(Path(sys.executable).with_name(words[0]))
        done = subprocess.run(
            [program, *words[1:], *(("-p", "no:cacheprovider") if "pytest" in words else ())],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy), "RUFF_NO_CACHE": "true"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        said = done.stdout
    assert "10 passed" in said, "its own five, and five that hold for every format"
    assert "| talk | POST | `/parley/v1/talk` | inspected | sse | no |" in page.read_text()
    assert "media: `turns/*/picture`" in page.read_text()


def test_the_guides_provider_is_nobody_here_and_its_destination_is_one() -> None:
    assert "parley" not in {item.name for item in ALL}
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.M | re.S)
    destination = read_text(BASE + block).policy.destinations["parley"]
    assert destination.format_for("/parley/v1/talk") == "parley"


def test_what_else_the_guide_names_is_there() -> None:
    named = {"tests/integration/conformance/table.py", "proxy/fakes/", "proxy/bench/wire.py", "proxy/formats/core.py"}
    named |= {"tests/integration/test_more_sdks.py", "proxy/formats/session.py", "tests/proxy/formats/test_guide.py"}
    for path in named:
        assert f"`{path}`" in GUIDE
        assert (ROOT / path).exists()
