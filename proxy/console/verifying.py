"""Verification of the whole log in a thread of its own: started on request, one at a time, its last result kept."""

import threading
from dataclasses import dataclass
from enum import StrEnum

from audit.errors import AuditError, VerifyError
from audit.home import Home
from audit.ids import now_ms
from audit.values import Question as Asked
from audit.verify import verify_store
from proxy.console.access import Right, Visitor
from proxy.console.log import AuditLog


class State(StrEnum):
    """Where the last verification stands."""

    NEVER = "never"
    RUNNING = "running"
    HOLDS = "holds"
    FAILS = "fails"
    BROKEN_OFF = "broken_off"


@dataclass(frozen=True, slots=True)
class Status:
    """started, ended: ms. done, entries: how far. index, message: the first bad entry, where it fails."""

    state: State = State.NEVER
    started: int | None = None
    ended: int | None = None
    done: int = 0
    entries: int = 0
    root: str = ""
    gaps: int = 0
    open: int = 0
    index: int | None = None
    message: str = ""


class Verification:
    """The last verification of a log since this process began."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._status = Status()

    def status(self, visitor: Visitor) -> Status:
        """How it stands. Raises RefusedError."""
        visitor.require(Right.LOG)
        with self._lock:
            return self._status

    def start(self, visitor: Visitor) -> Status:
        """Starts one where none runs. Raises RefusedError, AuditError."""
        visitor.require(Right.LOG)
        self._log.asked(visitor, Asked.PROVE, 1)
        with self._lock:
            if self._status.state is not State.RUNNING:
                self._status = Status(State.RUNNING, started=now_ms())
                threading.Thread(target=self._run, name="console-verify", daemon=True).start()
            return self._status

    def _run(self) -> None:
        started = self._status.started
        try:
            published = Home(self._log.home).log
            found = verify_store(self._log.store, [self._log.vkey], published=published, progress=self._progress)
        except VerifyError as error:
            self._set(Status(State.FAILS, started, now_ms(), index=error.index, message=error.message))
        except AuditError as error:
            self._set(Status(State.BROKEN_OFF, started, now_ms(), message=error.message))
        except Exception as error:
            # Not the error's own words: they could hold anything.
            self._set(Status(State.BROKEN_OFF, started, now_ms(), message=f"an unexpected {type(error).__name__}"))
        else:
            size, root = found.checkpoint.size, found.checkpoint.root.hex()
            self._set(Status(State.HOLDS, started, now_ms(), size, size, root=root, gaps=found.gaps, open=found.open))

    def _progress(self, done: int, total: int) -> None:
        with self._lock:
            self._status = Status(State.RUNNING, self._status.started, None, done, total)

    def _set(self, status: Status) -> None:
        with self._lock:
            self._status = status
