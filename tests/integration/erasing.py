"""What the tests of erasure share: who is erased, the commands as they are typed, what stands on the disk."""

import asyncio
import base64
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from proxy.cli import build
from redaction.vault import Scope, open_vault

MAIL = "anna.schmidt@example.com"
IBAN = "DE89 3704 0044 0532 0130 00"
ANNA, BEN = "anna-4711@messenger.example", "ben-0815@messenger.example"


def about(person: str, session: str = "s1") -> dict[str, str]:
    """The headers with which an app says whom a transfer concerns."""
    return {"dragoman-subject": person, "dragoman-session": session}


def vault_rows(it: Any, statement: str) -> list[Any]:
    with sqlite3.connect(f"file:{it.home / 'vault.db'}?mode=ro", uri=True) as connection:
        return connection.execute(statement).fetchall()


def dragoman(home: Path, *arguments: str, given: str | None = None) -> Any:
    """A command as it is typed, in this process."""
    command = [*arguments, "--home", str(home)]
    return CliRunner().invoke(build(command), command, input=given)


async def erase(it: Any, *arguments: str, given: str = f"{ANNA}\n") -> Any:
    """`dragoman erase` beside a running dragoman."""
    return await asyncio.to_thread(dragoman, it.home, "erase", "--subject", "-", *arguments, given=given)


def configure(it: Any, key: str = "env:FAKE_KEY") -> None:
    (it.home / "config.toml").write_text(
        f'[upstreams]\nopenai = "{it.fakes["openai"].url}"\n[provider_keys]\nopenai = "{key}"\n'
    )


def found(home: Path, identifier: str) -> list[Any]:
    done = dragoman(home, "audit", "query", "--subject", identifier, "--json")
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")] or (
        json.loads(done.stdout) if done.stdout.startswith("[") else []
    )


def spellings(text: str) -> Iterator[bytes]:
    """A text as it may hide in a file."""
    for cased in (text, text.lower(), text.upper(), text.replace(" ", "")):
        raw = cased.encode()
        yield from (raw, raw.hex().encode(), cased.encode("utf-16-le"), cased.encode("utf-16-be"))
        yield from (base64.b64encode(bytes(shift) + raw)[4:-4] for shift in range(3))
        for name in ("md5", "sha1", "sha256", "sha512"):
            digest = hashlib.new(name, raw).digest()
            yield from (digest, digest.hex().encode())


def files(home: Path, pattern: str = "*") -> bytes:
    return b"\0".join(path.read_bytes() for path in sorted(home.rglob(pattern)) if path.is_file())


def secrets(database: Path, *statements: str) -> list[bytes]:
    """Every blob that these statements select."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return [bytes(cell) for one in statements for row in connection.execute(one) for cell in row if cell]


OF_ANNA = """
    SELECT {} FROM vault_scope WHERE id IN (
      SELECT scope FROM vault_person WHERE ref = (
        SELECT p.ref FROM vault_person p JOIN vault_scope s ON s.id = p.scope ORDER BY s.created LIMIT 1))
    ORDER BY created
"""
SEALED_OF_ANNA = f"SELECT sealed FROM vault_mapping WHERE scope IN ({OF_ANNA.format('id')})"
REFERENCE_KEYS = "SELECT key FROM reference WHERE space <> 'actor'"


def bind(it: Any, *object_ids: str) -> None:
    """What the format of a stored answer does: ties what the provider keeps to the conversation."""
    (scope_id,) = vault_rows(it, OF_ANNA.format("id"))[0]
    vault = open_vault(it.home)
    for object_id in object_ids:
        vault.bind("openai", object_id, [Scope(scope_id, "session", "openai", 8, b"", b"")], "")
    vault.close()
