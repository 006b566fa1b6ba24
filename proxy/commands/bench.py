"""`dragoman bench`: the ratios of docs/performance.md, measured here. Bounded in time; ends what it starts.

Only figures come out; the texts are made up.
"""

import json
import math
import sys
from dataclasses import asdict, dataclass
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
    workers: Annotated[str, typer.Option(help="gateway, soak: N door workers, such as 1,2,4 (gateway).")] = "",
    detection_workers: Annotated[int, typer.Option(help="soak: so many, 0 for half as many.", min=0, max=64)] = 0,
    cores: Annotated[
        int, typer.Option(help="gateway, doors, soak: for what is measured, 0 for what is left to it.", min=0, max=1024)
    ] = 0,
    requests: Annotated[int, typer.Option(help="soak: how many.", min=400, max=10_000_000)] = 100_000,
    minutes: Annotated[int, typer.Option(help="soak: end after so many, 0 for no limit.", min=0, max=10_000)] = 0,
    out: Annotated[Path | None, typer.Option(help="soak: a folder for soak.json, at each sample.")] = None,
    keep: Annotated[Path | None, typer.Option(help="With --transfers: a home to fill, or to ask again.")] = None,
) -> None:
    """Measure what dragoman costs, beside what it would cost without it, in one run.

    gateway: next to direct and to the same door without the gate. doors: gateway, network and transparent door beside
    each other, with streams. formats: a kilobyte and a stream's event of each.
    audit: next to bare commits on the same disk. detection: processor time next to plain Presidio.
    soak: memory and open files of every process while many requests go through, their growth per 10,000, and whether
    app, provider and log counted the same (else exit code 1). Where there are more than two cores, client and upstream
    have their own (gateway, doors, soak).

    Example: dragoman bench audit --transfers 1000000
    """
    if what not in WHAT:
        raise ConfigError(f"there is no bench {what}; there are {', '.join(WHAT)}")
    if what == "soak":
        _soak(Soak(requests, workers, detection_workers, minutes * 60 or math.inf, cores, out), as_json=as_json)
        return
    if what == "doors":
        rows = _doors(blocks, cores)
    elif what == "formats":
        rows = _formats(blocks)
    elif what == "detection":
        rows = _detection(blocks)
    elif what == "audit":
        rows = _scale(transfers, keep) if transfers else _audit(entries)
    else:
        rows = _gateway(blocks, workers, cores)
    if as_json:
        typer.echo(json.dumps(rows))
    else:
        _print(rows)


def _print(rows: list[dict[str, Any]]) -> None:
    """What has a value of its own for each process stands in the JSON only."""
    table = Table(box=None)
    names = [name for name, value in rows[0].items() if not isinstance(value, dict)]
    for number, name in enumerate(names):
        table.add_column(name, no_wrap=True, justify="left" if number < 2 else "right")
    for row in rows:
        table.add_row(*(_cell(row[name]) for name in names))
    # A pipe has no width; figures are not to be cut off there.
    Console(width=None if sys.stdout.isatty() else 220).print(table)


def _tell(said: str) -> None:
    typer.echo(said, err=True)


def _counts(workers: str) -> list[int]:
    if not all(word.isdigit() and 0 < int(word) <= MAX_WORKERS for word in workers.split(",")):
        raise ConfigError("--workers: write numbers with commas, such as 1,2")
    return [int(word) for word in workers.split(",")]


def _gateway(blocks: int, workers: str, cores: int) -> list[dict[str, Any]]:
    if workers:
        from proxy.bench.workers import run as together

        return [asdict(row) for row in together(_counts(workers), blocks, cores=cores, tell=_tell)]
    from proxy.bench.gateway import run

    return [asdict(row) for row in run(blocks, cores=cores)]


def _doors(blocks: int, cores: int) -> list[dict[str, Any]]:
    from proxy.bench.doors import run

    return [asdict(row) for row in run(blocks, cores=cores, tell=_tell)]


def _formats(blocks: int) -> list[dict[str, Any]]:
    from proxy.bench.formats import run

    return [asdict(row) for row in run(blocks)]


def _audit(entries: int) -> list[dict[str, Any]]:
    from audit.bench.appending import run

    return [asdict(row) for row in run(entries)]


def _scale(transfers: int, keep: Path | None) -> list[dict[str, Any]]:
    from audit.bench.asking import run
    from audit.commands.prove import progress_bar

    with progress_bar("filling") as progress:
        return [asdict(row) for row in run(transfers, keep=keep, progress=progress)]


def _detection(blocks: int) -> list[dict[str, Any]]:
    from proxy.bench.texts import new_text
    from redaction.evaluate.speed import run

    return [asdict(row) for row in run(new_text, blocks)]


@dataclass(frozen=True, slots=True)
class Soak:
    """The words of the command line for a soak."""

    requests: int
    workers: str
    detection: int
    limit_s: float
    cores: int
    out: Path | None


def _soak(asked: Soak, *, as_json: bool) -> None:
    from audit.commands.prove import progress_bar
    from proxy.bench.soak import Wanted, run

    workers = _counts(asked.workers or "1")[0]
    detection = asked.detection or max(1, workers // 2)
    wanted = Wanted(asked.requests, workers, detection, asked.limit_s, asked.cores, asked.out)
    with progress_bar("soaking") as progress:
        soaked = asdict(run(wanted, progress, _tell))
    if as_json:
        typer.echo(json.dumps(soaked))
    else:
        _print(soaked["growth"])
        _print([soaked["sums"]])
    if not soaked["sums"]["agree"]:
        raise typer.Exit(1)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return " ".join(map(_cell, value))
    return f"{value:.3f}" if isinstance(value, float) else str(value)
