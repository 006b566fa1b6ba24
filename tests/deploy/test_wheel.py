"""The wheel, built and unpacked: everything that git holds of the four packages is in it, and it runs without the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("proxy", "redaction", "audit", "policies")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = "import hatchling.build as b, sys; b.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=ROOT, check=True, capture_output=True, timeout=200)
    (made,) = folder.glob("dragoman-*.whl")
    return made


def test_nothing_is_left_out_and_nothing_else_is_in(wheel: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("only a checkout knows which files belong to it")
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", *PACKAGES]
    told = subprocess.run(asked, cwd=ROOT, check=True, capture_output=True, text=True, timeout=150).stdout
    there = {name for name in told.split("\0") if name and (ROOT / name).exists()}
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == there


def test_it_runs_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """Data files and migrations are found: names in lists, bundled policies, three databases."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
        entry = archive.read(next(name for name in archive.namelist() if name.endswith("entry_points.txt"))).decode()
    assert "dragoman = proxy.__main__:main" in entry
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed"), "DRAGOMAN_HOME": str(tmp_path / "home")}

    def dragoman(*words: str, given: str = "") -> str:
        start = "import sys, proxy; from proxy.cli import main; print(proxy.__file__, file=sys.stderr); main()"
        done = subprocess.run([sys.executable, "-P", "-c", start, *words], input=given, capture_output=True, text=True,
                              cwd=tmp_path, env=environment, timeout=200, check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stderr.startswith(str(tmp_path / "installed"))
        return done.stdout

    said = "Frau Katharina Lindner, k.lindner@example.com"
    replaced = dragoman("redact", "--detectors", "patterns,names", given=said)
    assert "Lindner" not in replaced
    assert "example.com" not in replaced
    assert dragoman("restore", given=replaced).strip() == said
    assert "drg_" in dragoman("app", "add", "messenger", "--json")
    assert "strict" in dragoman("policy", "show", "bundled:strict")
