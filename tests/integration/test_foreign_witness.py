"""aics-witness, a witness that we did not write, cosigns our log while it runs; aics-tlog accepts what comes of it."""

import asyncio
import json
import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from audit.cli import app as audit
from audit.log import Ledger
from tests.audit.conftest import exchange_record

pytestmark = pytest.mark.outside

BIN = Path(__file__).parents[2] / ".venv-outside" / "bin"
WITNESS = BIN / "aics-witness"
VERIFIER = BIN / "aics-tlog"


class Foreign:
    """A witness in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self.vkey = re.findall(r"\S+\+[0-9a-f]{8}\+\S+", self.call("init", "--name", "witness.example/w1"))[-1]

    def call(self, command: str, *arguments: str) -> str:
        config = ("--config", str(self._folder / "witness.json"))
        done = subprocess.run([str(WITNESS), command, *config, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Its URL while it runs."""
        process = await asyncio.create_subprocess_exec(
            *(str(WITNESS), "serve", "--config", str(self._folder / "witness.json"), "--listen", "127.0.0.1:0"),
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"},
        )
        assert process.stderr is not None
        try:
            url = ""
            while not url:
                line = (await process.stderr.readline()).decode()
                assert line, "the witness did not start"
                found = re.search(r"listening on (http://\S+)", line)
                url = found[1] if found else ""
            yield url
        finally:
            process.terminate()
            await process.wait()


def latest(home: Path, kind: str) -> list[dict[str, Any]]:
    with sqlite3.connect(f"file:{home / 'audit.db'}?mode=ro", uri=True) as connection:
        return [json.loads(body) for (body,) in connection.execute("SELECT body FROM entry WHERE kind = ?", (kind,))]


async def witnessed(home: Path, n: int) -> None:
    """So many cosignatures are on the record; nobody signals that."""
    async with asyncio.timeout(150):
        while len(latest(home, "witness")) < n:
            await asyncio.sleep(0.01)


@pytest.fixture
def foreign(tmp_path: Path) -> Foreign:
    if not WITNESS.exists():
        pytest.skip("the foreign witness is not installed; run: make outside")
    return Foreign(tmp_path / "witness")


async def test_a_foreign_witness_cosigns_and_foreign_and_own_verifiers_accept(
    stand: Any, chat: Any, tmp_path: Path, foreign: Foreign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.outbound.witnesses.EVERY_S", 0.05)
    home = tmp_path / "home"
    ledger = Ledger.open(home)
    ledger._append_all(exchange_record() for _ in range(20))
    vkey = ledger.home.read_vkey()
    ledger.close()
    foreign.call("add-log", "--origin", vkey.name, "--vkey", str(vkey))
    async with foreign.serving() as url:
        (home / "witness.policy").write_text(f"witness w1 {foreign.vkey} {url}\nquorum w1\n")
        async with stand(home=home) as it, it.client("openai") as client:
            await witnessed(home, 1)
            await client.post("/v1/chat/completions", json=chat("hello"))
            await it.settled()
            await witnessed(home, 2)
    first, second = latest(home, "witness")[:2]
    assert first["name"] == "witness.example/w1"
    assert first["tree_size"] < second["tree_size"]
    (tmp_path / "auditor.vkey").write_text(f"{vkey}\n")
    for name, options in (("newest", ()), ("cosigned", ("--cosigned",))):
        run("export", "--home", home, "--out", tmp_path / name, *options)
        policy = tmp_path / name / "witness.policy"
        assert url not in policy.read_text()
        said = run("verify", "--export", tmp_path / name, "--policy", policy)
        assert "witnesses cosigned its first" in said
    assert accepted(tmp_path / "cosigned", tmp_path / "auditor.vkey", foreign.vkey)
    policy = tmp_path / "other.policy"
    other = Foreign(tmp_path / "another")
    policy.write_text(f"log {vkey}\nwitness w1 {foreign.vkey}\nwitness w2 {other.vkey}\ngroup g all w1 w2\nquorum g\n")
    said = run("verify", "--export", tmp_path / "newest", "--policy", policy, code=1)
    assert "no checkpoint here has the cosignatures" in said
    assert not accepted(tmp_path / "cosigned", tmp_path / "auditor.vkey", other.vkey)


async def test_a_foreign_witness_does_not_follow_a_log_that_was_rewritten(
    stand: Any, tmp_path: Path, foreign: Foreign
) -> None:
    """The owner of the machine, key included, rewrites the log and its published copy: the witness shows it."""
    home = tmp_path / "home"
    ledger = Ledger.open(home)
    vkey = ledger.home.read_vkey()
    ledger.close()
    shutil.copytree(home, tmp_path / "rewritten")
    foreign.call("add-log", "--origin", vkey.name, "--vkey", str(vkey))
    async with foreign.serving() as url:
        for place in (home, tmp_path / "rewritten"):
            (place / "witness.policy").write_text(f"witness w1 {foreign.vkey} {url}\nquorum w1\n")
        async with stand(home=home):
            await witnessed(home, 1)
        async with stand(home=tmp_path / "rewritten") as it:
            async with asyncio.timeout(150):
                while b'kind="witness_refused"' not in it.app.metrics.render():
                    await asyncio.sleep(0.01)
            assert b"witness_cosigned" not in it.app.metrics.render()
    assert latest(tmp_path / "rewritten", "witness") == []
    assert json.loads(foreign.call("evidence"))


def run(*arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(audit, [*map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.output


def accepted(export: Path, vkey: Path, witness: str) -> bool:
    """Whether aics-tlog accepts the checkpoint with a quorum of that one witness."""
    call = [str(VERIFIER), "verify-checkpoint", "--tiles", str(export), "--vkey-file", str(vkey)]
    call += ["--witness-key", witness, "--quorum", "1"]
    done = subprocess.run(call, capture_output=True, text=True, timeout=150, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode == 0
