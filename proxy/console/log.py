"""The log as the console has it: opened beside the process that serves it, to read and to record who read.

One connection for the life of the process, made again when the log was restarted or its key has changed.
"""

import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from audit.canonical import Record
from audit.errors import AuditError
from audit.events import ExportRecord, QueryRecord
from audit.home import Home
from audit.ids import now_ms
from audit.references import Space
from audit.signing import VerifierKey
from audit.store import Store, other_schema, revision_of
from audit.tables import REVISION
from audit.values import ExportFormat, Question
from proxy.config import Settings
from proxy.console.access import Visitor
from proxy.running.databases import AUDIT, database_url, join_log

if TYPE_CHECKING:
    from audit.log import Ledger

log = logging.getLogger("dragoman")

MAX_REFS = 16
MAX_FILTERS = 32


class AuditLog:
    """Raises AuditError from everything: whoever cannot be recorded gets no answer."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._home = settings, Home(settings.home)
        self._lock = threading.Lock()
        self._ledger: Ledger | None = None
        self._vkey: VerifierKey | None = None

    @property
    def store(self) -> Store:
        """The database."""
        return self.ledger().store

    def warn(self) -> None:
        """Says in the process log where the database is of another release, so that no page will be shown."""
        try:
            found = revision_of(database_url(self._settings, AUDIT) or self._home.database_url)
        except AuditError as error:
            log.warning("%s", error.message)
            return
        if found not in {None, REVISION}:
            log.warning("%s", other_schema(found))

    @property
    def home(self) -> Path:
        """The folder of the log."""
        return self._home.path

    @property
    def vkey(self) -> VerifierKey:
        """The newest verifier key."""
        return self._home.read_vkey()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One state of the log."""
        with self.ledger().store.read() as connection:
            yield connection

    def refs(self, identifier: str, space: Space = Space.SUBJECT) -> tuple[str, ...]:
        """The references of a person or a session; the identifier goes no further."""
        return self.ledger().references.known(space, identifier)

    def actor(self, visitor: Visitor) -> str:
        """The reference of somebody who asks or acts."""
        return self.ledger().references.actor(visitor.actor)

    def append(self, record: Record) -> None:
        """Records; returns when it is durable."""
        self.ledger().append_blocking(record)

    def asked(self, visitor: Visitor, question: Question, results: int, **more: Any) -> None:
        """Records that somebody looked. more: filters, refs, transfer, as in `QueryRecord`."""
        more["filters"] = tuple(sorted(more.get("filters", ())))[:MAX_FILTERS]
        more["refs"] = tuple(more.get("refs") or ())[:MAX_REFS]
        actor = self.actor(visitor)
        self.append(QueryRecord(at=now_ms(), question=question, results=results, actor=actor, **more))

    def exported(
        self,
        visitor: Visitor,
        form: ExportFormat,
        size: int,
        root: bytes,
        part: int | None = None,
        filters: Iterable[str] = (),
    ) -> None:
        """Records that the log is copied out, before the first byte of it is. part: entries, where not all of it;
        filters: fields that it was chosen by."""
        actor, n = self.actor(visitor), size if part is None else part
        names = tuple(sorted(filters))[:MAX_FILTERS]
        self.append(
            ExportRecord(
                at=now_ms(), format=form, tree_size=size, root=root.hex(), entries=n, filters=names, actor=actor
            )
        )

    def close(self) -> None:
        """Ends; safe to call twice."""
        with self._lock:
            if self._ledger is not None:
                self._ledger.close()
                self._ledger = None

    def ledger(self) -> "Ledger":
        """The log, opened; made anew where it was restarted. Safe between threads."""
        vkey = self.vkey
        with self._lock:
            if self._ledger is not None and (self._ledger.refusal is not None or vkey != self._vkey):
                self._ledger.close()
                self._ledger = None
            if self._ledger is None:
                self._ledger = join_log(self._settings)
                self._vkey = vkey
            return self._ledger
