"""`dragoman stop`: nothing more goes to a destination, or from an application, until it is resumed.

The stop is set in control.db, which every process looks at each second, and is a record of the log.
"""

from pathlib import Path
from typing import Annotated

import typer

from proxy.config import default_home
from proxy.errors import ConfigError


def stop(
    name: Annotated[str, typer.Argument(help="Destination or application, by its name in the policy.")],
    resume: Annotated[bool, typer.Option("--resume", help="End the stop.")] = False,
    home: Annotated[Path | None, typer.Option(help="Folder of the running dragoman.")] = None,
    policy: Annotated[Path | None, typer.Option(help="Policy file, where it is not HOME/policy.yaml.")] = None,
) -> None:
    """Stop a destination or an application on every replica within 2 s; --resume ends it.

    Example: dragoman stop openai
    """
    from proxy.control.store import ControlStore
    from proxy.policy_source import load_policy

    folder = home or default_home()
    active = load_policy(folder, policy, "default")
    store = ControlStore.at(folder)
    if name in active.destinations:
        target = "destination"
    elif name in active.applications or any(item.application == name for item in store.credentials()):
        target = "application"
    else:
        raise ConfigError(f"the policy names no destination and no application {name}")
    changed = store.set_stop(target, name, stopped=not resume)
    word = "resumed" if resume else "stopped"
    typer.echo(f"{target} {name} {'is' if changed else 'was already'} {word}")
