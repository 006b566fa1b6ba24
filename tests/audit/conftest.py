"""Records to append, ledgers to append them to, and databases of both kinds."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from audit.engines import sqlite_url
from audit.ids import new_id, now_ms
from audit.log import Ledger
from audit.record import (
    BlockedRecord,
    DestinationFacts,
    FindingCount,
    OutcomeRecord,
    PurposeFacts,
    SubjectReference,
    TransferRecord,
)
from audit.sums.summing import OF_FINDING, Sums
from audit.tables import FINDINGS_OF, finding
from audit.tables import transfer as transfers
from tests.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

type Make = Callable[..., Any]

DIGEST = "0123456789abcdef" * 4


def _exchange(**changes: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "id": new_id(),
        "at": now_ms(),
        "environment": "prod",
        "application": "messenger",
        "identified_by": "credential",
        "purpose": PurposeFacts(name="explain-conversations", controller="Example Social Ltd", basis="consent"),
        "destination": DestinationFacts(
            name="openai",
            contracting_entity="OpenAI Ireland Ltd",
            role="processor",
            agreement="DPA-2026-014",
            transfer="scc-m2",
            processing=("US",),
            storage=("US", "IE"),
            retention="30d",
            training="no",
            register_digest=DIGEST,
        ),
        "provider": "openai",
        "host": "api.openai.com",
        "endpoint": "chat.completions",
        "model": "gpt-5",
        "format": "openai_chat",
        "door": "gateway",
        "mode": "gateway",
        "policy_digest": DIGEST,
        "policy_name": "messenger",
        "action": "transform",
        "rules": ("people-become-placeholders",),
        "findings": (
            FindingCount(
                entity_type="PERSON",
                operator="tokenize",
                n=3,
                rule="people-become-placeholders",
                score_decile=8,
                language="de",
                recognizer="spacy_de",
                where="/messages/*/content",
                kind="user",
            ),
        ),
        "bytes_in": 2000,
        "commitment_in": DIGEST,
    }
    return facts | changes


def exchange_record(*, subject: str | None = None, **changes: Any) -> TransferRecord:
    """A transfer; arguments change its fields, `subject` is a reference."""
    if subject is not None:
        changes["subjects"] = (SubjectReference(ref=subject, role="requester"),)
    return TransferRecord(**_exchange(**({"bytes_out": 2100, "commitment_out": DIGEST} | changes)))


def blocked_record(**changes: Any) -> BlockedRecord:
    """A refusal; arguments change its fields."""
    return BlockedRecord(**_exchange(**({"action": "block", "reason": "policy_blocked", "status": 403} | changes)))


@pytest.fixture
def transfer() -> Make:
    """Makes a transfer; see `exchange_record`."""
    return exchange_record


@pytest.fixture
def blocked() -> Make:
    """Makes a refusal; see `blocked_record`."""
    return blocked_record


@pytest.fixture
def outcome() -> Make:
    """Makes the outcome of a transfer."""

    def make(of: TransferRecord, **changes: Any) -> OutcomeRecord:
        facts: dict[str, Any] = {"id": of.id, "attempt": of.attempt, "at": now_ms(), "state": "complete", "status": 200}
        return OutcomeRecord(**(facts | changes))

    return make


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A place for a log."""
    return tmp_path / "home"


@pytest.fixture
def ledger(home: Path) -> Iterator[Ledger]:
    """A new log, served."""
    opened = Ledger.open(home)
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "audit.db")
    url: str = request.getfixturevalue("postgres_url")
    return url


def of_rows(connection: sa.Connection) -> Sums:
    """The sums of all rows that are there, counted anew; kinds of entries are not counted."""
    found: dict[int, list[Any]] = {}
    what = [finding.c[name] for name in ("entity_type", *OF_FINDING)]
    said = sa.select(transfers.c.idx, finding.c.n, *what).join(finding, finding.c.idx == FINDINGS_OF)
    for one in connection.execute(said.order_by(transfers.c.idx, finding.c.row)):
        found.setdefault(one.idx, []).append(one)
    sums = Sums()
    for row in connection.execute(sa.select(transfers).order_by(transfers.c.idx)):
        theirs = found.get(row.idx, [])
        sums.add(tuple(row), tuple(tuple(one[2:]) for one in theirs), [one.n for one in theirs])
    return sums
