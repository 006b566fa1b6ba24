"""`dragoman stop`: nothing more goes to a destination, or from an application, until it is resumed.

The stop is set in the control database, which every process looks at each second, and is a record of the log.
"""

from pathlib import Path
from typing import Annotated

import typer

from audit.commands.reading import os_user
from audit.values import StopState, StopTarget
from proxy.configured import default_home, load
from proxy.control.stopping import set_stop
from proxy.control.store import ControlStore
from proxy.errors import ConfigError
from proxy.running.databases import control_of, join_log


def stop(
    name: Annotated[str, typer.Argument(help="Destination or application, by its name in the policy.")],
    resume: Annotated[bool, typer.Option("--resume", help="End the stop.")] = False,
    home: Annotated[Path | None, typer.Option(help="Folder of the running dragoman.")] = None,
    policy: Annotated[Path | None, typer.Option(help="Policy file, where it is not HOME/policy.yaml.")] = None,
) -> None:
    """Stop a destination or an application within 2 s, on every machine that shares the control database.

    Example: dragoman stop openai
    """
    folder = home or default_home()
    store = control_of(load(home=folder))
    try:
        target = _target(store, folder, policy, name)
        changed = set_stop(store, target, name, lambda state: _record(folder, target, name, state), stopped=not resume)
    finally:
        store.close()
    typer.echo(f"{target} {name} {'is' if changed else 'was already'} {'resumed' if resume else 'stopped'}")


def _target(store: ControlStore, folder: Path, policy: Path | None, name: str) -> StopTarget:
    from proxy.policy.source import meant

    active = meant(load(home=folder, policy=policy), store)
    if name in active.destinations:
        return StopTarget.DESTINATION
    if name in active.applications or any(item.application == name for item in store.credentials()):
        return StopTarget.APPLICATION
    raise ConfigError(f"the policy names no destination and no application {name}")


def _record(folder: Path, target: StopTarget, name: str, state: StopState) -> None:
    from audit.events import StopRecord
    from audit.ids import now_ms

    ledger = join_log(load(home=folder))
    try:
        actor = ledger.references.actor(os_user())
        ledger.append_blocking(StopRecord(at=now_ms(), target=target, name=name, state=state, actor=actor))
    finally:
        ledger.close()
