"""`dragoman redact` and `restore` with `--engine ray`: folders of rows, under the policy and in the log.

Without `--engine` they are the redaction's own commands, which know neither policy nor log. What is added here are the
options of the bulk run; everything else of the signature is theirs.
"""

import functools
import inspect
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from proxy.configured import load
from proxy.errors import ConfigError
from redaction import cli

Engine = Annotated[str, typer.Option(help="`ray`: a folder of JSON lines or Parquet, by policy and with records.")]
Out = Annotated[Path | None, typer.Option(help="ray: folder for what comes out.")]
To = Annotated[str, typer.Option(help="ray: destination that will get it, as the policy names it.")]
App = Annotated[str, typer.Option("--app", help="ray: application it comes from, as the policy names it.")]
Purpose = Annotated[str, typer.Option(help="ray: purpose, as the policy names it.")]
Keep = Annotated[str, typer.Option(help="ray: columns of Parquet files that are not inspected, with commas.")]
Actors = Annotated[int, typer.Option(help="ray: processes at most; each loads the models once.", min=1, max=4096)]
Address = Annotated[str, typer.Option(help="ray: address of a running cluster; none: one on this machine.")]


def _options(
    engine: Engine = "",
    out: Out = None,
    to: To = "",
    application: App = "",
    purpose: Purpose = "",
    keep: Keep = "",
    actors: Actors = 1,
    ray_address: Address = "",
) -> None:
    """What is added to both commands."""


def _with_engine(command: Callable[..., None], *, restoring: bool) -> Callable[..., None]:
    added = inspect.signature(_options, eval_str=True).parameters
    own = inspect.signature(command, eval_str=True)

    @functools.wraps(command)
    def run(**given: Any) -> None:
        extra = {name: given.pop(name) for name in added}
        if extra["engine"]:
            _bulk(given, extra, restoring=restoring)
        elif named := [name for name, one in added.items() if extra[name] != one.default]:
            raise ConfigError(f"--{named[0].replace('_', '-')} goes with --engine ray")
        else:
            command(**given)

    parameters = [*own.parameters.values(), *added.values()]
    run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


def _bulk(given: dict[str, Any], extra: dict[str, Any], *, restoring: bool) -> None:
    from audit.commands.prove import progress_bar
    from proxy.bulk.job import Job
    from proxy.bulk.run import run

    if extra["engine"] != "ray":
        raise ConfigError(f"there is no engine {extra['engine']}; there is ray")
    if alone := [name for name in ("document", "findings") if given.get(name)]:
        raise ConfigError(f"--{alone[0]} does not go with --engine ray")
    folders = given["files"] or []
    if len(folders) != 1 or extra["out"] is None or not extra["to"]:
        raise ConfigError("--engine ray takes one folder, --out FOLDER and --to DESTINATION")
    settings = load(home=given["home"])
    keep = frozenset(name for name in extra["keep"].split(",") if name)
    job = Job(
        folders[0].absolute(), extra["out"].absolute(), settings.home.absolute(), extra["to"], given["scope"],
        extra["application"], extra["purpose"], keep, restoring,
    )  # fmt: skip
    with progress_bar("restoring" if restoring else "redacting") as progress:
        found = run(settings, job, workers=extra["actors"], address=extra["ray_address"], progress=progress)
    if given["as_json"]:
        rows = [asdict(one) for one in (*found.done, *found.failed)]
        typer.echo(json.dumps({"partitions": rows, "skipped": found.skipped}))
    else:
        rows_done = sum(one.rows for one in found.done)
        typer.echo(f"{rows_done} rows in {len(found.done)} partitions; {found.skipped} were done before")
        for one in found.failed:
            typer.echo(f"{one.name}: {one.error}", err=True)
    raise typer.Exit(1 if found.failed else 0)


redact = _with_engine(cli.redact, restoring=False)
restore = _with_engine(cli.restore, restoring=True)
