"""`dragoman policy`: the commands that need nothing but policy files.

`proxy.commands.policy` mounts them beside those that need detection or the log (`lint`, `test`, `explain`, `simulate`,
`except`). Exit codes: 0 holds, 1 does not hold, 2 wrong use; no traceback ever reaches a user.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from platformdirs import user_data_path

from policies import diff as diffs
from policies import facts_diff, show
from policies.errors import PolicyError, PolicyFileError, Problem
from policies.language.edit import formatted, pin_edition, remove_observe
from policies.language.schema import json_schema
from policies.load import BUNDLED, Loaded, read, read_text
from policies.new import Answers, example_file, observe_file, policy_file
from policies.register import bundled_file

FILE = typer.Argument(help="Policy file, or bundled:default, bundled:strict. Default: policy.yaml in the home folder.")
HOME = typer.Option(
    "--home", help="Home folder (default: $DRAGOMAN_HOME, else your data folder).", envvar="DRAGOMAN_HOME"
)
JSON = typer.Option("--json", help="Print JSON.")

File = Annotated[str | None, FILE]
Home = Annotated[Path | None, HOME]
Json = Annotated[bool, JSON]


def default_file(home: Path | None) -> str:
    """The policy in the home folder where there is one, else the bundled default."""
    named = home or os.environ.get("DRAGOMAN_HOME")
    found = Path(named or user_data_path("dragoman")) / "policy.yaml"
    return str(found) if found.is_file() else "bundled:default"


def open_policy(file: str | None, home: Path | None = None) -> Loaded:
    """The policy that a command means. Raises PolicyFileError."""
    name = file or default_file(home)
    if name.startswith("bundled:"):
        try:
            return read_text(bundled_file(name.removeprefix("bundled:")), name)
        except FileNotFoundError:
            hint = f"there are {', '.join(f'bundled:{one}' for one in BUNDLED)}"
            raise PolicyFileError(
                [Problem(name, 0, 0, "there is no such bundled policy", "unreadable", hint=hint)]
            ) from None
    return read(Path(name))


@contextmanager
def exit_codes(as_json: bool = False) -> Iterator[None]:
    """Turns the package's errors into exit codes: 1 for a policy that does not hold, 2 for wrong use."""
    try:
        yield
    except PolicyFileError as error:
        if as_json:
            print_json({"holds": False, "problems": [problem_data(one) for one in error.problems]})
        else:
            typer.echo(error.message, err=True)
        raise typer.Exit(2 if all(one.code == "unreadable" for one in error.problems) else 1) from None
    except PolicyError as error:
        typer.echo(f"dragoman policy: {error.message}", err=True)
        raise typer.Exit(2) from None
    except OSError as error:
        typer.echo(f"dragoman policy: {error.strerror or 'cannot read or write'}: {error.filename or ''}", err=True)
        raise typer.Exit(2) from None


def problem_data(one: Problem) -> dict[str, Any]:
    """A problem as JSON-ready data."""
    return {
        "file": one.file,
        "line": one.line,
        "column": one.column,
        "severity": one.severity,
        "code": one.code,
        "message": one.message,
        "hint": one.hint,
    }


def print_json(data: object) -> None:
    """One JSON document on standard output."""
    typer.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode())


def today_utc() -> date:
    """The day by which exceptions, destinations and test phases end."""
    return datetime.now(UTC).date()


def report(loaded: Loaded, problems: Sequence[Problem], *, as_json: bool, strict: bool) -> bool:
    """Prints what lint found; whether the policy holds. strict: warnings count as errors."""
    holds = not any(problem.is_error or strict for problem in problems)
    if as_json:
        print_json({"holds": holds, "digest": loaded.policy.digest, "problems": [problem_data(p) for p in problems]})
        return holds
    for problem in problems:
        typer.echo(problem.render())
    warnings = sum(not problem.is_error for problem in problems)
    count = f"{warnings} warning{'s' if warnings != 1 else ''}" if warnings else "no warnings"
    errors = len(problems) - warnings
    verdict = f"does not hold, {errors} error{'s' if errors != 1 else ''}" if errors else "holds"
    rules = len(loaded.policy.rules)
    typer.echo(f"{loaded.files[0]}: {verdict}, {rules} rule{'s' if rules != 1 else ''}, {count}")
    return holds


def show_command(file: File = None, home: Home = None, as_json: Json = False) -> None:
    """Print the effective policy with everything resolved: includes, groups, editions, facts with their sources.

    Example: dragoman policy show --json | jq .destinations.openai.facts
    """
    with exit_codes(as_json):
        policy = open_policy(file, home).policy
        if as_json:
            print_json(show.as_data(policy))
        else:
            typer.echo(show.as_text(policy), nl=False)


def schema() -> None:
    """Print the JSON Schema of the policy language, for editors.

    Example: dragoman policy schema > policy.schema.json
    """
    print_json(json_schema())


def diff(
    old: Annotated[str, typer.Argument(help="The policy in force.")],
    new: Annotated[str, typer.Argument(help="The policy to compare it with.")],
    as_json: Json = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 1 when they differ.")] = False,
) -> None:
    """Compare two policies in meaning: which application, destination and entity is treated differently.

    Example: dragoman policy diff bundled:default policy.yaml
    """
    with exit_codes(as_json):
        found = diffs.diff(open_policy(old).policy, open_policy(new).policy)
        if as_json:
            print_json(diffs.as_data(found))
        else:
            typer.echo(diffs.render(found))
    if exit_code and not found.empty:
        raise typer.Exit(1)


def fmt(
    file: Annotated[Path, typer.Argument(help="Policy file.")],
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit with 1 when it would change.")] = False,
) -> None:
    """Indent a policy file the usual way; comments, order and meaning stay.

    Example: dragoman policy fmt policy.yaml
    """
    with exit_codes():
        before = file.read_text(encoding="utf-8")
        digest = read(file).policy.digest
        after = formatted(before)
        if before == after:
            return
        if check:
            typer.echo(f"{file}: would change")
            raise typer.Exit(1)
        write_checked(file, after, lambda loaded: loaded.policy.digest == digest)
        typer.echo(f"{file}: formatted")


def write_checked(file: Path, text: str, fits: Callable[[Loaded], bool]) -> None:
    """Writes a file only if what it would say loads and fits; atomically, so that a watcher never reads half of it."""
    if not fits(read(file, text=text)):
        raise PolicyError("the edit would have changed what the policy means; nothing was written")
    draft = file.with_name(f".{file.name}.new")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def accept(
    destination: Annotated[str, typer.Argument(help="A destination of the policy.")],
    file: Annotated[Path, typer.Argument(help="Policy file.")],
) -> None:
    """Pin a destination to the register's newest edition; the rest of the file stays as it is.

    Example: dragoman policy facts accept openai policy.yaml
    """
    with exit_codes():
        found = facts_diff.compare(read(file), destination)
        if found.pinned == found.newest:
            typer.echo(f"{destination} is at its newest edition already: {found.newest}")
            return
        text = pin_edition(file.read_text(encoding="utf-8"), destination, found.newest)
        write_checked(file, text, lambda loaded: True)
        typer.echo(facts_diff.render(found))
        typer.echo(f"{file}: {destination} now extends {found.newest}")


def enforce(file: Annotated[Path, typer.Argument(help="Policy file with a test phase.")]) -> None:
    """End a test phase: the file loses its `observe` section, and from then on its rules are applied.

    Example: dragoman policy enforce policy.yaml
    """
    with exit_codes():
        before = read(file)
        text = remove_observe(file.read_text(encoding="utf-8"))
        write_checked(file, text, lambda loaded: loaded.policy.observe is None)
        typer.echo(diffs.render(diffs.diff(before.policy, read(file).policy)))
        typer.echo(f"{file}: nothing is only observed any more")


def new(
    kind: Annotated[
        str, typer.Argument(help="policy, observe (a test phase), or an example: feed, messenger, headset, compare.")
    ] = "policy",
    out: Annotated[Path | None, typer.Option("--out", help="Write here instead of standard output.")] = None,
    application: Annotated[
        list[str] | None, typer.Option("--app", help="Application (may repeat for observe).")
    ] = None,
    days: Annotated[int, typer.Option("--days", help="Length of the test phase, at most 14.")] = 14,
    approved_by: Annotated[str, typer.Option("--approved-by", help="Who approved the test phase.")] = "",
    to: Annotated[list[str] | None, typer.Option("--to", help="Destination of the register (may repeat).")] = None,
    purpose: Annotated[str | None, typer.Option("--purpose", help="Name of the purpose.")] = None,
    controller: Annotated[str | None, typer.Option("--controller", help="Legal name of the controller.")] = None,
    basis: Annotated[str | None, typer.Option("--basis", help="GDPR Art. 6 basis, or todo.")] = None,
    special_home: Annotated[
        bool, typer.Option("--special-home", help="Send special categories to your own model.")
    ] = False,
) -> None:
    """Write a commented policy file; asks what is not given.

    Example: dragoman policy new --out policy.yaml
    Example: dragoman policy new messenger --out policy.yaml
    Example: dragoman policy new observe --app messenger --days 14 --approved-by dpo --out policy.yaml
    """
    with exit_codes():
        if kind == "observe":
            text = observe_file(tuple(application or ()), days, approved_by, today_utc())
        elif kind == "policy":
            text = policy_file(_ask(application, to, purpose, controller, basis, special_home))
        else:
            text = example_file(kind)
        read_text(text)
        if out is None:
            typer.echo(text, nl=False)
            return
        if out.exists():
            typer.echo(f"dragoman policy new: {out} exists already; choose another name", err=True)
            raise typer.Exit(2)
        out.write_text(text, encoding="utf-8")
        typer.echo(f"wrote {out}; check it with `dragoman policy lint {out}`", err=True)


def _ask(
    application: list[str] | None,
    to: list[str] | None,
    purpose: str | None,
    controller: str | None,
    basis: str | None,
    special_home: bool,
) -> Answers:
    """The answers given, and on a terminal the others asked for; in a pipe they take their defaults."""
    asks = sys.stdin.isatty()

    def answer(given: str | None, question: str, default: str) -> str:
        if given is not None or not asks:
            return given or default
        return str(typer.prompt(question, default=default))

    name = answer(application[0] if application else None, "Name of the application that sends", "my-app")
    return Answers(
        name=name,
        application=name,
        purpose=answer(purpose, "Name of the purpose", "answer-questions"),
        controller=answer(controller, "Legal name of the controller", "Example Ltd"),
        basis=answer(basis, "Legal basis (consent, contract, legitimate-interests, ..., todo)", "todo"),
        destinations=tuple(to) if to else tuple(answer(None, "Destinations, separated by spaces", "openai").split()),
        special_home=special_home,
    )
