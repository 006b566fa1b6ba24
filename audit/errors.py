"""The errors of `audit`: one base, few kinds, each with a stable code.

A text names the field, file or entry concerned and what to do; it never holds the value that was refused, because
that value may be personal data. Whoever sees `LedgerError` must not send anything: nothing was recorded.
"""

from pathlib import Path


class AuditError(Exception):
    """Base of every error that `audit` raises on purpose. code: stable, may stand in metrics and answers."""

    code = "audit"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class RecordError(AuditError):
    """A record that may not enter the log. field: dotted name of the field (`destination.role`), never its value."""

    code = "record_invalid"

    def __init__(self, field: str, message: str, *, code: str | None = None) -> None:
        super().__init__(f"{field}: {message}", code=code)
        self.field, self.rule = field, message

    def inside(self, outer: str) -> "RecordError":
        """The same error, named from one level further out (`role` inside `destination` is `destination.role`)."""
        between = "." if self.field and not self.field.startswith("[") else ""
        return RecordError(f"{outer}{between}{self.field}", self.rule, code=self.code)


class LedgerError(AuditError):
    """The record was not acknowledged; treat the transfer as not recorded and refuse it.

    Codes: `ledger_full` (pushback, try again), `ledger_closed` (shut down), `ledger_failed` (a commit failed; a start
    recovers), `ledger_reopening` (the same, see `Ledger.reopen`), `ledger_fork` (the database is older than what was
    published).
    """

    code = "ledger_failed"


class StoreError(AuditError):
    """The database cannot be opened, is of another version, or does not answer."""

    code = "store"


class SigningKeyError(AuditError):
    """A key file is missing, unreadable, open to others, or not a key of this log."""

    code = "key"


class VerifyError(AuditError):
    """What was checked does not hold. index: the first bad entry where one can be named, else None."""

    code = "verify_failed"

    def __init__(self, message: str, *, code: str | None = None, index: int | None = None) -> None:
        super().__init__(message, code=code)
        self.index = index


def unwritable(out: Path | None, error: OSError) -> str:
    """What to say where a new file or folder could not be made."""
    if isinstance(error, FileExistsError):
        return f"{out} cannot be written: it is there already; name a new one, or remove it first"
    return f"{out} cannot be written ({error.strerror})"
