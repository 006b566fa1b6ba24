"""What entries about persons say, wherever they came from: a file, a service, a claim or a header.

Identifiers enter and facts leave; whatever cannot be read is `unknown`.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from policies.declared import SubjectSource
from policies.model import Consent, Flag, SubjectFacts
from proxy.identity import Subject

_NOTHING: Mapping[str, str] = {}

MAX_KNOWN = 10_000
"""Persons whose flags are kept at a time."""

type _Key = tuple[SubjectSource, str, str]


@dataclass(slots=True)
class Remembered:
    """What a look-up said, for as long as the policy allows. clock: seconds, monotonic."""

    clock: Callable[[], float] = time.monotonic
    _known: dict[_Key, tuple[float, Any]] = field(default_factory=dict)

    async def facts(
        self,
        source: SubjectSource,
        subjects: Sequence[Subject],
        purpose: str,
        ask: Callable[[Sequence[str]], Awaitable[Mapping[str, Any]]],
    ) -> tuple[SubjectFacts, ...]:
        """The facts of each subject, in order. ask: identifiers -> entry of each that it could find out about."""
        now = self.clock()
        found: dict[str, Any] = {}
        for one in subjects:
            until, entry = self._known.get((source, purpose, one.identifier), (now, None))
            if until > now:
                found[one.identifier] = entry
        if missing := sorted({one.identifier for one in subjects} - found.keys()):
            answered = await ask(missing)
            found.update(answered)
            if len(self._known) + len(answered) > MAX_KNOWN:
                self._known.clear()
            until = self.clock() + source.cache_seconds
            self._known.update({(source, purpose, name): (until, entry) for name, entry in answered.items()})
        return tuple(facts_of(one.role, found.get(one.identifier), purpose) for one in subjects)


def claim_facts(entry: Any, subjects: Sequence[Subject], purpose: str) -> tuple[SubjectFacts, ...]:
    """The facts of each subject from a claim of the requester's verified token; it speaks of the requester alone.

    entry: `given`, or `{"consent": ..., "objected": ..., "minor": ...}`; where no subject is known it makes one.
    """
    own = {"consent": entry} if isinstance(entry, str) else entry
    known = subjects or ((Subject(""),) if own is not None else ())
    return tuple(facts_of(one.role, own if one.role == "requester" else None, purpose) for one in known)


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


def _about(flag: Any, purpose: str) -> Any:
    return flag.get(purpose) if isinstance(flag, Mapping) else flag


def facts_of(role: str, entry: Any, purpose: str) -> SubjectFacts:
    """One person's facts from an entry of a file or an answer; None for who is not in it."""
    flags = entry if isinstance(entry, Mapping) else _NOTHING
    consent, objected = (_about(flags.get(name), purpose) for name in ("consent", "objected"))
    return SubjectFacts(
        role,
        Consent(consent) if consent in set(Consent) else Consent.UNKNOWN,
        _flag(objected),
        _flag(flags.get("minor")),
    )


def _flag(value: Any) -> Flag:
    if isinstance(value, bool):
        return Flag.YES if value else Flag.NO
    return Flag(value) if value in set(Flag) else Flag.UNKNOWN
