"""What the commands share: their options, the log opened for reading, and the record of who looked.

Reads beside a running server. Identifiers of persons are hashed here and go no further. Heavy libraries are loaded
when a command runs, not when it is listed.
"""

import getpass
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audit.errors import AuditError, VerifyError
from audit.ids import now_ms
from audit.values import Question as Asked

if TYPE_CHECKING:
    from audit.trust import TrustPolicy

HomeOption = Annotated[
    Path | None, typer.Option("--home", envvar="DRAGOMAN_HOME", help="State folder (default: the user's data folder).")
]
DatabaseOption = Annotated[
    str | None, typer.Option("--database", envvar="DRAGOMAN_AUDIT_DATABASE", help="URL, where it is not in the home.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SinceOption = Annotated[str | None, typer.Option(help="From (UTC): 2026-11-24, 2026-11-24T10:00, or 7d, 12h, 30m ago.")]
UntilOption = Annotated[str | None, typer.Option(help="Up to, exclusive; written like --since.")]
SubjectOption = Annotated[
    str | None, typer.Option(help="Person by the real identifier (hashed here, never stored); - reads it from stdin.")
]
SessionOption = Annotated[
    str | None, typer.Option(help="Session by the id the application gives it (hashed here, never stored).")
]


@contextmanager
def told() -> Iterator[None]:
    """Turns our errors into one line and an exit code."""
    try:
        yield
    except VerifyError as error:
        typer.echo(f"does not hold: {error.message}", err=True)
        raise typer.Exit(1) from None
    except AuditError as error:
        typer.echo(f"dragoman: {error.message}", err=True)
        raise typer.Exit(2) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None


def home_path(home: Path | None) -> Path:
    """The state folder: as given, else the user's data folder."""
    from platformdirs import user_data_path

    return home if home is not None else user_data_path("dragoman")


def plural(n: int, what: str) -> str:
    """`1 gap`, `2 gaps`."""
    return f"{n} {what}{'' if n == 1 else 's'}"


def os_user() -> str:
    """Who sits at this terminal, for a keyed reference."""
    return f"os-user:{getpass.getuser()}"


class Reader:
    """The log, opened for reading, and the way to leave a record of having read."""

    def __init__(self, home: Path | None, database: str | None) -> None:
        from audit.home import Home
        from audit.references import References, index_key
        from audit.store import Store

        self.home, self._database = Home(home_path(home)), database
        self.vkey = self.home.read_vkey()
        self.store = Store.open(database or self.home.database_url, read_only=True)
        self.references = References(self.store, index_key(self.home.index_key))

    def refs(self, subject: str | None) -> tuple[str, ...] | None:
        """The references of a person given by the real identifier, None where none was given."""
        from audit.references import Space

        if subject is None:
            return None
        identifier = sys.stdin.readline().rstrip("\n") if subject == "-" else subject
        return self.references.known(Space.SUBJECT, identifier)

    def sessions(self, session: str | None) -> tuple[str, ...] | None:
        """The references of a session given by the application's own id, None where none was given."""
        from audit.references import Space

        return None if session is None else self.references.known(Space.SESSION, session)

    def trust(self) -> bytes | None:
        """The C2SP tlog-policy for whoever verifies this log, None where it has no witnesses."""
        policy = read_trust(self.home.trust if self.home.trust.exists() else None)
        return None if policy is None else policy.text(self.vkey)

    def leave(self, make: Callable[[str], Any]) -> None:
        """Appends a record of the reading; says so on stderr where this process may not append."""
        from audit.log import Ledger

        try:
            ledger = Ledger.join(self.home.path, database_url=self._database)
        except AuditError as error:
            typer.echo(f"note: this reading is not in the log ({error.code})", err=True)
            return
        try:
            actor = ledger.references.actor(os_user())
            ledger.append_blocking(make(actor))
        finally:
            ledger.close()

    def asked(self, question: Asked, results: int, **more: Any) -> None:
        """Leaves a `query` record."""
        from audit.events import QueryRecord

        self.leave(lambda actor: QueryRecord(at=now_ms(), question=question, results=results, actor=actor, **more))


@contextmanager
def reading(home: Path | None, database: str | None) -> Iterator[Reader]:
    """Opens the log for reading and closes it."""
    with told():
        reader = Reader(home, database)
        try:
            yield reader
        finally:
            reader.store.close()


def moment(text: str | None) -> int | None:
    """A time in milliseconds from a date, a date and time (UTC), or so long ago (`7d`, `12h`, `30m`)."""
    if text is None:
        return None
    units = {"d": "days", "h": "hours", "m": "minutes"}
    try:
        if text[:-1].isdecimal() and text[-1:] in units:
            found = datetime.now(UTC) - timedelta(**{units[text[-1]]: int(text[:-1])})
        else:
            found = datetime.fromisoformat(text)
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise typer.BadParameter("write 2026-11-24, 2026-11-24T10:00, 7d, 12h or 30m") from None


def day_span(day: str | None) -> tuple[int | None, int | None]:
    """Begin and end of a day in UTC, in milliseconds."""
    if day is None:
        return None, None
    start = moment(day)
    return start, None if start is None else start + 86_400_000


def conditions(where: list[str], **named: str | None) -> dict[str, str]:
    """Conditions from `--where field=value` and from the options that have a name of their own."""
    found = {name: value for name, value in named.items() if value is not None}
    for pair in where:
        name, equals, value = pair.partition("=")
        if not equals:
            raise typer.BadParameter("--where takes field=value")
        found[name] = value
    return found


def read_trust(path: Path | None) -> "TrustPolicy | None":
    """A C2SP tlog-policy from its file. Raises TrustError."""
    from audit.trust import TrustError, TrustPolicy

    if path is None:
        return None
    try:
        return TrustPolicy.parse(path.read_bytes())
    except TrustError as error:
        raise TrustError(f"{path}: {error.message}") from None
    except OSError as error:
        raise TrustError(f"{path} cannot be read ({error.strerror})") from None


def read_keys(vkey: list[str]) -> list[Any]:
    """Verifier keys from texts or from files that hold one on each line."""
    from audit.signing import VerifierKey

    texts: list[str] = []
    for one in vkey:
        path = Path(one)
        texts += path.read_text().split() if "+" not in one and path.is_file() else [one]
    return [VerifierKey.parse(text) for text in texts]
