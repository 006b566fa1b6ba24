"""What each of Ray's actors does: partition after partition, with models loaded once, and what it kept from ending."""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Any

from proxy.bulk.job import Done, Job, digest_of
from proxy.bulk.parts import opened
from proxy.bulk.path import Redacting, Restoring
from proxy.cli import known_message
from proxy.configured import load

TEMPORARY = ".dragoman-part"


class Worker:
    """An actor of Ray Data's. own: SHA-256 of files that came out of a redaction and were not touched since."""

    def __init__(self, job: Job, own: frozenset[str]) -> None:
        self._job, self._own = job, own
        self._path: Redacting | Restoring | None = None
        # Whoever outlives a run that was killed writes into no file of the next one's.
        self._mark = secrets.token_hex(4)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """Names of partitions in, lines of the manifest out. Never raises: Ray would log what an error quotes."""
        return {"line": [self.partition(str(name)).line() for name in batch["name"]]}

    def close(self) -> None:
        """Ends what it opened; an actor of Ray's ends with its process instead."""
        if self._path is not None:
            self._path.close()

    def partition(self, name: str) -> Done:
        """Does one. The output appears whole, under its name, when every record of it is durable."""
        temporary = (self._job.target / name).with_name(f".{Path(name).name}.{self._mark}{TEMPORARY}")
        try:
            return self._partition(name, temporary)
        except Exception as error:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            return Done(name, error=known_message(error) or f"an unexpected {type(error).__name__}")

    def _partition(self, name: str, temporary: Path) -> Done:
        source, target = self._job.source / name, self._job.target / name
        if self._path is None:
            settings = load(home=self._job.home)
            self._path = (Restoring if self._job.restore else Redacting)(settings, self._job)
        path, before, records = self._path, digest_of(source), 0
        if isinstance(path, Redacting):
            path.look()
        target.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            with contextlib.closing(opened(source, file, self._job.keep)) as part:
                for lines in part.batches():
                    if isinstance(path, Redacting):
                        part.put(path.batch(lines))
                        records += 1
                    else:
                        part.put(path.batch(lines, own=before in self._own))
            file.flush()
            os.fsync(file.fileno())
        after = digest_of(temporary)
        temporary.replace(target)
        return Done(name, before, after, part.rows, records, path.policy_digest)
