"""Recorded transfers as `policies.simulate` wants them: entries of the log in, counts and names out, no text anywhere.

What was refused before any rule was asked (an unknown credential, a body that nobody could read) has no decision to
compare with, so it is counted and left out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from audit import query
from audit.commands.reading import Reader
from audit.errors import AuditError
from audit.values import Question
from policies.model import Code, MediaKind, MediaPart, SubjectFacts
from policies.simulate import RecordedFinding, RecordedTransfer
from proxy.steps.records import media_kind

_DECIDED = frozenset({*(code.value for code in Code), "held"} - {Code.DESTINATION_UNKNOWN.value})
"""Reasons of a refusal that the policy gave after it saw the findings."""


@dataclass(slots=True)
class Replay:
    """Iterates over entries once. left_out: refusals that no rule decided."""

    entries: Iterable[tuple[int, bytes]]
    application: str | None = None
    left_out: int = 0

    def __iter__(self) -> Iterator[RecordedTransfer]:
        for _, body in self.entries:
            facts = orjson.loads(body)
            if facts.get("attempt", 1) > 1:
                continue  # a mirrored copy, which goes or stays with the first
            if self.application is not None and facts["application"] != self.application:
                continue
            if facts["kind"] == "blocked" and facts.get("reason") not in _DECIDED:
                self.left_out += 1
                continue
            yield recorded(facts)


def recorded(facts: dict[str, Any]) -> RecordedTransfer:
    """One `transfer` or `blocked` entry. facts: as they were signed."""
    application = facts["application"]
    return RecordedTransfer(
        application="" if application == "unknown" else application,
        destination=facts.get("destination", {}).get("name", ""),
        purpose=facts.get("purpose", {}).get("name", ""),
        at=facts["at"],
        action=facts["action"],
        findings=tuple(_finding(row) for row in facts.get("findings", ())),
        media=_media(facts),
        subjects=tuple(SubjectFacts(role=one["role"]) for one in facts.get("subjects", ())),
        size=facts.get("bytes_in", 0),
        endpoint=facts.get("endpoint") or "",
        model=facts.get("model") or "",
    )


def _finding(row: dict[str, Any]) -> RecordedFinding:
    return RecordedFinding(
        entity_type=row["entity_type"],
        score_decile=row.get("score_decile", 9),
        language=row.get("language") or "",
        recognizer=row.get("recognizer") or "",
        segment_kind=row.get("kind") or "unknown",
        n=row["n"],
        operator=row["operator"],
        exception=row.get("exception") or "",
    )


def _media(facts: dict[str, Any]) -> tuple[MediaPart, ...]:
    """Attachments, and parts that nothing looked into; one that the policy let pass stands in both lists."""
    parts = [MediaPart(MediaKind(one["kind"]), one["media_type"], one["bytes"]) for one in facts.get("media", ())]
    known = [(part.media_type, part.size) for part in parts]
    for one in facts.get("uninspected", ()):
        key = one["media_type"], one["bytes"]
        if key in known:
            known.remove(key)
        else:
            parts.append(MediaPart(MediaKind(media_kind(one["media_type"]).value), *key))
    return tuple(parts)


def recorded_to(home: Path, destination: str) -> dict[str, int]:
    """Application -> transfers to a destination, as the log of the home folder has them; empty without a log."""
    try:
        log = Reader(home, None)
    except AuditError:
        return {}
    try:
        asked = query.Question({"destination": destination, "kind": "transfer"})
        with log.store.read() as connection:
            sent = {row["application"]: row["transfers"] for row in query.groups(connection, asked, ["application"])}
        log.asked(Question.QUERY, len(sent), filters=("destination",))
    finally:
        log.store.close()
    return sent
