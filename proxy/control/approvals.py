"""Held requests and what an officer said about them: references, facts of the request, a fingerprint; never a text.

A fingerprint is a keyed hash of one request, so that an approval lets the same request pass when it is sent again, and
no other. Rows are forgotten a week after they were made.
"""

from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from audit.ids import now_ms
from proxy.control.database import ControlDatabase
from proxy.control.tables import approval
from proxy.errors import ConfigError, FormatError

DAY_MS = 86_400_000
KEPT_MS = 7 * DAY_MS
MAX_HOURS = 7 * 24
MAX_WORDS = 500
"""Characters of an officer's own words; they stay in the control store and go with the row."""
MAX_WAITING = 10_000
"""Rows that wait at one time; further requests are refused and recorded all the same, but nobody is asked."""


class ApprovalState(StrEnum):
    """What became of a held request."""

    WAITING = "waiting"
    APPROVED = "approved"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class HeldRequest:
    """One request that a rule holds. reference: id of its `blocked` record. rules: of the policy. Times: ms.

    reason, because: why it was approved, as `audit.values.ApprovalReason` and in words; "" before.
    """

    reference: str
    at: int
    application: str
    destination: str
    rules: tuple[str, ...]
    fingerprint: bytes
    state: ApprovalState = ApprovalState.WAITING
    until: int | None = None
    reason: str = ""
    because: str = ""


class Approvals:
    """The held requests of one control database. Synchronous."""

    def __init__(self, database: ControlDatabase) -> None:
        self._database = database

    def ask(self, held: HeldRequest) -> bool:
        """Let a request wait for an officer. False where too many wait already."""
        with self._database.write() as connection:
            connection.execute(approval.delete().where(approval.c.at < held.at - KEPT_MS))
            waiting = sa.select(sa.func.count()).where(approval.c.state == ApprovalState.WAITING)
            if connection.execute(waiting).scalar_one() >= MAX_WAITING:
                return False
            # The same request once more does not make the officer's list longer.
            same = (approval.c.fingerprint == held.fingerprint) & (approval.c.state == ApprovalState.WAITING)
            connection.execute(approval.delete().where(same))
            connection.execute(
                approval.insert().values(
                    reference=held.reference,
                    at=held.at,
                    application=held.application,
                    destination=held.destination,
                    rules=" ".join(held.rules),
                    fingerprint=held.fingerprint,
                    state=str(ApprovalState.WAITING),
                )
            )
        return True

    def all(self) -> tuple[HeldRequest, ...]:
        """Every held request that is not forgotten yet, newest first."""
        with self._database.read() as connection:
            return tuple(_row(row) for row in connection.execute(sa.select(approval).order_by(approval.c.at.desc())))

    def find(self, reference: str) -> HeldRequest:
        """One of them. Raises ConfigError where nobody waits under that reference."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(approval).where(approval.c.reference == reference)).first()
        if row is None:
            raise ConfigError(f"no held request has the reference {reference}; `dragoman approval list` shows them")
        return _row(row)

    def grant(self, reference: str, until: int, reason: str, because: str = "") -> None:
        """Lets that very request pass until then (`end_of`). because: `in_words`. Raises ConfigError."""
        self._set(reference, ApprovalState.APPROVED, until, reason=reason, because=because)

    def deny(self, reference: str) -> None:
        """Ends the waiting, or an approval that was given. Raises ConfigError."""
        self._set(reference, ApprovalState.DENIED, None)

    def granted(self) -> dict[bytes, frozenset[str]]:
        """Fingerprint -> rules that may not hold it, of every approval that has not ended."""
        wanted = (approval.c.state == ApprovalState.APPROVED) & (approval.c.until > now_ms())
        found: dict[bytes, frozenset[str]] = {}
        with self._database.read() as connection:
            for row in connection.execute(sa.select(approval).where(wanted)):
                found[row.fingerprint] = found.get(row.fingerprint, frozenset()) | frozenset(row.rules.split())
        return found

    def _set(self, reference: str, state: ApprovalState, until: int | None, **why: str) -> None:
        self.find(reference)
        with self._database.write() as connection:
            change = approval.update().where(approval.c.reference == reference)
            connection.execute(change.values(state=str(state), until=until, **why))


def end_of(hours: int) -> int:
    """When an approval that is given now ends (ms); said once, for the record and the store. Raises ConfigError."""
    if not 1 <= hours <= MAX_HOURS:
        raise ConfigError(f"an approval lasts 1 to {MAX_HOURS} hours")
    return now_ms() + hours * 3_600_000


def in_words(text: str) -> str:
    """What an officer says besides the reason, on one line. Raises FormatError where it is too long."""
    words = " ".join(text.split())
    if len(words) > MAX_WORDS or not words.replace(" ", "a").isprintable():
        raise FormatError(f"say why in at most {MAX_WORDS} printable characters", code="input")
    return words


def _row(row: "sa.Row[tuple[object, ...]]") -> HeldRequest:
    rules, state = tuple(row.rules.split()), ApprovalState(row.state)
    return HeldRequest(
        row.reference, row.at, row.application, row.destination, rules, row.fingerprint, state, row.until,
        row.reason, row.because,
    )  # fmt: skip
