"""What persons said about the use of their data: consent, objection, minority; from wherever the policy names.

Identifiers enter and facts leave; whoever is not found, and whatever cannot be read, is `unknown`, which the policy's
rules have to speak about. Nothing is kept longer than the policy allows, at most 60 seconds.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from policies.declared import SubjectSource
from policies.model import SubjectFacts
from proxy.errors import ConfigError
from proxy.identity import Subject
from proxy.next_proxy import NextProxy
from proxy.steps.flag_facts import facts_of

if TYPE_CHECKING:
    from proxy.outbound.flag_database import FlagDatabase
    from proxy.outbound.flags import FlagService

MAX_FILE = 64 * 1024 * 1024
"""Bytes; some hundred thousand persons. More belong into a service of their own."""

_NOTHING: Mapping[str, str] = {}


@dataclass(slots=True)
class FlagFiles:
    """Flags from JSON files: identifier -> `{"consent": "given", "objected": "no", "minor": "no"}`.

    `consent` and `objected` may also be mappings of purposes. home: folder that relative names are looked up in.
    observe: counts what cannot be read. clock: seconds, monotonic.
    """

    home: Path
    observe: Callable[[str, str], None]
    clock: Callable[[], float] = time.monotonic
    _known: dict[str, tuple[float, Mapping[str, Any]]] = field(default_factory=dict)
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def look_up(
        self, source: SubjectSource, subjects: Sequence[Subject], purpose: str
    ) -> tuple[SubjectFacts, ...]:
        """The facts of each subject, in order."""
        table = await self._table(source)
        return tuple(facts_of(one.role, table.get(one.identifier), purpose) for one in subjects)

    async def _table(self, source: SubjectSource) -> Mapping[str, Any]:
        async with self._reading:
            read_at, table = self._known.get(source.at, (None, _NOTHING))
            if read_at is None or self.clock() - read_at > source.cache_seconds:
                table = await asyncio.to_thread(self._read, source.at)
                self._known = {source.at: (self.clock(), table)}
            return table

    def _read(self, name: str) -> Mapping[str, Any]:
        try:
            with (self.home / name).open("rb") as stream:
                data = stream.read(MAX_FILE + 1)
            table = orjson.loads(data) if len(data) <= MAX_FILE else None
        except (OSError, orjson.JSONDecodeError):
            table = None
        if not isinstance(table, dict):
            # Then everybody is unknown; the rules say what that means, and the counter that something is wrong.
            self.observe("flags_unreadable", "file")
            return _NOTHING
        return table


def allowed_url(url: str) -> bool:
    """Whether identifiers may be sent there: https, or this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"})


class FlagSources:
    """Asks where the policy says: a file, a database or a service of the company. home, observe: see `FlagFiles`.

    databases: name -> reference of its URL (`config.secret`).
    """

    def __init__(
        self,
        home: Path,
        observe: Callable[[str, str], None],
        databases: Mapping[str, str] = _NOTHING,
        through: NextProxy | None = None,
    ) -> None:
        self._observe, self._databases, self._through = observe, databases, through
        self._files = FlagFiles(home, observe)
        self._service: FlagService | None = None
        self._database: FlagDatabase | None = None

    async def look_up(
        self, source: SubjectSource, subjects: Sequence[Subject], purpose: str
    ) -> tuple[SubjectFacts, ...]:
        """The facts of each subject, in order."""
        match source.source:
            case "file":
                return await self._files.look_up(source, subjects, purpose)
            case "sql":
                if self._database is None:
                    from proxy.outbound.flag_database import FlagDatabase

                    self._database = FlagDatabase(self._databases, self._observe)
                return await self._database.look_up(source, subjects, purpose)
            case _:
                if self._service is None:
                    from proxy.outbound.flags import FlagService  # with its HTTP client, which few policies need

                    self._service = FlagService(self._observe, self._through)
                return await self._service.look_up(source, subjects, purpose)

    async def close(self) -> None:
        """Ends the connections."""
        if self._service is not None:
            await self._service.close()
        if self._database is not None:
            await asyncio.to_thread(self._database.close)


def check_database(source: SubjectSource | None, databases: Mapping[str, str]) -> None:
    """Raises ConfigError where a policy asks a database that settings do not name."""
    if source is not None and source.source == "sql" and source.at not in databases:
        hint = f'add it to [flag_databases] in config.toml: {source.at[:60]} = "env:NAME"'
        raise ConfigError(f"the policy asks the database '{source.at[:60]}' for flags, which no setting names; {hint}")
