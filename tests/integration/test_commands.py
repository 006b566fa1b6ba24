"""The commands of a newcomer, as they are typed: run, demo, doctor. Real processes, real models."""

import asyncio
import io
import json
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from proxy.commands import demo
from proxy.config import Settings

DRAGOMAN = (sys.executable, "-c", "from proxy.cli import main; main()")


def dragoman(*arguments: str, code: int = 0) -> str:
    done = subprocess.run([*DRAGOMAN, *arguments], check=False, capture_output=True, text=True, timeout=280)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


async def test_run_says_ready_when_it_is_and_never_before(tmp_path: Path) -> None:
    home = tmp_path / "home"
    arguments = ("run", "--home", str(home), "--mode", "none", "--listen", "127.0.0.1:0")
    process = await asyncio.create_subprocess_exec(
        *(*DRAGOMAN, *arguments, "--admin", "127.0.0.1:0", "--console", "off", "--workers", "1"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    told = await process.stdout.readuntil(b"dragoman is ready")
    told += await process.stdout.readuntil(b"/demo/v1/chat/completions")
    url = told.split()[-1].decode()
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        body = {"model": "echo", "messages": [{"role": "user", "content": "I am Anna Schmidt, +49 171 2345678"}]}
        answer = await client.post(url, json=body)
    assert answer.status_code == 200
    assert "Anna Schmidt, +49 171 2345678" in answer.text
    process.terminate()
    _, err = await process.communicate()
    assert process.returncode == 0
    assert f"curl -s {url}".encode() in told
    assert b"Traceback" not in err
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    for path in (*(home / "keys").glob("*.key"), *home.glob("*.db"), home / "ca" / "mitmproxy-ca.pem"):
        if path.exists():
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path.name


def test_it_says_its_version() -> None:
    assert dragoman("--version") == f"dragoman {version('dragoman')}\n"


def test_run_with_a_broken_policy_says_where_and_nothing_else(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nrulez: []\n")
    home = tmp_path / "home"
    said = dragoman("run", "--home", str(home), "--mode", "none", "--console", "off", "--policy", str(policy), code=2)
    assert f"{policy}:2:1" in said
    assert "rules" in said


def test_demo_tells_the_whole_story() -> None:
    told = dragoman("demo")
    assert re.search(r"of 21 names, numbers and addresses in it, 0 reached the provider", told)
    for said in (
        "what the app sent",
        "[PERSON_",
        "Purpose explain-conversations; controller Example Messenger Ltd",
        "holds: ",
        "requests that reached the provider: 0",
        "does not hold: entry 3 is not the one that was signed",
    ):
        assert said in told.replace("\n", " ") or said in told
    assert told.count("Gartenstraße 12a") == 2, "once as sent, once as it came back"


async def test_demo_takes_a_sentence_of_the_visitor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here, and by patterns alone: the whole of it is above."""
    monkeypatch.setattr(demo, "Settings", partial(Settings, detectors=("patterns",)))
    out = io.StringIO()
    console = Console(file=out, width=100, highlight=False)
    assert await demo.told(console, "Write to [b]maria.gonzalez@example.org[/b] please") == 0
    assert out.getvalue().count("[b]maria.gonzalez@example.org[/b]") == 2
    assert "[b][EMAIL_ADDRESS_" in out.getvalue()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home as `run` leaves it, without a process in it."""
    from audit.log import Ledger
    from proxy.control.store import ControlStore
    from redaction.vault import open_vault

    home = tmp_path_factory.mktemp("installed") / "home"
    Ledger.open(home, node="test").close()
    ControlStore.at(home).close()
    open_vault(home).close()
    return home


def _open_key(home: Path) -> None:
    next((home / "keys").glob("audit-log*.key")).chmod(0o644)


def _damage(home: Path) -> None:
    (home / "control.db").write_bytes(b"no database any more" * 400)


def _break_policy(home: Path) -> None:
    (home / "policy.yaml").write_text("version: 1\nrulez: []\n")


def _open_home(home: Path) -> None:
    home.chmod(0o755)


def _no_model(home: Path) -> None:
    (home / "config.toml").write_text('languages = ["en", "fr"]\n')


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        (_open_key, "keys"),
        (_damage, "control.db"),
        (_break_policy, "policy"),
        (_open_home, "home"),
        (_no_model, "detection"),
    ],
)
def test_doctor_names_the_fault_and_says_what_to_do(
    installed: Path, tmp_path: Path, fault: Callable[[Path], None], named: str
) -> None:
    import shutil

    home = tmp_path / "home"
    shutil.copytree(installed, home)
    home.chmod(0o700)
    fault(home)
    checks = json.loads(dragoman("doctor", "--home", str(home), "--json", code=1))
    assert [check["name"] for check in checks if not check["ok"]] == [named]
    assert next(check["advice"] for check in checks if not check["ok"])


def test_doctor_finds_nothing_in_a_good_installation(installed: Path) -> None:
    dragoman("doctor", "--home", str(installed))
