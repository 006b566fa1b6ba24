"""Sums by month and by day cover the days asked for once, and answer as the rows do; old databases get them."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from hypothesis import given
from hypothesis import strategies as st

from audit import migrations, query
from audit.log import Ledger
from audit.query import Question
from audit.questions import holders
from audit.questions.spans import parts
from audit.record import FindingCount, OutcomeRecord, SubjectReference
from audit.store import Store
from audit.sums import summed
from audit.sums import tables as sums
from audit.sums.summing import month_of
from audit.tables import FINDINGS_OF, REVISION, finding, metadata, transfer
from audit.verify import verify_store
from tests.audit.conftest import blocked_record, exchange_record

DAY = 86_400_000
JANUARY = 19_358
"""2023-01-01 as days since 1970."""
BUSY, RARE = "A" * 22, "B" * 22


def test_a_month_begins_on_its_first_day() -> None:
    for day in range(JANUARY - 800, JANUARY + 800):
        begin = date.fromordinal(date(1970, 1, 1).toordinal() + day).replace(day=1)
        assert month_of(day) == (begin - date(1970, 1, 1)).days


DAYS = st.none() | st.integers(19_000, 20_000)


@given(DAYS, DAYS)
def test_every_day_is_covered_once_and_no_other(since: int | None, until: int | None) -> None:
    months, beside = parts((since, until))
    spans = [*beside, *([] if months is None else [months])]
    asked = range(18_000 if since is None else since, 21_000 if until is None else until)
    covered = [
        day for first, end in spans for day in range(18_000 if first is None else first, 21_000 if end is None else end)
    ]
    assert sorted(covered) == list(asked)
    for day in months or ():
        assert day is None or month_of(day) == day, "whole months begin and end with a month"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """Ninety days, a transfer every other hour or so of three applications; one person in most of them."""
    url = None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        url = server.url(server.new())
    ledger = Ledger.open(tmp_path_factory.mktemp("spans") / "home", database_url=url)
    for day in range(90):
        made = []
        for hour in range(0, 24, 8):
            at = (JANUARY + day) * DAY + hour * 3_600_000 + 1
            who = (BUSY,) if (day + hour) % 5 else (RARE, BUSY) if hour else ()
            subjects = tuple(SubjectReference(ref=ref, role=role) for ref in who for role in ("author", "requester"))  # type: ignore[arg-type]
            found = FindingCount(entity_type=("IBAN", "PERSON")[day % 2], operator="mask", n=hour + 1)  # type: ignore[arg-type]
            more = {"application": ("feed", "chat", "search")[(day + hour) % 3], "findings": (found,)}
            made.append(exchange_record(at=at, subjects=subjects, **more))
        made.append(blocked_record(at=made[-1].at))  # type: ignore[arg-type]
        ends = [OutcomeRecord(id=one.id, at=one.at, state="complete") for one in made[:2]]  # type: ignore[arg-type]
        ledger._append_all([*made, *ends])
    yield ledger
    ledger.close()


SPANS = [(None, None), (3, None), (None, 70), (0, 59), (14, 20), (10, 80), (31, 59)]


@pytest.mark.parametrize(
    "by", [("application", "entity_type"), ("provider", "entity_type", "day"), ("kind", "operator")]
)
@pytest.mark.parametrize(("since", "until"), SPANS)
def test_groups_of_findings_over_months_are_those_of_the_rows(
    log: Ledger, by: tuple[str, ...], since: int | None, until: int | None
) -> None:
    first, last = (None if day is None else (JANUARY + day) * DAY for day in (since, until))
    everyone = ("feed", "chat", "search", "messenger")
    with log.store.read() as connection:
        rows = list(query.groups(connection, Question(since=(first or 0) + 1, until=last), by))
        assert rows
        for applications in (None, everyone):
            rolled = list(query.groups(connection, Question(since=first, until=last, applications=applications), by))
            assert sorted(rolled, key=str) == sorted(rows, key=str)


@pytest.mark.parametrize("values", [{}, {"application": "chat"}, {"country": "IE"}, {"model": "gpt-5"}])
@pytest.mark.parametrize(
    ("since", "until"), [(None, None), (5, 70), (5.3, 5.6), (5.3, 6.2), (5.5, 70.7), (0.2, None), (None, 33.4)]
)
def test_transfers_without_a_person_are_counted_as_the_rows_say(
    log: Ledger, values: dict[str, str], since: float | None, until: float | None
) -> None:
    first, last = (None if day is None else int((JANUARY + day) * DAY) for day in (since, until))
    for applications in (None, ("chat", "feed")):
        question = Question(values, first, last, (BUSY,), applications)
        others = Question(values, first, last, None, applications)
        with log.store.read() as connection:
            subjects = sa.select(transfer.c.subjects).where(*others.conditions(), transfer.c.kind == "transfer")
            rows = list(connection.execute(subjects).scalars())
            assert holders.completeness(connection, question) == (len(rows), rows.count(0))


@pytest.mark.parametrize("refs", [(BUSY,), (RARE,), (BUSY, RARE), (), ("C" * 22,)])
@pytest.mark.parametrize(
    "values", [{}, {"application": "chat"}, {"role_of_subject": "author"}, {"role_of_subject": "x"}]
)
def test_pages_of_a_person_are_those_of_a_walk_through_everything(
    log: Ledger, monkeypatch: pytest.MonkeyPatch, refs: tuple[str, ...], values: dict[str, str]
) -> None:
    monkeypatch.setattr(query, "PAGE", 7)
    for since, until in ((None, None), ((JANUARY + 9) * DAY + 5, (JANUARY + 60) * DAY)):
        question = Question(values, since, until, refs)
        with log.store.read() as connection:
            rows = sa.select(transfer.c.idx).where(*question.conditions()).order_by(transfer.c.idx.desc())
            expected = list(connection.execute(rows).scalars())
            assert [row["idx"] for row in query.transfers(connection, question)] == expected
            pages: list[int] = []
            while some := [
                row["idx"] for row in query.transfers(connection, question, limit=10, before=(pages or [None])[-1])
            ]:
                pages += some
            assert pages == expected


def test_statistics_are_those_of_the_rows(log: Ledger) -> None:
    with log.store.read() as connection:
        found = query.statistics(connection)
        ends = connection.execute(sa.select(sa.func.min(transfer.c.at), sa.func.max(transfer.c.at))).one()
    assert (found["first"], found["last"]) == tuple(ends)
    assert {kind: found[kind] for kind in ("blocked", "key", "outcome", "transfer")} == {
        "blocked": 90, "key": 1, "outcome": 180, "transfer": 270,
    }  # fmt: skip
    assert found["open"] == 90
    with log.store.read() as connection:
        for at in (0, (JANUARY + 4) * DAY, (JANUARY + 4) * DAY + 9 * 3_600_000, (JANUARY + 100) * DAY):
            rows = sa.select(sa.func.min(transfer.c.idx)).where(transfer.c.at >= at)
            assert query.first_since(connection, at) == connection.execute(rows).scalar()


def test_a_database_of_the_schema_before_gets_all_sums(tmp_path: Path, database: str) -> None:
    ledger = Ledger.open(tmp_path / "home", database_url=database)
    made = [exchange_record(at=day * DAY, subject=BUSY) for day in (3, 40, 41)]
    ledger._append_all([*made, blocked_record(), OutcomeRecord(id=made[0].id, at=9, state="cut", status=200)])  # type: ignore[arg-type]
    with ledger.store.write() as connection:
        summed.fold(connection)
        before = {table.name: rows_of(connection, table) for table in (*sums.ADDED, sums.holder)}
    ledger.close()
    store = Store(database)
    with store.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO finding_set SELECT t.idx, f.row, f.entity_type, f.operator, f.n, f.rule, f.recognizer, "
            "f.language FROM transfer t JOIN finding_set f ON f.idx = t.findings_of"
        )
        connection.exec_driver_sql("ALTER TABLE transfer DROP COLUMN findings_of")
        connection.exec_driver_sql("ALTER TABLE finding_set RENAME TO finding")
        of_0006 = ("daily_application", "finding_block")
        of_0005 = ("daily_type", "monthly_finding", "monthly_holder", "monthly_holder_finding", "entries_by_kind")
        for name in (*of_0006, *of_0005):
            connection.exec_driver_sql(f"DROP TABLE {name}")
        connection.exec_driver_sql("ALTER TABLE tree DROP COLUMN summed")
        connection.exec_driver_sql("DROP INDEX entry_kind")
        connection.exec_driver_sql("CREATE INDEX entry_kind ON entry (kind, idx)")
        connection.exec_driver_sql("CREATE INDEX finding_type ON finding (entity_type, idx)")
        connection.exec_driver_sql("ALTER TABLE daily_holder DROP COLUMN with_subject")
        connection.exec_driver_sql("DROP INDEX transfer_state")
        connection.exec_driver_sql("CREATE INDEX transfer_unsent ON transfer (idx) WHERE state = 'not_sent'")
        connection.exec_driver_sql("DELETE FROM daily_value WHERE name IN ('state', 'status')")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0004'")
    store.close()
    store = Store.open(database)
    with store.read() as connection:
        after = {table.name: rows_of(connection, table) for table in (*sums.ADDED, sums.holder)}
    store.close()
    assert after == before


def rows_of(connection: sa.Connection, table: sa.Table) -> list[tuple[object, ...]]:
    rows = [tuple(row) for row in connection.execute(sa.select(table))]
    if table is sums.daily_value:  # where transfers were whose outcome came later is known to the writer alone
        rows = [row[:7] if row[2] == "" else row for row in rows if row[3]]
    return sorted(rows, key=str)


def test_a_log_of_the_schema_before_findings_were_shared_answers_as_it_did_and_goes_on(
    tmp_path: Path, database: str
) -> None:
    home = tmp_path / "home"
    ledger = Ledger.open(home, database_url=database)
    made = [exchange_record(at=day * DAY, subject=BUSY) for day in (3, 40, 41)]
    ended = OutcomeRecord(id=made[0].id, at=9, state="cut", status=200)  # type: ignore[arg-type]
    ledger._append_all([*made, blocked_record(findings=()), ended])
    ledger.close()
    store = Store(database)
    with store.read() as connection:
        told = answers(connection)
    with store.write() as connection:
        kept = {table.name: connection.execute(sa.select(table)).mappings().all() for table in metadata.sorted_tables}
        shared = sa.select(FINDINGS_OF.label("idx"), transfer.c.idx.label("own")).where(transfer.c.findings > 0)
        of = {row.own: row.idx for row in connection.execute(shared)}
        metadata.drop_all(connection)
        connection.exec_driver_sql("DROP TABLE alembic_version")
        _upgrade(connection, "0006")
        rows = {"finding" if name == finding.name else name: found for name, found in kept.items()}
        rows["finding"] = [
            {**row, "idx": own} for own, first in of.items() for row in kept[finding.name] if row["idx"] == first
        ]
        there = sa.MetaData()
        there.reflect(connection)
        for table in there.sorted_tables:
            columns = {column.name for column in table.columns}
            if given := [{name: row[name] for name in columns} for row in rows.get(table.name, ())]:
                connection.execute(sa.insert(table), given)
    store.close()
    store = Store.open(database)
    assert store.revision() == REVISION
    with store.read() as connection:
        assert answers(connection) == told
    store.close()
    ledger = Ledger.open(home, database_url=database)
    again = [exchange_record(at=42 * DAY, subject=BUSY) for _ in range(2)]
    ledger._append_all(again)
    with ledger.store.read() as connection:
        newest = sa.select(transfer.c.idx, transfer.c.findings_of).order_by(transfer.c.idx.desc()).limit(2)
        (_, first), (own, none) = connection.execute(newest).all()
        assert (first, none) == (own, None), "with what the older schema wrote nothing is shared"
        (found,) = query.groups(connection, Question(), ("entity_type",))
    assert found["findings"] == 15
    verify_store(ledger.store, [ledger.home.read_vkey()])
    ledger.close()


def answers(connection: sa.Connection) -> list[object]:
    """What is found, row by row and in groups, from sums and from rows."""
    question = Question(values={"entity_type": "PERSON", "rule": "people-become-placeholders"})
    by = (("entity_type", "day"), ("language", "model"), ("state", "day"))
    return [
        list(query.transfers(connection, Question())),
        [row["idx"] for row in query.transfers(connection, question)],
        *(list(query.groups(connection, Question(values={"kind": "transfer"}), names)) for names in by),
    ]


def _upgrade(connection: sa.Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
