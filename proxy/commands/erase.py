"""`dragoman erase`: says what will happen, asks, erases a person; `hold` and `release` for a legal hold, `retry`.

The identifier is hashed on this machine and is neither stored nor logged; `--subject -` keeps it out of the shell's
history and the list of processes as well.
"""

import itertools
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from audit.commands.prove import progress_bar
from audit.commands.reading import os_user
from audit.events import QueryRecord
from audit.ids import now_ms
from audit.values import ErasureReason, Question
from proxy.config import named_origins
from proxy.configured import load
from proxy.errors import ConfigError
from proxy.running.databases import control_of, join_log, vault_of

if TYPE_CHECKING:
    from audit.log import Ledger
    from proxy.control.erasures import ErasureRequests
    from proxy.control.policies import Person
    from proxy.erasure.deleting import HttpDeleter
    from proxy.erasure.plan import Plan
    from redaction.vault import Vault

SubjectOption = Annotated[
    str | None, typer.Option(help="Person by the real identifier (hashed here, never stored); - reads it from stdin.")
]
HomeOption = Annotated[Path | None, typer.Option(help="Folder of dragoman's state.")]
ConfigOption = Annotated[Path | None, typer.Option(help="TOML file with settings (default: HOME/config.toml).")]
PolicyOption = Annotated[Path | None, typer.Option(help="Policy file, where it is not HOME/policy.yaml.")]
UpstreamOption = Annotated[
    list[str] | None, typer.Option(help="NAME=URL: as `run` was given it, where config.toml does not say; may repeat.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

app = typer.Typer(
    no_args_is_help=False,
    rich_markup_mode=None,
    epilog="Example: echo anna@example.com | dragoman erase --subject - --dry-run",
)


@dataclass(frozen=True, slots=True)
class _Place:
    """What every command needs, opened."""

    home: Path
    ledger: "Ledger"
    vault: "Vault"
    deleter: "HttpDeleter"
    requests: "ErasureRequests"
    people: int
    actor: str

    def file(self, erasure: str) -> Path:
        """Where an erasure keeps its recipients and what providers keep; its name says nothing about anybody."""
        return self.home / "erasures" / f"{erasure}.json"


@app.callback(invoke_without_command=True)
def erase(
    context: typer.Context,
    subject: SubjectOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    reason: Annotated[ErasureReason | None, typer.Option(help="Why; stands in the log.")] = None,
    recipients: Annotated[Path | None, typer.Option(help="Where to save who received data.")] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
    policy: PolicyOption = None,
    upstream: UpstreamOption = None,
) -> None:
    """Erase a person: recipients saved, provider-side objects deleted, keys destroyed, all of it recorded.

    Example: echo anna@example.com | dragoman erase --subject - --dry-run
    """
    if context.invoked_subcommand is not None:
        return
    from proxy.erasure import telling
    from proxy.erasure.agreeing import word
    from proxy.erasure.carrying_out import Erasing
    from proxy.erasure.plan import make_plan, references_of
    from proxy.erasure.providers import Verdict

    identifier = _identifier(subject)
    with _opened(home, config, policy, upstream) as place:
        refs = references_of(place.ledger, identifier)
        plan = make_plan(place.ledger, place.vault, place.deleter, refs)
        file = recipients or place.file(plan.id)
        erasing = Erasing(place.ledger, place.vault, place.deleter, actor=place.actor, file=file, reason=reason)
        if not as_json:
            typer.echo("\n".join(telling.plan(plan, file)))
        if plan.held and not dry_run:
            erasing.refuse(plan)
            raise ConfigError("a legal hold stands for this person; `dragoman erase release` ends it", code="held")
        if dry_run or not refs:
            _looked(place, plan)
            if as_json:
                _print(plan.as_json())
            return
        if not yes and not _confirmed():
            _looked(place, plan)
            raise typer.Exit(1)
        said = word(place.requests, place.ledger, plan, _me(), reason, place.people)
        if said.asked is not None:
            if as_json:
                _print({**plan.as_json(), "waiting": said.asked.id})
            else:
                typer.echo("\nasked: another person has to run the same command within a week")
            return
        erasing = Erasing(
            place.ledger, place.vault, place.deleter, actor=said.actor, second=said.second, file=file,
            reason=said.reason,
        )  # fmt: skip
        with progress_bar("asking providers") as progress:
            asked = itertools.count(1)
            done = erasing.carry_out(plan, lambda _: progress(next(asked), len(plan.objects)))
        if as_json:
            _print({**plan.as_json(), **done.as_json(), "file": str(file)})
        else:
            typer.echo("\n".join(telling.done(plan, done, file)))
        raise typer.Exit(1 if done.count(Verdict.REFUSED) or done.count(Verdict.KEPT) else 0)


@app.command()
def hold(subject: SubjectOption = None, home: HomeOption = None) -> None:
    """Forbid erasing this person until the hold is released (a law or a claim requires the data, Art. 17(3) GDPR).

    Example: echo anna@example.com | dragoman erase hold --subject -
    """
    _set_hold(subject, home, held=True)
    typer.echo("a legal hold stands: `dragoman erase` refuses this person until it is released")


@app.command()
def release(subject: SubjectOption = None, home: HomeOption = None) -> None:
    """End a legal hold.

    Example: echo anna@example.com | dragoman erase release --subject -
    """
    _set_hold(subject, home, held=False)
    typer.echo("no legal hold stands any more")


@app.command()
def retry(
    erasure: Annotated[str, typer.Argument(help="Id of the erasure as it was printed, or the file that it wrote.")],
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
    policy: PolicyOption = None,
    upstream: UpstreamOption = None,
) -> None:
    """Ask providers once more to delete what an erasure could not have deleted (no key, unreachable, refused).

    Example: dragoman erase retry 01KB8Q0W3Z8V6T4R2N1M0K9J8H
    """
    from proxy.erasure import telling
    from proxy.erasure.again import retry_objects

    with _opened(home, config, policy, upstream) as place:
        file = place.file(erasure) if erasure.isalnum() else Path(erasure)
        if not file.is_file():
            raise ConfigError(f"there is no such file, and no erasure of that id in {place.home / 'erasures'}")
        found = retry_objects(place.ledger, place.deleter, place.actor, file)
        if as_json:
            _print(found.as_json())
        else:
            typer.echo("\n".join(telling.left(found)))
        raise typer.Exit(1 if found.left else 0)


def _set_hold(subject: str | None, home: Path | None, *, held: bool) -> None:
    from proxy.erasure.holding import set_hold

    identifier = _identifier(subject)
    with closing(join_log(load(home=home))) as ledger:
        set_hold(ledger, identifier, ledger.references.actor(os_user()), held=held)


@contextmanager
def _opened(
    home: Path | None, config: Path | None, policy: Path | None, upstream: list[str] | None
) -> Iterator[_Place]:
    from proxy.erasure.deleting import HttpDeleter
    from proxy.policy.source import meant

    settings = load(config, home=home, policy=policy, upstreams=named_origins(upstream))
    with ExitStack() as stack:
        control = stack.enter_context(closing(control_of(settings)))
        active = meant(settings, control)
        ledger = join_log(settings)
        stack.callback(ledger.close)
        vault = vault_of(settings)
        stack.callback(vault.close)
        deleter = stack.enter_context(HttpDeleter(settings, active.destinations))
        actor = ledger.references.actor(os_user())
        yield _Place(settings.home, ledger, vault, deleter, control.erasures, settings.erasure_people, actor)


def _me() -> "Person":
    from proxy.control.policies import Person

    return Person(os_user(), os_user())


def _looked(place: _Place, plan: "Plan") -> None:
    """Leave a record of having asked about a person."""
    refs, n = plan.refs[:16], len(plan.holdings)
    place.ledger.append_blocking(
        QueryRecord(at=now_ms(), question=Question.WHO, refs=refs, results=n, actor=place.actor)
    )


def _identifier(subject: str | None) -> str:
    """The person's identifier. Raises ConfigError where there is none; it is in no message."""
    found = sys.stdin.readline().rstrip("\r\n") if subject == "-" else subject
    if not found:
        raise ConfigError("name a person: --subject ID, or --subject - to read the identifier from standard input")
    return found


def _confirmed() -> bool:
    if not sys.stdin.isatty():
        raise ConfigError("nobody can be asked here; say --yes to erase, or --dry-run to see what would happen")
    return typer.confirm("Erase? This cannot be undone.")


def _print(data: Any) -> None:
    typer.echo(orjson.dumps(data).decode())
