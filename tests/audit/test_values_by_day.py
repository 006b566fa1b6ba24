"""The roll-up of every field's values: the sums of the rows, made by the writer or from the rows, and where to look."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from audit import query
from audit.log import Ledger
from audit.query import Question
from audit.questions import values_by_day
from audit.questions.conditions import GROUPS
from audit.record import DestinationFacts, FindingCount, OutcomeRecord
from audit.statements import Statements
from audit.sums import summed, summing
from audit.sums import tables as sums
from audit.sums.tables import daily_value
from audit.tables import FINDINGS_OF, finding
from audit.tables import transfer as transfers
from tests.audit.conftest import blocked_record, exchange_record, of_rows

DAY = 86_400_000


@pytest.fixture
def log(tmp_path: Path, database: str) -> Iterator[Ledger]:
    """Ten days; every third transfer is of another model, some have findings in two languages, one is to Finland."""
    ledger = Ledger.open(tmp_path / "home", database_url=database)
    for day in range(10):
        made: list[Any] = [
            exchange_record(
                at=day * DAY + number,
                model="gpt-5" if number % 3 else "rare",
                findings=tuple(
                    FindingCount(entity_type="PERSON", operator="mask", n=number + 1, language=language)  # type: ignore[arg-type]
                    for language in ("de", "vi")[: number % 3]
                ),
            )
            for number in range(4)
        ]
        made.append(blocked_record(at=day * DAY + 9, purpose=None))
        ends = [
            OutcomeRecord(id=one.id, at=one.at, state=state, status=status)  # type: ignore[arg-type]
            for one, state, status in zip(made, ("complete", "cut", "complete"), (200, 200, None), strict=False)
        ]
        ledger._append_all([*made, ends[0]])  # one outcome with its transfer, the others in a later transaction
        ledger._append_all(ends[1:])
    ledger._append_all([exchange_record(at=4 * DAY, destination=DestinationFacts(name="gemini", storage=("FI", "DE")))])
    yield ledger
    ledger.close()


def test_the_roll_up_is_the_sums_of_the_rows(log: Ledger) -> None:
    with log.store.write() as connection:
        summed.fold(connection)
        for name in summing.OF_TRANSFER:
            value = sa.func.coalesce(sa.cast(transfers.c[name], sa.Text), "")
            added = [sa.func.sum(transfers.c[one]) for one in ("findings", "bytes_in", "bytes_out")]
            ends = sa.func.min(transfers.c.idx), sa.func.max(transfers.c.idx)
            rows = sa.select(transfers.c.day, value, sa.func.count(), *added, *ends).group_by(transfers.c.day, value)
            made, kept = {tuple(row[:2]): tuple(row[2:]) for row in connection.execute(rows)}, stored(connection, name)
            assert {key: counts[:4] for key, counts in kept.items()} == {
                key: counts[:4] for key, counts in made.items()
            }
            # Where no outcome was yet is not taken back when there is one.
            settled = {key for key in made if name not in {"state", "status"} or key[1]}
            assert {key: kept[key] for key in settled} == {key: made[key] for key in settled}, name
            assert all(kept[key][4] <= made[key][4] and kept[key][5] >= made[key][5] for key in made)
        joined = finding.join(transfers, finding.c.idx == FINDINGS_OF)
        for name in summing.OF_FINDING:
            value = sa.func.coalesce(finding.c[name], "")
            added = [sa.func.count(transfers.c.idx.distinct()), sa.func.sum(finding.c.n)]
            ends = sa.func.min(transfers.c.idx), sa.func.max(transfers.c.idx)
            rows = sa.select(transfers.c.day, value, *added, *ends).select_from(joined).group_by(transfers.c.day, value)
            assert {key: (n, total, *ends) for key, (n, total, _, _, *ends) in stored(connection, name).items()} == {
                tuple(row[:2]): tuple(row[2:]) for row in connection.execute(rows)
            }, name


def stored(connection: sa.Connection, name: str) -> dict[Any, Any]:
    rows = sa.select(daily_value).where(daily_value.c.name == name, daily_value.c.transfers != 0)
    return {tuple(row[1:3]): tuple(row[3:]) for row in connection.execute(rows)}


def test_made_from_the_rows_it_is_what_the_writer_made(log: Ledger) -> None:
    say = Statements(log.store.dialect)
    with log.store.write() as connection:
        summed.fold(connection)
        before = counted(connection)
        for table in sums.ADDED:
            if table is not sums.kinds:
                connection.execute(sa.delete(table))
        connection.execute(sa.delete(sums.holder))
        summed.add(connection, say, of_rows(connection))
        assert counted(connection) == before


def counted(connection: sa.Connection) -> dict[str, list[Any]]:
    """Every table of sums; without what no transfer has any more, and where that was."""
    found = {table.name: sorted(connection.execute(sa.select(table)).all()) for table in (*sums.ADDED, sums.holder)}
    value = found[daily_value.name]
    return found | {daily_value.name: [row if row.value else row[:7] for row in value if row.transfers]}


@pytest.mark.parametrize("rare", [0, 10_000])
def test_pages_of_what_few_have_are_those_of_a_walk_through_everything(
    log: Ledger, monkeypatch: pytest.MonkeyPatch, rare: int
) -> None:
    monkeypatch.setattr(values_by_day, "RARE", rare)
    questions = [
        {"model": "rare"}, {"model": "none"}, {"country": "FI"}, {"country": "JP"}, {"language": "vi"}, {"rule": "none"},
        {"state": "cut"}, {"state": "refused"}, {"state": "open"}, {"status": "200"}, {"state": "complete", "model": "rare"},
        {"model": "rare", "language": "vi"}, {"action": "block"}, {"model": "gpt-5", "operator": "mask"},
    ]  # fmt: skip
    with log.store.read() as connection:
        for values in questions:
            for since, until in ((None, None), (3 * DAY + 1, 7 * DAY), (4 * DAY, None)):
                question = Question(values=values, since=since, until=until)
                rows = sa.select(transfers.c.idx).where(*question.conditions()).order_by(transfers.c.idx.desc())
                expected = list(connection.execute(rows).scalars())
                assert [row["idx"] for row in query.transfers(connection, question)] == expected
                pages: list[int] = []
                while some := [
                    row["idx"] for row in query.transfers(connection, question, limit=2, before=(pages or [None])[-1])
                ]:
                    pages += some
                assert pages == expected


FIELDS = [*summing.OF_TRANSFER, *summing.OF_FINDING]


@pytest.mark.parametrize("name", [name for name in FIELDS if name in GROUPS])
@pytest.mark.parametrize("by_day", [False, True])
def test_groups_from_it_are_those_from_the_rows(log: Ledger, name: str, by_day: bool) -> None:
    by = [name, "day"] if by_day else [name]
    with log.store.read() as connection:
        rolled = list(query.groups(connection, Question(since=2 * DAY), by))
        # The same transfers, asked for in a way that this roll-up cannot answer.
        rows = list(
            query.groups(connection, Question(since=2 * DAY, applications=("messenger",), until=99 * DAY + 1), by)
        )
    assert sorted(rolled, key=str) == sorted(rows, key=str)
    assert rolled


def test_ranges_that_overlap_are_read_once() -> None:
    assert values_by_day._apart([(1, 5, 9), (2, 20, 30), (1, 8, 12), (1, 40, 40)]) == [(40, 40), (20, 30), (5, 12)]
