"""`dragoman vault match`: whether a file is what a record of the log speaks of, told by opening its commitments.

A commitment is keyed by the conversation's scope, whose key the vault holds: nobody else can tell, and after the scope
was shredded nobody can any more.
"""

import json
from contextlib import closing
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audit.commands.ask import exchange_of
from audit.commands.reading import reading
from audit.commitment import MEDIA, REQUEST_IN, REQUEST_OUT, opens
from audit.values import Question
from proxy.configured import default_home, load
from proxy.errors import ConfigError
from proxy.running.databases import AUDIT, database_url
from redaction.cli import Database, Home
from redaction.vault import open_vault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redaction.vault import Scope

LATER_MS = 600_000
"""How much later than the transfer its scope may seem to have been made, by the clock of another machine."""


class Matched(StrEnum):
    """What of a transfer a file is."""

    CAME = "came"
    LEFT = "left"
    FILE = "file"
    NOTHING = "nothing"


TOLD = {
    Matched.CAME: "it is the body of {id} as the application sent it",
    Matched.LEFT: "it is the body of {id} as it left for {destination}",
    Matched.FILE: "it is a file that {id} carried, as the application sent it",
    Matched.NOTHING: "it opens no commitment of {id}: other bytes, or the conversation's keys were destroyed"
    " ({scopes} conversations with {destination} tried)",
}


def match(
    transfer: Annotated[str, typer.Argument(help="Id of the transfer.")],
    file: Annotated[Path, typer.Argument(help="Body or attachment, byte for byte.", exists=True, dir_okay=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    home: Home = None,
    database: Database = "",
) -> None:
    """Is this file what came from the app, what left for the provider, or a file that was sent along?

    Exit code 1 where it is none of them. The question is recorded.

    Example: dragoman vault match 01KB8Q0W3Z8V6T4R2N1M0K9J8H body-of-the-provider.json
    """
    data = file.read_bytes()
    folder = home or default_home()
    vault = open_vault(folder, database, make=False)
    try:
        with reading(folder, database_url(load(home=folder), AUDIT) or None) as log:
            entries = exchange_of(log, Question.PROVE, transfer)
        record = next((facts for _, facts in entries if facts["kind"] == "transfer"), None)
        if record is None:
            raise ConfigError("nothing was sent under this id")
        destination = record["destination"]["name"]
        with closing(vault.scopes_to(destination, record["at"] + LATER_MS)) as scopes:
            matched, tried = _match(record, data, scopes)
    finally:
        vault.close()
    if as_json:
        typer.echo(json.dumps({"transfer": record["id"], "is": matched, "scopes_tried": tried}))
    else:
        typer.echo(TOLD[matched].format(id=record["id"], destination=destination, scopes=tried))
    raise typer.Exit(0 if matched is not Matched.NOTHING else 1)


def _match(record: dict[str, Any], data: bytes, scopes: "Iterable[Scope]") -> tuple[Matched, int]:
    """What of the record the bytes are, and how many scopes were tried."""
    whole = (
        (record.get("commitment_in"), REQUEST_IN, Matched.CAME),
        (record["commitment_out"], REQUEST_OUT, Matched.LEFT),
    )
    digest = sha256(data).digest()
    files = {item["commitment"] for item in record.get("media", ()) if item.get("commitment")}
    # An editor that ends the last line of what it saves would make other bytes of the same body.
    bodies = dict.fromkeys((data, data.removesuffix(b"\n"), data.removesuffix(b"\r\n")))
    tried = 0
    for tried, scope in enumerate(scopes, 1):
        for made, label, matched in whole:
            if made and any(opens(made, scope.commit_key, record["id"], label, body) for body in bodies):
                return matched, tried
        if any(opens(made, scope.commit_key, record["id"], MEDIA, digest) for made in files):
            return Matched.FILE, tried
    return Matched.NOTHING, tried
