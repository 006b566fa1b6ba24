"""`dragoman redact`, `restore` and `vault`: the same engine and vault without the network.

Texts come in on standard input or from files and go out on standard output; the vault alone keeps what was replaced.
"""

import hmac
import json
import os
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from redaction.errors import RedactionError
from redaction.segment import Segment

Files = Annotated[list[Path] | None, typer.Argument(help="Files; `-` or none: standard input.")]
Home = Annotated[Path | None, typer.Option(help="Folder with vault and keys.", envvar="DRAGOMAN_HOME")]
ScopeName = Annotated[str, typer.Option("--scope", help="Texts of one scope share placeholders.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON lines with `id` and `text`, in and out.")]
Detectors = Annotated[str, typer.Option(help="Detectors, with commas.")]
Languages = Annotated[str, typer.Option(help="Languages, with commas.")]

vault = typer.Typer(help="The store of originals.", no_args_is_help=True)


def redact(
    files: Files = None,
    as_json: AsJson = False,
    findings: Annotated[bool, typer.Option("--findings", help="Print findings instead of replacing.")] = False,
    scope: ScopeName = "command",
    home: Home = None,
    detectors: Detectors = "patterns,names,presidio",
    languages: Languages = "en,de,vi",
) -> None:
    """Replace personal data by placeholders that `dragoman restore` puts back.

    Example: echo "Mail anna@example.com" | dragoman redact
    """
    from redaction.detectors import build_engine
    from redaction.settings import EngineSettings

    engine = build_engine(EngineSettings(tuple(languages.split(",")), tuple(detectors.split(","))))
    store = None if findings else _Store(home, scope)
    for item in _items(files, as_json):
        found = engine.detect([Segment("text", item["text"])])[0].findings
        if store is None:
            rows = [
                {"start": one.start, "end": one.end, "entity_type": one.entity_type, "score": round(one.score, 4)}
                for one in found
            ]
            _print({**item, "findings": rows})
            continue
        text = store.replaced(item["text"], found)
        if as_json:
            _print({**item, "text": text})
        else:
            sys.stdout.write(text)


def restore(files: Files = None, as_json: AsJson = False, scope: ScopeName = "command", home: Home = None) -> None:
    """Put the originals back in texts that `dragoman redact` replaced.

    Example: echo "Mail anna@example.com" | dragoman redact | dragoman restore
    """
    store = _Store(home, scope)
    for item in _items(files, as_json):
        text = store.restored(item["text"])
        if as_json:
            _print({**item, "text": text})
        else:
            sys.stdout.write(text)


class _Store:
    """One named scope of the home folder's vault."""

    def __init__(self, home: Path | None, name: str) -> None:
        from redaction.vault import open_vault

        folder = _home(home)
        self._vault = open_vault(folder)
        # A name that somebody chose may say something; the vault keeps its keyed hash.
        key = (folder / "keys" / "vault.key").read_bytes() if (folder / "keys" / "vault.key").exists() else b"env"
        ref = hmac.new(key, f"command\0{name}".encode(), sha256).hexdigest()
        self._scope = self._vault.open_scope(ref, kind="command")

    def replaced(self, text: str, found: Any) -> str:
        from redaction.transform import Decided, protect

        known = self._vault.restorable([self._scope])
        decided = [Decided(one) for one in found]
        made = protect(
            [(text, decided)], lambda items: self._vault.issue(self._scope, items), self._scope.token_key, known
        )
        return made.texts[0].text

    def restored(self, text: str) -> str:
        from redaction.restore import Restorable, Restorer

        tokens = self._vault.restorable([self._scope])
        return Restorer(Restorable(tokens, [text])).whole(text)


@vault.command()
def stats(home: Home = None, as_json: AsJson = False) -> None:
    """Counts of scopes, placeholders and bindings; never a value.

    Example: dragoman vault stats
    """
    from redaction.vault import open_vault

    found = open_vault(_home(home)).stats()
    data = {
        "scopes": sum(found.scopes.values()),
        "mappings": dict(found.mappings),
        "bindings": found.bindings,
        "expired": found.expired,
        "shredded": found.shredded,
        "keys": dict(found.keys),
    }
    if as_json:
        _print(data)
        return
    for name, value in data.items():
        typer.echo(f"{name:<10} {value}")


@vault.command()
def shred(scope: Annotated[str, typer.Argument(help="Scope, as the log names it.")], home: Home = None) -> None:
    """Destroy the keys of a scope: nothing under it can be put back any more.

    Example: dragoman vault shred 3f2a…
    """
    from redaction.vault import open_vault

    gone = open_vault(_home(home)).shred(scope)
    typer.echo("shredded" if gone else "there was nothing to shred")
    raise typer.Exit(0 if gone else 1)


@vault.command()
def purge(home: Home = None) -> None:
    """Shred what has expired.

    Example: dragoman vault purge
    """
    from redaction.vault import open_vault

    gone = open_vault(_home(home)).purge()
    typer.echo(f"{gone.scopes} scopes, {gone.mappings} placeholders, {gone.bindings} bindings")


@vault.command()
def rotate(home: Home = None) -> None:
    """Make a new key-encryption key and wrap every scope's keys with it.

    Example: dragoman vault rotate
    """
    from redaction.vault import SqlVault
    from redaction.vault.keys import FileRing

    folder = _home(home)
    ring = FileRing(folder / "keys")
    ring.begin_rotation()
    store = SqlVault(f"sqlite:///{folder / 'vault.db'}", ring)
    wrapped = store.rotate_kek()
    ring.retire(frozenset(store.stats().keys))
    typer.echo(f"{wrapped} scopes are under the new key")


def _home(given: Path | None) -> Path:
    if given is not None:
        return given
    from platformdirs import user_data_path

    return user_data_path("dragoman")


def _items(files: list[Path] | None, as_json: bool) -> Iterator[dict[str, Any]]:
    for path in files or [Path("-")]:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        text = data.decode("utf-8", "surrogateescape")
        if not as_json:
            yield {"id": os.fspath(path), "text": text}
            continue
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield _item(line, number)


def _item(line: str, number: int) -> dict[str, Any]:
    try:
        item = json.loads(line)
    except ValueError:
        item = None
    if not isinstance(item, dict) or not isinstance(item.get("text"), str):
        raise RedactionError(f"line {number} is no JSON object with a `text`", code="input")
    return item


def _print(data: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")
