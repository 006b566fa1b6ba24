"""`dragoman provider-key`: a provider's key that dragoman holds is replaced while it serves.

Each request reads the file anew once its record is in the log, so the next one after the exchange of the file uses the
new key, and what is open ends with the old one; both are valid at the provider until nothing is open any more that
began before.
"""

import os
import stat
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from proxy import identity
from proxy.commands.app import MAX_KEY, MIN_KEY
from proxy.config import Settings
from proxy.configured import load
from proxy.errors import ConfigError

app = typer.Typer(help="Replace a provider's key that dragoman holds.", no_args_is_help=True, rich_markup_mode=None)
POLL_S = 0.2

Destination = Annotated[str, typer.Argument(help="Destination, as `provider_keys` names it.")]
Home = Annotated[Path | None, typer.Option(help="Folder of the running dragoman.")]
Wait = Annotated[
    float, typer.Option(help="Seconds at most to wait until nothing uses the old key; 0: do not wait.", min=0)
]


@app.command()
def rotate(
    name: Destination,
    file: Annotated[typer.FileText, typer.Argument(help="File with the new key, or - for standard input.")],
    wait: Wait = 0,
    home: Home = None,
) -> None:
    """Use a new key from the next request on; the old one is kept beside it, in case the new one does not work.

    Make the new key at the provider first, and revoke the old one when this says so. On each machine that has the file.

    Example: pass show openai/new | dragoman provider-key rotate openai - --wait 900
    """
    settings = load(home=home)
    place = _place(settings, name)
    new = file.read(MAX_KEY + 1).strip()
    if not MIN_KEY <= len(new) <= MAX_KEY or not new.isascii() or not new.isprintable():
        raise ConfigError(f"a provider's key has {MIN_KEY} to {MAX_KEY:,} characters of ASCII, on one line")
    old = place.read_text(encoding="utf-8")
    if old.strip() == new:
        raise ConfigError(f"{name} uses this key already")
    _put(_kept(place), old, like=place)
    _exchanged(settings, name, place, new + "\n", wait)


@app.command()
def back(name: Destination, wait: Wait = 0, home: Home = None) -> None:
    """Use the key before the last rotation again, and keep the newer one.

    Example: dragoman provider-key back openai
    """
    settings = load(home=home)
    place = _place(settings, name)
    kept = _kept(place)
    if not kept.exists():
        raise ConfigError(f"there is no older key of {name}: {kept}")
    older, newer = kept.read_text(encoding="utf-8"), place.read_text(encoding="utf-8")
    _put(kept, newer, like=place)
    _exchanged(settings, name, place, older, wait)


def _exchanged(settings: Settings, name: str, place: Path, key: str, wait: float) -> None:
    _put(place, key, like=place)
    at_ms = time.time_ns() // 1_000_000
    typer.echo(f"{name} uses another key from the next request on; where a policy names it:")
    typer.echo(f"  identify: {{provider_key: {identity.fingerprint(key.strip())}}}")
    if not wait:
        typer.echo("revoke the one before when no transfer that began with it is open: --wait says when")
    elif _unused(settings, name, at_ms, wait):
        typer.echo("nothing uses the key before any more; revoke it at the provider")
    else:
        typer.echo("transfers that began with the key before are still open: dragoman audit query --where state=open")
        raise typer.Exit(1)


def _unused(settings: Settings, name: str, at_ms: int, wait: float) -> bool:
    """Whether everything that may have read the key before that time has ended, as the log says, within `wait`.

    What reads the key is in the log before (`proxy.steps.outgoing.with_current_key`).
    """
    from audit.query import Question, transfers
    from audit.store import Store
    from proxy.running.databases import AUDIT, database_url

    until = time.monotonic() + wait
    url = database_url(settings, AUDIT) or f"sqlite:///{settings.home / 'audit.db'}"
    question = Question({"destination": name, "kind": "transfer", "state": "open"})
    with closing(Store.open(url, read_only=True)) as store:
        while True:
            with store.read() as connection:
                if not any(row["at"] <= at_ms for row in transfers(connection, question)):
                    return True
            if time.monotonic() > until:
                return False
            time.sleep(POLL_S)


def _place(settings: Settings, name: str) -> Path:
    """The file of a key. Raises ConfigError where it is none that can be replaced here."""
    reference = settings.provider_keys.get(name)
    if reference is None:
        known = ", ".join(sorted(settings.provider_keys)) or "none"
        raise ConfigError(f"`provider_keys` in config.toml names no key for {name}; there are: {known}")
    if reference.startswith("env:"):
        raise ConfigError(f"the key of {name} is in the environment ({reference}), which only a new start reads anew")
    place = Path(reference)
    if place.is_symlink():
        raise ConfigError(f"{place} is a link; what made it (a Kubernetes secret?) has to replace the key")
    if not place.is_file():
        raise ConfigError(f"{place}: there is no such file")
    return place


def _kept(place: Path) -> Path:
    return place.with_name(f"{place.name}.old")


def _put(path: Path, text: str, *, like: Path) -> None:
    """Writes a file whole, with owner and mode of another: whoever could read that one can read this one."""
    model = like.stat()
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        if (model.st_uid, model.st_gid) != (os.getuid(), os.getgid()):
            os.fchown(descriptor, model.st_uid, model.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(model.st_mode))
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    temporary.replace(path)
