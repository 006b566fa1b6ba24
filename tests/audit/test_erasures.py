"""What the log says about erasures, and that destroying a reference leaves it without a person."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit.errors import RecordError
from audit.events import ErasureRecord, ShredRecord
from audit.ids import new_id, now_ms
from audit.log import Ledger
from audit.questions import erasures
from audit.record import SubjectReference
from audit.references import Space
from audit.values import ErasurePhase


@pytest.fixture
def ledger(home: Path, database: str) -> Iterator[Ledger]:
    """A new log on each kind of database."""
    opened = Ledger.open(home, database_url=database)
    yield opened
    opened.close()


SCOPES = tuple(f"{number:032x}" for number in range(5))


def erasure(phase: str, *refs: str, **more: Any) -> ErasureRecord:
    return ErasureRecord(**{"at": now_ms(), "id": new_id(), "phase": phase, "refs": refs, **more})


def test_who_is_gone_held_and_what_was_shredded(ledger: Any) -> None:
    one, two, three = "a" * 22, "b" * 22, "c" * 22
    begun = erasure("begun", one)
    for record in (
        erasure("held", two, three),
        begun,
        erasure("refused", two),
        erasure("released", three),
        ShredRecord(at=now_ms(), cause="erasure", scopes=SCOPES[:2], mappings=3),
        ShredRecord(at=now_ms(), cause="reapplied", scopes=SCOPES[1:4]),
    ):
        ledger.append_blocking(record)
    with ledger.store.read() as connection:
        found = erasures.said(connection)
    assert found.erased == {one: begun.id}
    assert found.held == {two}
    assert found.open == {begun.id}
    assert found.scopes == SCOPES[:4]


def test_the_references_that_lead_back_to_a_person(ledger: Any, transfer: Any, blocked: Any) -> None:
    anna = ledger.references.subject("anna@example.com")
    ben = ledger.references.subject("ben@example.com")
    talk = ledger.references.session("talk-1")
    of_anna = SubjectReference(ref=anna, role="requester")
    ledger.append_blocking(transfer(subjects=(of_anna,), session=talk))
    ledger.append_blocking(transfer(subjects=(of_anna,), session=None))
    ledger.append_blocking(blocked(subjects=(of_anna,), session=talk))
    ledger.append_blocking(transfer(subjects=(SubjectReference(ref=ben, role="author"),)))
    with ledger.store.read() as connection:
        assert erasures.count(connection, (anna,)) == 2
        assert erasures.sessions(connection, (anna,)) == (talk,)
        assert set(erasures.remaining(connection, (anna, ben, talk, "z" * 22))) == {anna, ben, talk}
    ledger.references.destroy((anna, talk))
    with ledger.store.read() as connection:
        assert list(erasures.remaining(connection, (anna, ben, talk))) == [ben]
        assert erasures.changes(connection) == 1
    assert ledger.references.known(Space.SUBJECT, "anna@example.com") == ()
    assert ledger.references.known(Space.SESSION, "talk-1") == ()
    assert ledger.references.known(Space.SUBJECT, "ben@example.com") == (ben,)


@pytest.mark.parametrize("scope", ["anna@example.com", "0" * 31, "0" * 65, "0" * 31 + "G"])
def test_a_scope_is_named_as_the_vault_names_it_or_not_at_all(scope: str) -> None:
    with pytest.raises(RecordError):
        ShredRecord(at=now_ms(), cause="command", scopes=(scope,))


def test_phases_are_a_closed_set() -> None:
    assert {str(phase) for phase in ErasurePhase} == {
        "asked", "begun", "done", "held", "reapplied", "refused", "released",
    }  # fmt: skip
