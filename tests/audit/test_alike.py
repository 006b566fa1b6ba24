"""Findings that many transfers have alike are kept once, and no question can tell."""

from collections import Counter
from pathlib import Path
from unittest.mock import patch

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit import query, sealing
from audit.ids import new_id, now_ms
from audit.ledger.writer import Draft, Writer
from audit.log import Ledger
from audit.query import Question, entries, entry_facts
from audit.record import FindingCount, OutcomeRecord, TransferRecord
from audit.sums import alike
from audit.sums.alike import Alike
from audit.tables import FINDINGS_OF, finding, transfer
from audit.values import Operator, OutcomeState
from tests.audit.conftest import exchange_record

PERSON = (("PERSON", "tokenize", 1, "r", "patterns", "de"),)
DATE = (("DATE_TIME", "keep", 1, "r", "patterns", "de"),)


def record(*kinds: str) -> TransferRecord:
    findings = tuple(
        FindingCount(entity_type=one, operator=Operator.MASK, n=n, rule="r") for one, n in Counter(kinds).items()
    )
    return exchange_record(findings=findings)


def joined(connection: sa.Connection) -> dict[int, list[tuple[str, int]]]:
    """What was found in each transfer, as the questions see it."""
    rows = sa.select(transfer.c.idx, finding.c.entity_type, finding.c.n).join(finding, finding.c.idx == FINDINGS_OF)
    found: dict[int, list[tuple[str, int]]] = {}
    for index, kind, n in connection.execute(rows.order_by(transfer.c.idx, finding.c.row)):
        found.setdefault(index, []).append((kind, n))
    return found


def said(connection: sa.Connection) -> dict[int, list[tuple[str, int]]]:
    """The same as the entries say it."""
    indices = connection.execute(sa.select(transfer.c.idx).where(transfer.c.findings > 0)).scalars().all()
    facts = {index: entry_facts(connection, index) for index in indices}
    return {index: [(one["entity_type"], one["n"]) for one in of["findings"]] for index, of in facts.items()}


def test_the_same_findings_have_rows_once(ledger: Ledger) -> None:
    ledger._append_all([record("PERSON"), record("PERSON"), record("PERSON", "PERSON"), record(), record("PERSON")])
    ledger.append_blocking(record("PERSON"))
    with ledger.store.read() as connection:
        assert set(connection.execute(sa.select(finding.c.idx)).scalars()) == {1, 3}
        assert list(connection.execute(sa.select(transfer.c.findings_of)).scalars()) == [None, 1, None, None, 1, 1]
        assert joined(connection) == said(connection)
        rows = list(query.transfers(connection, Question(values={"entity_type": "PERSON"})))
        assert [(row["findings"], "findings_of" in row) for row in rows] == [(1, False)] * 2 + [(2, False)] + [
            (1, False)
        ] * 2
        (group,) = query.groups(connection, Question(values={"rule": "r"}), ("entity_type", "model"))
    assert group["findings"] == 6


def test_nothing_is_remembered_across_what_somebody_else_wrote_a_failed_batch_or_a_span() -> None:
    known = Alike()
    assert known.begin(0).of(0, PERSON).first == 0
    known.committed(10)
    assert [known.begin(10).of(10, PERSON).first, known.of(11, DATE).first, known.of(12, DATE).first] == [0, 11, 11]
    # The batch has failed: it never said that it was committed.
    assert [known.begin(10).of(10, PERSON).first, known.of(11, DATE).first] == [10, 11]
    known.committed(12)
    assert known.begin(13).of(13, PERSON).first == 13, "somebody wrote the entry between"
    at = (alike.SPAN - 1, alike.SPAN, alike.SPAN + 1)
    assert [known.of(index, PERSON).first for index in at] == [13, alike.SPAN, alike.SPAN]


def test_only_so_many_are_remembered() -> None:
    known = Alike()
    many = [(("PERSON", "tokenize", n, "r", "patterns", "de"),) for n in (1, 2, 3)]
    with patch.object(alike, "MOST", 3):
        assert [known.of(index, one).first for index, one in enumerate([*many, many[0]])] == [0, 1, 2, 0]
        assert [known.of(index, one).first for index, one in ((4, DATE), (5, many[0]), (6, many[0]))] == [4, 5, 5]


KINDS = st.lists(st.sampled_from(["PERSON", "DATE_TIME", "IP_ADDRESS"]), max_size=3)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.booleans(), st.lists(KINDS, min_size=1, max_size=12)), min_size=1, max_size=6))
@pytest.mark.parametrize("span", [5, 65_536])
def test_rows_say_what_the_entries_say_whoever_writes(
    tmp_path: Path, span: int, batches: list[tuple[bool, list[list[str]]]]
) -> None:
    home = tmp_path / new_id()
    ledger = Ledger.open(home, publish_every_s=3_600)
    try:
        one, other = (
            Writer(ledger.store, ledger.home.load_signer(), ledger.references, "local", new_id()) for _ in range(2)
        )
        with patch.object(alike, "SPAN", span):
            for by_other, kinds in batches:
                records = [record(*some) for some in kinds]
                (other if by_other else one).commit([Draft(one.kind, one.facts()) for one in records])
        with ledger.store.read() as connection:
            assert joined(connection) == said(connection)
    finally:
        ledger.close()


def test_sealing_keeps_what_a_later_transfer_still_needs(ledger: Ledger, tmp_path: Path) -> None:
    kinds = [["PERSON"], ["DATE_TIME"], ["PERSON", "DATE_TIME"]]
    early, late = now_ms() - 10_000, now_ms()
    with patch.object(alike, "SPAN", 512), patch.object(sealing, "SPAN", 512), patch.object(sealing, "CHUNK", 256):
        sent = [
            record(*kinds[number % (3 if number < 200 else 2)]).like(at=early if number < 800 else late)
            for number in range(1_000)
        ]
        ledger._append_all(sent)
        ledger._append_all([_ended(one) for one in sent])
        archive = sealing.write_archive(ledger.store, ledger.home.read_vkey(), tmp_path / "archive", late)
        ledger.append_blocking(sealing.record(archive, sealed=True, actor="system"))
        sealing.remove_sealed(ledger.store, ledger.home)
        assert archive.end == 768
        with ledger.store.read() as connection:
            assert joined(connection) == said(connection)
            left = set(connection.execute(sa.select(finding.c.idx)).scalars())
            assert left
            assert left <= {*range(512, 1_001)}
            assert next(index for index, _ in entries(connection, kinds=("transfer",))) == 768


def _ended(sent: TransferRecord) -> OutcomeRecord:
    return OutcomeRecord(id=sent.id, at=sent.at, state=OutcomeState.COMPLETE, status=200)
