"""`dragoman redact`, `restore` and `vault`: the same engine and vault without the network.

Texts come in on standard input or from files and go out on standard output; the vault alone keeps what was replaced.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from redaction import documents
from redaction.errors import RedactionError, VaultError
from redaction.segment import Segment

if TYPE_CHECKING:
    from redaction.detect import Engine
    from redaction.finding import SegmentFindings
    from redaction.vault import SqlVault

Files = Annotated[list[Path] | None, typer.Argument(help="Files; `-` or none: standard input.")]
Home = Annotated[Path | None, typer.Option(help="Folder with vault and keys.", envvar="DRAGOMAN_HOME")]
Database = Annotated[str, typer.Option(help="URL of the vault's database.", envvar="DRAGOMAN_DATABASE")]
ScopeName = Annotated[str, typer.Option("--scope", help="Texts of one scope share placeholders.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON lines with `id` and `text`, in and out.")]
Document = Annotated[bool, typer.Option("--document", help="Each file is one JSON document; its form stays.")]
Detectors = Annotated[str, typer.Option(help="Detectors, with commas.")]
Languages = Annotated[str, typer.Option(help="Languages, with commas.")]

vault = typer.Typer(help="The store of originals.", no_args_is_help=True)


def redact(
    files: Files = None,
    as_json: AsJson = False,
    document: Document = False,
    findings: Annotated[bool, typer.Option("--findings", help="Print findings instead of replacing.")] = False,
    scope: ScopeName = "command",
    home: Home = None,
    database: Database = "",
    detectors: Detectors = "patterns,names,chat,presidio",
    languages: Languages = "en,de,vi",
) -> None:
    """Replace personal data by placeholders that `dragoman restore` puts back.

    Example: echo "Mail anna@example.com" | dragoman redact
    """
    if document and (as_json or findings):
        raise RedactionError("--document goes with neither --json nor --findings", code="input")
    from redaction.detectors import build_engine
    from redaction.settings import EngineSettings

    engine = build_engine(EngineSettings(tuple(languages.split(",")), tuple(detectors.split(","))))
    if findings:
        _print_findings(engine, _paths(files), as_json=as_json)
        return
    with _vault(home, database, make=True) as opened:
        store = _Store(opened, scope)
        for item in documents.items(_paths(files), lines=as_json):
            text = item["text"]
            found = documents.pieces(text, item["id"]) if document else []
            segments = [piece.segment for piece in found] if document else [Segment("text", text)]
            new = store.replaced(segments, engine.detect(segments))
            if as_json:
                documents.write_line({**item, "text": new[0]})
            else:
                documents.write_text(documents.spliced(text, found, new) if document else new[0])


def restore(
    files: Files = None,
    as_json: AsJson = False,
    document: Document = False,
    scope: ScopeName = "command",
    home: Home = None,
    database: Database = "",
) -> None:
    """Put the originals back in texts that `dragoman redact` replaced.

    Example: echo "Mail anna@example.com" | dragoman redact | dragoman restore
    """
    with _vault(home, database) as opened:
        store = _Store(opened, scope)
        for item in documents.items(_paths(files), lines=as_json):
            text = store.restored(item["text"], document=document)
            if as_json:
                documents.write_line({**item, "text": text})
            else:
                documents.write_text(text)


def _print_findings(engine: "Engine", paths: Sequence[Path], *, as_json: bool) -> None:
    for item in documents.items(paths, lines=as_json):
        rows = [
            {"start": one.start, "end": one.end, "entity_type": one.entity_type, "score": round(one.score, 4)}
            for one in engine.detect([Segment("text", item["text"])])[0].findings
        ]
        documents.write_line({**item, "findings": rows})


class _Store:
    """One named scope of a vault; what is in it is read once."""

    def __init__(self, vault: "SqlVault", name: str) -> None:
        self._vault = vault
        self._scope = self._vault.open_scope(self._vault.reference("command", name), kind="command")
        self._known: Mapping[str, str] = self._vault.restorable([self._scope])

    def replaced(self, segments: Sequence[Segment], found: "Sequence[SegmentFindings]") -> list[str]:
        from redaction.settling import Decided
        from redaction.transform import protect

        texts = [
            (segment.text, [Decided(one) for one in result.findings])
            for segment, result in zip(segments, found, strict=True)
        ]
        made = protect(
            texts, lambda items: self._vault.issue(self._scope, items), self._scope.token_key, known=self._known
        )
        self._known = made.restorable
        return [one.text for one in made.texts]

    def restored(self, text: str, *, document: bool) -> str:
        from redaction.restore import Encoding, Restorable, Restorer

        # Nothing of this text came from a model, so every URL in it is one that was sent.
        restorer = Restorer(Restorable(self._known, [text]))
        return restorer.whole(text, Encoding.JSON if document else Encoding.PLAIN)


@vault.command()
def stats(
    home: Home = None,
    database: Database = "",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Counts of scopes, placeholders and bindings; never a value.

    Example: dragoman vault stats
    """
    with _vault(home, database) as store:
        found = store.stats()
    data = {
        "scopes": sum(found.scopes.values()),
        "mappings": dict(found.mappings),
        "bindings": found.bindings,
        "expired": found.expired,
        "shredded": found.shredded,
        "keys": dict(found.keys),
    }
    if as_json:
        documents.write_line(data)
        return
    for name, value in data.items():
        shown = (
            ", ".join(f"{key} {count}" for key, count in sorted(value.items())) if isinstance(value, dict) else value
        )
        typer.echo(f"{name:<10} {shown}")


@vault.command()
def shred(
    scope: Annotated[str, typer.Argument(help="Scope, as the log names it.")],
    home: Home = None,
    database: Database = "",
) -> None:
    """Destroy the keys of a scope: nothing under it can be put back any more.

    Example: dragoman vault shred 3f2a…
    """
    with _vault(home, database) as store:
        gone = store.shred(scope)
    typer.echo("shredded" if gone else "there was nothing to shred")
    raise typer.Exit(0 if gone else 1)


@vault.command()
def purge(home: Home = None, database: Database = "") -> None:
    """Shred what has expired.

    Example: dragoman vault purge
    """
    with _vault(home, database) as store:
        gone = store.purge()
    typer.echo(f"{gone.scopes} scopes, {gone.mappings} placeholders, {gone.bindings} bindings")


@vault.command()
def rotate(home: Home = None, database: Database = "") -> None:
    """Make a new key-encryption key and wrap every scope's keys with it.

    With DRAGOMAN_VAULT_KEY the new key is the one in it, the older ones stand in DRAGOMAN_VAULT_KEY_OLD. On PostgreSQL
    the older key's file stays, because another machine may still write under it (docs/operations.md).

    Example: dragoman vault rotate
    """
    from redaction.vault.keys import VARIABLE, FileRing

    if os.environ.get(VARIABLE):
        with _vault(home, database) as store:
            wrapped = store.rotate_kek()
        typer.echo(f"{wrapped} scopes are under the new key; {VARIABLE}_OLD is not needed any more")
        return
    with _vault(home, database):
        pass  # before anything changes: a vault that does not open keeps its key
    ring = FileRing(_home(home) / "keys")
    ring.begin_rotation()
    with _vault(home, database) as store:
        wrapped = store.rotate_kek()
        if not database.startswith("postgres"):
            ring.retire(frozenset(store.stats().keys))
    typer.echo(f"{wrapped} scopes are under the new key")


@contextmanager
def _vault(home: Path | None, database: str, *, make: bool = False) -> "Iterator[SqlVault]":
    from redaction.vault import open_vault

    folder = _home(home)
    try:
        store = open_vault(folder, database, make=make)
    except OSError as error:
        raise VaultError(f"the vault cannot be opened ({error.strerror}): {folder}") from None
    try:
        yield store
    finally:
        store.close()


def _home(given: Path | None) -> Path:
    if given is not None:
        return given
    from platformdirs import user_data_path

    return user_data_path("dragoman")


def _paths(files: list[Path] | None) -> list[Path]:
    return files or [Path("-")]
