"""`dragoman audit verify --receipt`: what an app got in its answer's header, checked with nothing but a public key."""

from pathlib import Path

import orjson
import typer

from audit.commands.reading import home_path, read_keys, told


def check_receipt(
    receipt: Path, entry: Path | None, vkeys: list[str], home: Path | None, *, export: Path | None, as_json: bool
) -> None:
    """Checks one receipt; with an export also that this still holds all that its checkpoint covers."""
    from audit.home import Home
    from audit.merkle import leaf_hash
    from audit.prove import check, read
    from audit.verify import verify_folder

    with told():
        try:
            given = receipt.read_bytes()
            body = None if entry is None else entry.read_bytes()
        except OSError as error:
            raise typer.BadParameter(f"the receipt or the entry cannot be read ({error.strerror})") from None
        keys = read_keys(vkeys) or [Home(home_path(home)).read_vkey()]
        proof = read(given)
        checkpoint = check(proof, body, keys)
        leaf = proof.leaf if body is None else leaf_hash(body)
        facts = {"holds": True, "log": checkpoint.origin, "index": proof.index, "entries": checkpoint.size}
        facts |= {"root": checkpoint.root.hex(), "leaf": leaf.hex()}
        if export is not None:
            facts["export"] = verify_folder(export, keys, kept=proof.checkpoint).checkpoint.size
    if as_json:
        typer.echo(orjson.dumps(facts).decode())
        return
    typer.echo(f"holds: entry {proof.index} of {checkpoint.origin}, leaf hash {leaf.hex()}")
    typer.echo(f"  under a checkpoint of {checkpoint.size} entries, root {checkpoint.root.hex()}")
    if export is not None:
        typer.echo(f"  and still in the export, which has {facts['export']}")
