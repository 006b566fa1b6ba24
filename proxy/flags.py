"""What persons said about the use of their data: consent, objection, minority; from a header, a file or a service.

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

from policies.model import Consent, Flag, SubjectFacts
from policies.policy import SubjectSource
from proxy.identity import Subject

if TYPE_CHECKING:
    from proxy.outbound.flags import FlagService

MAX_FILE = 64 * 1024 * 1024
"""Bytes; some hundred thousand persons. More belong into a service of their own."""

_NOTHING: Mapping[str, str] = {}


@dataclass(slots=True)
class FlagFiles:
    """Flags from JSON files: identifier -> `{"consent": "given", "objected": "no", "minor": "no"}`.

    `consent` may also be a mapping of purposes. home: folder that relative names are looked up in. observe: counts
    what cannot be read. clock: seconds, monotonic.
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
    """Asks where the policy says: a file, or a service of the company. home, observe: see `FlagFiles`."""

    def __init__(self, home: Path, observe: Callable[[str, str], None]) -> None:
        self._observe = observe
        self._files = FlagFiles(home, observe)
        self._service: FlagService | None = None

    async def look_up(
        self, source: SubjectSource, subjects: Sequence[Subject], purpose: str
    ) -> tuple[SubjectFacts, ...]:
        """The facts of each subject, in order."""
        if source.source == "file":
            return await self._files.look_up(source, subjects, purpose)
        if self._service is None:
            from proxy.outbound.flags import FlagService  # with its HTTP client, which few policies need

            self._service = FlagService(self._observe)
        return await self._service.look_up(source, subjects, purpose)

    async def close(self) -> None:
        """Ends the connections."""
        if self._service is not None:
            await self._service.close()


def header_facts(values: Sequence[str], subjects: Sequence[Subject], purpose: str) -> tuple[SubjectFacts, ...]:
    """The facts of each subject from header lines `[subject=ID;] consent=given; objected=no; minor=no`.

    A line without a subject speaks of the requester; where no subject is known it makes one.
    """
    lines = [dict(_pair(part) for part in value.split(";")) for value in values]
    table = {line["subject"]: line for line in lines if line.get("subject")}
    own = next((line for line in lines if not line.get("subject")), None)
    known = subjects or ((Subject(""),) if own is not None else ())
    return tuple(
        facts_of(one.role, table.get(one.identifier) or (own if one.role == "requester" else None), purpose)
        for one in known
    )


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return name.strip().lower(), value.strip()


def facts_of(role: str, entry: Any, purpose: str) -> SubjectFacts:
    """One person's facts from an entry of a file or an answer; None for who is not in it."""
    flags = entry if isinstance(entry, Mapping) else _NOTHING
    consent = flags.get("consent")
    if isinstance(consent, Mapping):
        consent = consent.get(purpose)
    return SubjectFacts(
        role,
        Consent(consent) if consent in set(Consent) else Consent.UNKNOWN,
        _flag(flags.get("objected")),
        _flag(flags.get("minor")),
    )


def _flag(value: Any) -> Flag:
    if isinstance(value, bool):
        return Flag.YES if value else Flag.NO
    return Flag(value) if value in set(Flag) else Flag.UNKNOWN
