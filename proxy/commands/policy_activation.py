"""`dragoman policy propose`, `agree`, `rollback`, `proposals`, `history`: which policy is in force, and who wanted it.

A running dragoman looks every second, runs the policy's cases, records the change with who wanted it, and swaps.
"""

import getpass
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audit.commands.reading import os_user
from policies import diff as diffs
from policies.cli import Home, Json, exit_codes, print_json
from policies.load import read
from proxy.config import Settings
from proxy.configured import load
from proxy.control.policies import Person, Proposal, ProposalState
from proxy.control.store import ControlStore
from proxy.policy.activating import earlier, propose
from proxy.policy.source import PolicySource, accept
from proxy.running.databases import control_of

if TYPE_CHECKING:
    from proxy.policy.history import Told


def propose_(file: Annotated[Path, typer.Argument(help="Policy file.")], home: Home = None) -> None:
    """Ask for a policy to be in force: within a second, or, where configuration asks for two people, when one agrees.

    It counts until the home's own policy file is changed.

    Example: dragoman policy propose policy.yaml
    """
    settings = load(home=home)
    with exit_codes(), closing(control_of(settings)) as control:
        loaded = read(file)
        accept(loaded)
        in_file = PolicySource(settings).in_file()
        _tell(propose(control, loaded, in_file, _me(), people=settings.policy_people))


def rollback(
    digest: Annotated[str, typer.Argument(help="Beginning of a digest of `history` (default: the one before).")] = "",
    home: Home = None,
) -> None:
    """Go back to a policy that was in force before, and say what that changes in meaning.

    Example: dragoman policy rollback
    """
    settings = load(home=home)
    with exit_codes(), closing(control_of(settings)) as control:
        loaded, source = earlier(control, digest), PolicySource(settings, control)
        typer.echo(diffs.render(diffs.diff(source.read().policy, loaded.policy)))
        _tell(propose(control, loaded, source.in_file(), _me(), people=settings.policy_people))


def agree(
    proposal: Annotated[str, typer.Argument(help="Id, as `propose` and `proposals` print it.")], home: Home = None
) -> None:
    """Agree, as the second person, to a policy that somebody else asked for; says first what it changes.

    Example: dragoman policy agree 01M8A5DX03Q19X5TJNFHR07A0Q
    """
    settings = load(home=home)
    with exit_codes(), closing(control_of(settings)) as control:
        wanted = earlier(control, control.policies.find(proposal).digest)
        typer.echo(diffs.render(diffs.diff(PolicySource(settings, control).read().policy, wanted.policy)))
        _tell(control.policies.agree(proposal, _me()))


def proposals(home: Home = None, as_json: Json = False) -> None:
    """Policies that somebody asked for, newest first, and what became of them.

    Example: dragoman policy proposals
    """
    with exit_codes(as_json), closing(control_of(load(home=home))) as control:
        found = control.policies.all()
    if as_json:
        print_json([{"id": one.id, "name": one.name, "digest": one.digest, "state": str(one.state)} for one in found])
        return
    if not found:
        typer.echo("nobody proposed a policy; `dragoman policy propose FILE` does")
    for one in found:
        reason = f"  {one.reason.splitlines()[0]}" if one.reason else ""
        typer.echo(f"{one.id}  {_when(one.at)}  {one.state:8}  {_short(one.digest)}  {one.name}{reason}")


def history(
    digest: Annotated[
        str, typer.Argument(help="Beginning of a digest: what this policy alone changed when it came into force.")
    ] = "",
    changes: Annotated[
        bool, typer.Option("--changes", help="Say what each changed in meaning, checked against the log.")
    ] = False,
    limit: Annotated[int, typer.Option("-n", min=1, help="With --changes: at most so many.")] = 10,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Policies that came into force, newest first; `rollback` takes their digests.

    Example: dragoman policy history --changes
    Example: dragoman policy history 3f9a0c1d2e4b
    """
    settings = load(home=home)
    with exit_codes(as_json), closing(control_of(settings)) as control:
        if changes or digest:
            _changes(settings, control, digest, limit, as_json=as_json)
            return
        found = control.policies.history()
    if as_json:
        print_json([{"at": one.at, "name": one.name, "digest": one.digest} for one in found])
        return
    if not found:
        typer.echo("no policy was in force yet; `dragoman run` records each that is")
    for one in found:
        typer.echo(f"{_when(one.at)}  {_short(one.digest)}  {one.name}")


def _changes(settings: Settings, control: ControlStore, digest: str, limit: int, *, as_json: bool) -> None:
    from audit.commands.reading import reading
    from audit.values import Question
    from proxy.policy.history import of_digest, steps, told
    from proxy.running.databases import AUDIT, database_url

    with reading(settings.home, database_url(settings, AUDIT) or None) as log:
        with log.store.read() as connection:
            found = of_digest(steps(connection), digest) if digest else steps(connection, limit)
        log.asked(Question.QUERY, len(found), filters=("policy_history",))
    all_told = [told(control, one) for one in found]
    if as_json:
        print_json([_as_data(one) for one in all_told])
        return
    for one in all_told:
        step = one.step
        who = step.actor + (f" and {step.second}" if step.second else "")
        typer.echo(f"{_when(step.at)}  {_short(step.old) or '-'} -> {_short(step.new)}  {step.name}  by {who}")
        shown = one.why if one.difference is None else diffs.render(one.difference)
        typer.echo("\n".join(f"  {line}" for line in shown.splitlines()))
        if one.difference is not None and not one.agrees:
            counted = f"{step.stricter} stricter, {step.weaker} weaker"
            typer.echo(f"  entry {step.index} of the log counts otherwise: {counted}")


def _as_data(one: "Told") -> dict[str, Any]:
    step, found = one.step, one.difference
    return {
        "index": step.index, "at": step.at, "name": step.name, "old_digest": step.old, "new_digest": step.new,
        "actor": step.actor, "second_actor": step.second, "stricter": step.stricter, "weaker": step.weaker,
        "agrees": found is not None and one.agrees, "why": one.why,
        "difference": None if found is None else diffs.as_data(found),
    }  # fmt: skip


def _me() -> Person:
    return Person(os_user(), getpass.getuser())


def _tell(found: Proposal) -> None:
    if found.state is ProposalState.WAITING:
        typer.echo(f"a second person has to agree: dragoman policy agree {found.id}")
    else:
        typer.echo(f"policy {found.name} ({_short(found.digest)}) takes effect when its cases hold; {found.id}")


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]


def _when(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
