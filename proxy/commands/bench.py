"""`dragoman bench`: the ratios of docs/performance.md, measured here. Bounded in time; ends what it starts.

Only figures come out; the texts are made up.
"""

import json
import math
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from proxy.config import MAX_WORKERS
from proxy.errors import ConfigError

WHAT = ("gateway", "doors", "formats", "audit", "soak", "detection")


def bench(
    what: Annotated[str, typer.Argument(help="gateway, doors, formats, audit, soak or detection.")] = "gateway",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    blocks: Annotated[
        int, typer.Option(help="Blocks of requests, or texts of detection, per case.", min=2, max=200)
    ] = 12,
    entries: Annotated[int, typer.Option(help="Entries per case of audit.", min=64, max=1_000_000)] = 4_096,
    transfers: Annotated[
        int, typer.Option(help="audit: ask a made-up year of so many transfers instead.", min=0, max=20_000_000)
    ] = 0,
    workers: Annotated[str, typer.Option(help="gateway, soak: N door workers, such as 1,2 (gateway).")] = "",
    requests: Annotated[int, typer.Option(help="soak: how many.", min=400, max=10_000_000)] = 100_000,
    minutes: Annotated[int, typer.Option(help="soak: end after so many, 0 for no limit.", min=0, max=10_000)] = 0,
    keep: Annotated[Path | None, typer.Option(help="With --transfers: a home to fill, or to ask again.")] = None,
) -> None:
    """Measure what dragoman costs, beside what it would cost without it, in one run.

    gateway: next to direct and to the same door without the gate. doors: gateway and network door beside each other,
    with streams. formats: a kilobyte and a stream's event of each.
    audit: next to bare commits on the same disk. detection: processor time next to plain Presidio.
    soak: memory and open files of every process while many requests go through, and their growth per 10,000.

    Example: dragoman bench audit --transfers 1000000
    """
    if what not in WHAT:
        raise ConfigError(f"there is no bench {what}; there are {', '.join(WHAT)}")
    if what == "soak":
        rows = _soak(requests, workers, minutes * 60 or math.inf)
    elif what == "doors":
        rows = _doors(blocks)
    elif what == "formats":
        rows = _formats(blocks)
    elif what == "detection":
        rows = _detection(blocks)
    elif what == "audit":
        rows = _scale(transfers, keep) if transfers else _audit(entries)
    else:
        rows = _gateway(blocks, workers)
    if as_json:
        typer.echo(json.dumps(rows))
        return
    table = Table(box=None)
    for number, name in enumerate(rows[0]):
        table.add_column(name, no_wrap=True, justify="left" if number < 2 else "right")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    # A pipe has no width; figures are not to be cut off there.
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _counts(workers: str) -> list[int]:
    if not all(word.isdigit() and 0 < int(word) <= MAX_WORKERS for word in workers.split(",")):
        raise ConfigError("--workers: write numbers with commas, such as 1,2")
    return [int(word) for word in workers.split(",")]


def _gateway(blocks: int, workers: str) -> list[dict[str, Any]]:
    if workers:
        from proxy.bench.workers import run as together

        return [asdict(row) for row in together(_counts(workers), blocks)]
    from proxy.bench.gateway import run

    return [asdict(row) for row in run(blocks)]


def _doors(blocks: int) -> list[dict[str, Any]]:
    from proxy.bench.doors import run

    return [asdict(row) for row in run(blocks)]


def _formats(blocks: int) -> list[dict[str, Any]]:
    from proxy.bench.formats import run

    return [asdict(row) for row in run(blocks)]


def _audit(entries: int) -> list[dict[str, Any]]:
    from audit.bench import run

    return [asdict(row) for row in run(entries)]


def _scale(transfers: int, keep: Path | None) -> list[dict[str, Any]]:
    from audit.bench_scale import run
    from audit.cli_prove import progress_bar

    with progress_bar("filling") as progress:
        return [asdict(row) for row in run(transfers, keep=keep, progress=progress)]


def _detection(blocks: int) -> list[dict[str, Any]]:
    from proxy.bench.texts import new_text
    from redaction.evaluate.speed import run

    return [asdict(row) for row in run(new_text, blocks)]


def _soak(requests: int, workers: str, limit_s: float) -> list[dict[str, Any]]:
    from audit.cli_prove import progress_bar
    from proxy.bench.soak import run

    with progress_bar("soaking") as progress:
        rows = run(requests, workers=_counts(workers or "1")[0], progress=progress, limit_s=limit_s)
        return [asdict(row) for row in rows]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)
