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

WHAT = ("gateway",)


def bench(
    what: Annotated[str, typer.Argument(help="gateway.")] = "gateway",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    blocks: Annotated[int, typer.Option(help="Blocks of requests per case.", min=2, max=200)] = 12,
) -> None:
    """Measure what dragoman costs, next to direct and to the same door without the gate, in one run.

    Example: dragoman bench gateway
    """
    if what not in WHAT:
        raise ConfigError(f"there is no bench {what}; there are {', '.join(WHAT)}")
    rows = _gateway(blocks)
    if as_json:
        typer.echo(json.dumps(rows))
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values()))
    Console().print(table)


def _gateway(blocks: int) -> list[dict[str, Any]]:
    from proxy.bench.gateway import run

    return [asdict(row) for row in run(blocks)]
