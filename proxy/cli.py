"""The `dragoman` command: mounts every other command, and turns errors into one line and an exit code.

Exit codes: 0 holds, 1 does not hold, 2 wrong use or it cannot be done. Commands are imported when they are asked for,
because some of them need libraries that take seconds to load. No traceback ever reaches a user.
"""

import errno
import importlib
import resource
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from proxy.helping import readable

# name -> (module, attribute, one line of help); a typer app becomes a group, a function a command
COMMANDS: dict[str, tuple[str, str, str]] = {
    "run": ("proxy.commands.run", "run", "Start dragoman."),
    "demo": ("proxy.commands.demo", "demo", "The whole story offline, with fake providers."),
    "app": ("proxy.commands.app", "app", "On-board services: credentials for applications."),
    "provider-key": ("proxy.commands.provider_key", "app", "Replace a provider's key that dragoman holds."),
    "token": ("proxy.commands.token", "app", "Who may use the API and the console."),
    "stop": ("proxy.commands.stop", "stop", "Stop a destination or an application, or resume it."),
    "erase": ("proxy.commands.erase", "app", "Erase a person: recipients saved, keys destroyed, all recorded."),
    "approval": ("proxy.commands.approval", "app", "Requests that a rule holds: list, grant, deny."),
    "compare": ("proxy.commands.compare", "app", "Which of two models answers better: ratings, measures, costs."),
    "stream": ("proxy.commands.stream", "app", "Streams out of the log: where they stand."),
    "fake-provider": ("proxy.commands.fake_provider", "fake_provider", "The echoing providers of the tests."),
    "doctor": ("proxy.commands.doctor", "doctor", "Check the installation and say what to do."),
    "ca": ("proxy.commands.ca", "app", "The CA certificate, and what runtimes need to trust it."),
    "net": ("proxy.commands.net", "app", "Lead apps' packets to the transparent door (nftables)."),
    "redact": ("proxy.commands.bulk", "redact", "Replace personal data in text, JSON or JSON lines."),
    "restore": ("proxy.commands.bulk", "restore", "Put originals back."),
    "evaluate": ("redaction.evaluate.cli", "evaluate", "Precision, recall and speed on a data set."),
    "policy": ("proxy.commands.policy", "app", "Lint, test and explain policy files."),
    "audit": ("audit.cli", "app", "Ask the audit log, prove and verify it."),
    "vault": ("proxy.commands.vault", "app", "The store of originals."),
    "bench": ("proxy.commands.bench", "bench", "The ratios of the performance page, measured here."),
}

# name -> the setting that says which database it reads and writes
IN_FORCE = {
    "audit": "audit_database",
    "vault": "vault_database",
    "redact": "vault_database",
    "restore": "vault_database",
}

# What whoever reads it can do about an error of the system
TO_DO = {
    errno.EACCES: "this user may not use that: name another place, or mend its owner and mode",
    errno.EPERM: "this user may not do that: name another place, or mend its owner and mode",
    errno.EROFS: "nothing can be written there: name another place",
    errno.ENOSPC: "make room on that disk and say it again",
    errno.EDQUOT: "this user's quota is used up: make room and say it again",
}


def build(arguments: Sequence[str]) -> typer.Typer:
    """The command tree for these arguments: the command they name with all it has, the others by name and help."""
    root = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, callback=_about)
    wanted = next((word for word in arguments if not word.startswith("-")), "")
    for name, (module, attribute, text) in COMMANDS.items():
        if name != wanted:
            root.command(name, help=text, short_help=text)(_not_loaded)
            continue
        found = getattr(importlib.import_module(module), attribute)
        if name in IN_FORCE:
            from proxy.running.databases import in_force

            found = in_force(found, IN_FORCE[name])
        if isinstance(found, typer.Typer):
            root.add_typer(found, name=name, help=text)
        else:
            root.command(name)(found)
    readable(root)
    return root


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"dragoman {version('dragoman')}")
        raise typer.Exit


def _about(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """dragoman stands between your apps and third-party model APIs: personal data is replaced before it leaves and
    restored in the answer, and every transfer is in a signed log.

    Example: dragoman run
    """


def _not_loaded() -> None:
    raise AssertionError("only the command that was named is ever run")


def main() -> None:
    """Entry point: every error of ours is one line on standard error."""
    without_core()
    try:
        build(sys.argv[1:])()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        message = known_message(error)
        if message is None:
            # Not even the text of an unknown error is shown: it could quote what was inspected.
            message = f"an unexpected {type(error).__name__} happened; this is a defect, please report it"
        typer.echo(f"dragoman: {message}", err=True)
        sys.exit(2)


def without_core() -> None:
    """A crash of this process or a child leaves no picture of its memory, in which originals are."""
    if resource.getrlimit(resource.RLIMIT_CORE)[1]:
        # One byte and not none: Linux then hands it to no program that takes dumps either (fs/coredump.c).
        resource.setrlimit(resource.RLIMIT_CORE, (1, 1))


def known_message(error: Exception) -> str | None:
    """The text of an error that one of our packages raised on purpose, or that somebody can mend; or None."""
    import sqlite3

    from audit.errors import AuditError
    from audit.trouble import why
    from policies.errors import PolicyError
    from proxy.errors import ProxyError
    from redaction.errors import RedactionError

    if isinstance(error, AuditError | PolicyError | ProxyError | RedactionError):
        return str(error)
    if isinstance(error, UnicodeEncodeError):
        return f"the terminal's character set ({error.encoding}) lacks letters that were to be shown; set PYTHONUTF8=1"
    if isinstance(error, FileExistsError | NotADirectoryError) and error.filename:
        return f"a file stands where a folder has to be: {error.filename}"
    if isinstance(cause := getattr(error, "orig", None), sqlite3.DatabaseError):
        return f"a database of the home cannot be used: {why(cause)}; keep it as it is, and put a backup in its place"
    if isinstance(error, OSError) and error.strerror:
        told = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
        return f"{told}; {TO_DO[error.errno]}" if error.errno in TO_DO else told
    return None
