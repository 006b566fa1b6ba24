"""`dragoman bench`: the ratios of docs/performance.md, measured here. Bounded in time; ends what it starts.

Only figures come out; the texts are made up.
"""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from proxy.errors import ConfigError

WHAT = ("gateway", "audit")


def bench(
    what: Annotated[str, typer.Argument(help="gateway or audit.")] = "gateway",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    blocks: Annotated[int, typer.Option(help="Blocks of requests per case.", min=2, max=200)] = 12,
    entries: Annotated[int, typer.Option(help="Entries per case of audit.", min=64, max=1_000_000)] = 4_096,
) -> None:
    """Measure what dragoman costs, beside what it would cost without it, in one run.

    gateway: next to direct and to the same door without the gate. audit: next to bare commits on the same disk.

    Example: dragoman bench gateway
    """
    if what not in WHAT:
        raise ConfigError(f"there is no bench {what}; there are {', '.join(WHAT)}")
    rows = _audit(entries) if what == "audit" else _gateway(blocks)
    if as_json:
        typer.echo(json.dumps(rows))
        return
    table = Table(box=None)
    for number, name in enumerate(rows[0]):
        table.add_column(name, no_wrap=True, justify="left" if number < 2 else "right")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    Console().print(table)


def _gateway(blocks: int) -> list[dict[str, Any]]:
    from proxy.bench.gateway import run

    return [asdict(row) for row in run(blocks)]


def _audit(entries: int) -> list[dict[str, Any]]:
    from audit.bench import run

    return [asdict(row) for row in run(entries)]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)
