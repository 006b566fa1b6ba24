"""`dragoman demo`: the whole story offline, through the same code as `dragoman run`, in a temporary home.

Fake providers on loopback, made-up people; nothing of it stays on the disk.
"""

import asyncio
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer
from rich.columns import Columns
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from audit.errors import LedgerError
from proxy.app import App
from proxy.config import Settings, parse_origin
from proxy.demo_texts import PLANTED, conversation
from proxy.fakes.server import FakeProvider


def demo(
    text: Annotated[str | None, typer.Option(help="A sentence of your own.")] = None,
) -> None:
    """What the app sends, what the provider gets, what comes back, the record and its proof. No network, no key.

    Example: dragoman demo --text "I am Anna Schmidt, anna@example.com"
    """
    raise typer.Exit(asyncio.run(_demo(Console(highlight=False), text)))


async def _demo(out: Console, text: str | None) -> int:
    with tempfile.TemporaryDirectory(prefix="dragoman-demo-") as folder:
        async with FakeProvider("openai", chunk=9) as fake:
            settings = Settings(
                home=Path(folder) / "home", listen="127.0.0.1:0", admin="127.0.0.1:0", modes=(), workers=1
            )
            upstreams = MappingProxyType({"openai": parse_origin(fake.url, what="openai")})
            app = App(replace(settings, upstreams=upstreams))
            out.print("starting dragoman on a temporary home; models are loaded …")
            addresses = await app.start()
            try:
                base = f"http://{addresses.gateway[0]}:{addresses.gateway[1]}/openai/v1/chat/completions"
                await _story(out, app, fake, base, text)
                await _broken_log(out, app, fake, base)
            finally:
                await app.close()
        return _tampering(out, Path(folder))


async def _story(out: Console, app: App, fake: FakeProvider, base: str, text: str | None) -> None:
    import httpx
    import orjson

    messages = [{"role": "user", "content": text}] if text else conversation()
    question = {"role": "user", "content": "Explain: " + " ".join(message["content"] for message in messages[:6])}
    body = {"model": "fake-echo", "stream": True, "messages": messages if text else [*messages, question]}
    out.rule(f"1. the app asks for an explanation of {len(messages)} message(s), streamed")
    answer, transfer = "", ""
    async with (
        httpx.AsyncClient(trust_env=False, timeout=60) as client,
        client.stream("POST", base, json=body) as response,
    ):
        transfer = response.headers["dragoman-transfer"]
        async for line in response.aiter_lines():
            if line.startswith("data: {"):
                for choice in orjson.loads(line[6:])["choices"]:
                    answer += choice["delta"].get("content") or ""
    got = orjson.loads(fake.received[0].body)["messages"]
    shown = len(messages) if text else 6
    out.print(
        Columns(
            [
                Panel("\n".join(item["content"] for item in messages[:shown]), title="what the app sent"),
                Panel(
                    "\n".join(item["content"] for item in got[:shown]).replace("[", r"\["),
                    title="what the provider received",
                ),
            ],
            equal=True,
            expand=True,
        )
    )
    out.print(Panel(answer, title="what the app got back (streamed, restored)"))
    if not text:
        sent = fake.received[0].body.decode()
        out.print(
            f"planted values that reached the provider: {sum(value in sent for value in PLANTED)} of {len(PLANTED)}"
        )
    while app.gate.open_transfers:  # noqa: ASYNC110 (the outcome is written after the answer)
        await asyncio.sleep(0.01)
    out.rule("2. the record, and its proof")
    _audit(out, app.settings.home, "show", transfer)
    _audit(out, app.settings.home, "verify")


async def _broken_log(out: Console, app: App, fake: FakeProvider, base: str) -> None:
    import httpx

    out.rule("3. the log is made to fail: nothing leaves")

    async def fail(_record: Any) -> Any:
        raise LedgerError("the disk is full (demo)", code="ledger_failed")

    before, append = len(fake.received), app.ledger.append
    setattr(app.ledger, "append", fail)  # noqa: B010 (a failure on purpose)
    body = {"model": "fake-echo", "messages": [{"role": "user", "content": "I am anna@example.com"}]}
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.post(base, json=body)
    setattr(app.ledger, "append", append)  # noqa: B010
    out.print(
        f"answer {response.status_code}, {response.headers['dragoman-reason']}: {response.json()['error']['message']}"
    )
    out.print(f"requests that reached the provider: {len(fake.received) - before}")


def _tampering(out: Console, folder: Path) -> int:
    out.rule("4. one byte of the exported log is changed: the entry is named")
    export, vkey = folder / "export", folder / "home" / "keys" / "audit-log.vkey"
    _run("audit", "export", "--format", "tiles", "--out", str(export), "--home", str(folder / "home"))
    shutil.copy(vkey, folder / "log.vkey")
    entries = max(
        (export / "tile" / "entries").rglob("*"), key=lambda path: path.stat().st_size if path.is_file() else 0
    )
    data = bytearray(entries.read_bytes())
    data[len(data) // 2] ^= 1
    entries.write_bytes(bytes(data))
    result = _run(
        "audit", "verify", "--export", str(export), "--vkey", str(folder / "log.vkey"), "--home", str(folder / "home")
    )
    out.print((result.stdout + result.stderr).strip())
    table = Table(show_header=False)
    table.add_row("verification of the changed log", "refused" if result.returncode == 1 else "NOT refused")
    out.print(table)
    return 0 if result.returncode == 1 else 1


def _audit(out: Console, home: Path, *arguments: str) -> None:
    result = _run("audit", *arguments, "--home", str(home))
    out.print((result.stdout or result.stderr).strip(), markup=False)


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 (our own command, no shell)
        [sys.executable, "-c", "from proxy.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
