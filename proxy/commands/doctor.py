"""`dragoman doctor`: looks at the installation as it is and says, for each fault, what to do.

Reads files, certificates and ports of this machine only; changes nothing and sends nothing.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from proxy.config import Settings
from proxy.configured import load
from proxy.installation.base import Check
from proxy.installation.certificates import authority, ends
from proxy.installation.files import clock, home, keys, space
from proxy.installation.serving import models, policy, ports, way_out
from proxy.installation.stores import databases, servers

ALL: tuple[Callable[[Settings], Iterator[Check]], ...] = (
    home,
    keys,
    authority,
    ends,
    databases,
    servers,
    policy,
    models,
    way_out,
    ports,
    space,
    clock,
)
"""In the order in which a fault should be mended."""


def doctor(
    home: Annotated[Path | None, typer.Option(help="Folder of the installation.")] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file with settings.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check certificate trust, keys, databases, models, ports and clock; say what to do.

    Example: dragoman doctor --home .dragoman
    """
    checks = list(examine(load(config, home=home)))
    if as_json:
        typer.echo(json.dumps([asdict(check) for check in checks]))
    else:
        out = Console(highlight=False, soft_wrap=True)
        for check in checks:
            mark = "[green]ok  [/green]" if check.ok else "[red]MEND[/red]"
            out.print(f"{mark} {check.name}: {check.found}")
            if not check.ok:
                out.print(f"     {check.advice}")
    raise typer.Exit(0 if all(check.ok for check in checks) else 1)


def examine(settings: Settings) -> Iterator[Check]:
    """Every check. One that itself fails is a fault."""
    for part in ALL:
        try:
            yield from part(settings)
        except Exception as error:
            name = part.__name__.replace("_", " ")
            yield Check(name, False, f"could not be checked ({type(error).__name__})", "see above")
