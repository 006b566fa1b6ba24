"""`dragoman approval`: what waits because a rule says `do: hold`, and an officer's word on it, which is a record.

An approval is for one request, as it was, and ends by itself.
"""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from audit.commands.reading import os_user
from audit.events import PolicyRecord
from audit.ids import now_ms
from audit.values import ApprovalReason, PolicyEvent
from proxy.commands.listing import listing, print_list
from proxy.configured import default_home, load
from proxy.control.approvals import ApprovalState, HeldRequest, end_of, in_words
from proxy.control.store import ControlStore
from proxy.running.databases import control_of, join_log

app = typer.Typer(help="Requests that a rule holds: list, grant, deny.", no_args_is_help=True)

Home = Annotated[Path | None, typer.Option(help="Folder of the running dragoman.")]
PolicyFile = Annotated[Path | None, typer.Option(help="Policy file, where it is not HOME/policy.yaml.")]
Reference = Annotated[str, typer.Argument(help="Reference from the refusal: the id of the `blocked` record.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(name="list")
def list_(home: Home = None, as_json: AsJson = False) -> None:
    """Which requests wait, and which were decided in the last week.

    Example: dragoman approval list
    """
    with closing(_store(home)) as store:
        rows = store.approvals.all()
    if as_json:
        typer.echo(json.dumps([_facts(row) for row in rows]))
        return
    if not rows:
        typer.echo("no request waits, and none was decided in the last week")
        return
    table = listing("reference", "at", "application", "destination", "rules", "state", "until", "reason")
    for row in rows:
        table.add_row(
            row.reference, _when(row.at), row.application, row.destination, ", ".join(row.rules), row.state,
            _when(row.until) if row.until else "", ": ".join(one for one in (row.reason, row.because) if one),
        )  # fmt: skip
    print_list(table)


@app.command()
def grant(
    reference: Reference,
    reason: Annotated[ApprovalReason, typer.Option(help="Why it may pass; stands in the log.")],
    because: Annotated[str, typer.Option(help="The same in your words; kept beside the log for a week.")] = "",
    hours: Annotated[int, typer.Option(help="How long that request may pass.", min=1, max=168)] = 24,
    home: Home = None,
    policy: PolicyFile = None,
) -> None:
    """Let one held request pass when it is sent again; acts within 2 s.

    Example: dragoman approval grant 01M8A5DX03Q19X5TJNFHR07A0Q --hours 4 --reason contract
    """
    words = in_words(because)
    with closing(_store(home)) as store:
        held = store.approvals.find(reference)
        # What lets data flow is in the log before it acts.
        until = end_of(hours)
        _record(home, policy, held, PolicyEvent.APPROVED, until, reason)
        store.approvals.grant(reference, until, str(reason), words)
    typer.echo(f"{reference} may pass until {_when(until)} when it is sent again")


@app.command()
def deny(reference: Reference, home: Home = None, policy: PolicyFile = None) -> None:
    """Let nothing of it pass; also ends an approval that was given.

    Example: dragoman approval deny 01M8A5DX03Q19X5TJNFHR07A0Q
    """
    with closing(_store(home)) as store:
        held = store.approvals.find(reference)
        store.approvals.deny(reference)
    _record(home, policy, held, PolicyEvent.DENIED, None)
    typer.echo(f"{reference} stays refused")


def _record(
    home: Path | None,
    policy: Path | None,
    held: HeldRequest,
    event: PolicyEvent,
    until: int | None,
    reason: ApprovalReason | None = None,
) -> None:
    from proxy.policy.source import meant

    settings = load(home=home or default_home(), policy=policy)
    with closing(_store(home)) as store:
        active = meant(settings, store)
    ledger = join_log(settings)
    try:
        ledger.append_blocking(
            PolicyRecord(
                at=now_ms(),
                event=event,
                name=active.name,
                version=str(active.version),
                new_digest=active.digest.removeprefix("sha256:"),
                actor=ledger.references.actor(os_user()),
                request=held.reference,
                rules=held.rules[:64],
                until=until,
                reason=reason,
            )
        )
    finally:
        ledger.close()


def _store(home: Path | None) -> ControlStore:
    return control_of(load(home=home))


def _facts(row: HeldRequest) -> dict[str, object]:
    return {
        "reference": row.reference,
        "at": row.at,
        "application": row.application,
        "destination": row.destination,
        "rules": list(row.rules),
        "state": str(row.state),
        "until": row.until if row.state is ApprovalState.APPROVED else None,
        "reason": row.reason,
        "because": row.because,
    }


def _when(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
