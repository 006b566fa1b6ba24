"""The story that `dragoman demo` tells, act by act, on a running dragoman and a fake provider.

Everything shown was sent, received, recorded or refused in front of the reader; nothing is prepared. Texts are shown
as they are, never as markup.
"""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from audit.errors import LedgerError
from proxy.app import App
from proxy.demo.texts import PLANTED, SHOWN, conversation
from proxy.fakes.hold import Hold
from proxy.fakes.server import FakeProvider

PATH = "/openai/v1/chat/completions"
SUBJECT = "annika.lindner@example.org"
PACE_S = 0.02
"""Between two events of the fake's stream, where somebody watches."""


@dataclass(slots=True)
class Shown:
    """What the first act shows, as far as it is known: the messages sent, those received, the answer up to now."""

    sent: Sequence[str]
    received: Sequence[str] = ()
    answer: str = ""

    def __rich__(self) -> Group:
        side_by_side = Table.grid(expand=True)
        side_by_side.add_column(ratio=1)
        side_by_side.add_column(ratio=1)
        side_by_side.add_row(
            Panel(Text("\n".join(self.sent)), title="what the app sent"),
            Panel(Text("\n".join(self.received)), title="what the provider received"),
        )
        return Group(side_by_side, Panel(Text(self.answer), title="what the app gets back, streamed and restored"))


async def explained(out: Console, app: App, fake: FakeProvider, base: str, text: str | None) -> str:
    """Act 1: a conversation is explained. Returns the id of the transfer."""
    messages = [{"role": "user", "content": text}] if text else conversation()
    body = {"model": "fake-echo", "stream": True, "messages": messages}
    out.rule(f"1. a model explains {'a sentence of yours' if text else 'a conversation'}")
    if not text:
        out.print(f"a group conversation of {len(messages) - 1} messages; these are {SHOWN} of them")
    shown = Shown([message["content"] for message in messages[:SHOWN]])
    headers = {"dragoman-subject": SUBJECT}
    with Live(shown, console=out, refresh_per_second=20, vertical_overflow="visible"):
        async with (
            httpx.AsyncClient(trust_env=False, timeout=60) as client,
            client.stream("POST", base + PATH, json=body, headers=headers) as response,
        ):
            transfer = response.headers["dragoman-transfer"]
            async for line in response.aiter_lines():
                if line.startswith("data: {"):
                    got = orjson.loads(fake.received[0].body)["messages"]
                    shown.received = [message["content"] for message in got[:SHOWN]]
                    deltas = [choice["delta"].get("content") for choice in orjson.loads(line[6:])["choices"]]
                    shown.answer += "".join(delta or "" for delta in deltas)
    if not out.is_terminal:
        out.print()
    if not text:
        sent = fake.received[0].body.decode()
        reached = sum(value in sent for value in PLANTED)
        out.print(f"of {len(PLANTED)} names, numbers and addresses in it, {reached} reached the provider")
    return transfer


async def pace(hold: Hold) -> None:
    """Lets the fake's events go one by one, for ever, so that a person sees the stream."""
    while True:
        hold.release()
        await asyncio.sleep(PACE_S)


async def recorded(out: Console, app: App, transfer: str) -> None:
    """Act 2: the record of it as a story, and the proof."""
    while app.gate.open_transfers:  # noqa: ASYNC110 (the outcome is written after the answer)
        await asyncio.sleep(0.01)
    out.rule("2. the record, and its proof")
    for arguments in (("show", transfer), ("verify",)):
        result = await asyncio.to_thread(command, "audit", *arguments, "--home", str(app.settings.home))
        out.print(Text((result.stdout or result.stderr).strip()))


async def refused(out: Console, app: App, fake: FakeProvider, base: str) -> None:
    """Act 3: the log fails, and nothing leaves."""
    out.rule("3. the log is made to fail: nothing leaves")

    async def fail(_record: Any, **_: Any) -> Any:
        raise LedgerError("the disk is full (demo)", code="ledger_failed")

    before, append = len(fake.received), app.ledger.append
    setattr(app.ledger, "append", fail)  # noqa: B010 (a failure on purpose)
    body = {"model": "fake-echo", "messages": [{"role": "user", "content": "I am anna@example.com"}]}
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.post(base + PATH, json=body)
    setattr(app.ledger, "append", append)  # noqa: B010
    out.print(Text(f"the app gets {response.status_code}: {response.json()['error']['message']}"))
    out.print(f"requests that reached the provider: {len(fake.received) - before}")


def tampered(out: Console, folder: Path) -> bool:
    """Act 4: one byte of an exported log is flipped. Whether the verification refused it."""
    out.rule("4. one byte of the export is changed: it is named")
    home, export, vkey = folder / "home", folder / "export", folder / "log.vkey"
    command("audit", "export", "--format", "tiles", "--out", str(export), "--home", str(home))
    shutil.copy(home / "keys" / "audit-log.vkey", vkey)
    files = [path for path in (export / "tile" / "entries").rglob("*") if path.is_file()]
    entries = max(files, key=lambda path: path.stat().st_size)
    data = bytearray(entries.read_bytes())
    data[len(data) // 2] ^= 1
    entries.write_bytes(bytes(data))
    result = command("audit", "verify", "--export", str(export), "--vkey", str(vkey))
    out.print(Text((result.stdout + result.stderr).strip()))
    return result.returncode == 1


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """One of our own commands, as a user would type it."""
    return subprocess.run(  # noqa: S603 (our own command, no shell)
        [sys.executable, "-c", "from proxy.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
