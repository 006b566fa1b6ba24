"""Whoever reads the sums sees those of the log as it stands, whoever wrote it and wherever a writer died."""

from collections.abc import Iterable, Iterator
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from audit.ids import new_id
from audit.ledger.writer import Draft, Writer
from audit.log import Ledger
from audit.questions import places
from audit.record import DestinationFacts, FindingCount, OutcomeRecord
from audit.sums import summed
from audit.sums import tables as sums
from audit.sums.summed import Summed
from audit.tables import entry, tree
from audit.tables import transfer as transfers
from tests.audit.conftest import blocked_record, exchange_record, of_rows

DAY = 86_400_000
KINDS = ("PERSON", "IBAN")
STEPS = (None, "locked", "signed", "written", "committed")


class DiedError(Exception):
    """What stands in for the end of a process."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """An empty log."""
    url = None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        url = server.url(server.new())
    ledger = Ledger.open(tmp_path_factory.mktemp("summed") / "home", database_url=url)
    yield ledger
    ledger.close()


def writer(log: Ledger, dies: str | None) -> Writer:
    def probe(step: str) -> None:
        if step == dies:
            raise DiedError

    return Writer(log.store, log.home.load_signer(), log.references, "local", new_id(), probe)


def record(number: int, day: int, unfinished: list[Any]) -> Any:
    """A transfer, a refusal or, of a transfer before it, an outcome."""
    if number % 3 == 2 and unfinished:
        of = unfinished.pop()
        state = ("complete", "cut", "not_sent")[number % 9 // 3]
        return OutcomeRecord(id=of.id, at=of.at + 1, state=state, status=None if number % 2 else 200)  # type: ignore[arg-type]
    found = tuple(
        FindingCount(entity_type=kind, operator="mask", n=number % 5 + 1, language=language)  # type: ignore[arg-type]
        for kind, language in zip(KINDS, ("de", None), strict=True)
    )
    more = {"at": day * DAY + number, "application": f"app-{number % 2}", "findings": found[: number % 4]}
    if number % 5 == 1:
        return blocked_record(**more, destination=None)
    made = exchange_record(
        **more,
        model=("gpt-5", None)[number % 2],
        destination=DestinationFacts(name=("openai", "own")[number % 2], storage=("IE", "VN")[: number % 3]),
    )
    unfinished.append(made)
    return made


batches = st.tuples(
    st.integers(0, 2), st.sampled_from(STEPS), st.lists(st.tuples(st.integers(0, 59), st.integers(0, 40)), max_size=6)
)
"""Which of three writers, where it dies if it does, and what it writes."""


@settings(max_examples=10, phases=[Phase.explicit, Phase.generate])  # the log of one example is the begin of the next
@given(st.lists(batches, min_size=1, max_size=6), st.sampled_from([1, 2, 5, 9, 1_000]))
def test_sums_are_those_of_the_rows_after_every_batch(log: Ledger, some: list[Any], fold: int) -> None:
    writers: dict[int, Writer] = {}
    unfinished: list[Any] = []
    with patch.object(summed, "FOLD", fold):
        for which, dies, numbers in some:
            made = [record(number, day, unfinished) for number, day in numbers]
            drafts = [Draft(one.kind, one.facts()) for one in made]
            if dies is not None:
                with pytest.raises(DiedError):
                    writer(log, dies).commit(drafts)
                if dies != "committed":
                    unfinished.clear()
            else:
                writers.setdefault(which, writer(log, None)).commit(drafts)
            with log.store.read() as connection:
                assert seen(connection) == recounted(connection)
                row = connection.execute(sa.select(tree.c.summed, tree.c.size)).one()
            assert row.summed <= row.size
            assert row.size < row.summed + fold or dies is not None


def test_adding_them_changes_no_answer_and_leaves_nothing_to_add(log: Ledger) -> None:
    with patch.object(summed, "FOLD", 1_000):
        log._append_all([record(number, number, []) for number in (3, 4, 6)])
    with log.store.write() as connection:
        before = seen(connection)
        summed.fold(connection)
        assert seen(connection) == before == recounted(connection)
        assert all(Summed(connection).of(table) is table for table in sums.ADDED)


def seen(connection: sa.Connection) -> dict[str, Any]:
    summed_up = Summed(connection)
    return shown({table: connection.execute(sa.select(summed_up.of(table))).all() for table in TABLES})


TABLES = (*sums.ADDED, sums.holder)


def recounted(connection: sa.Connection) -> dict[str, Any]:
    """What the rows and entries say."""
    found: dict[sa.Table, list[Any]] = {table: [] for table in TABLES}
    tables, lines = of_rows(connection).rows()
    found[sums.holder] += lines
    for table in sums.ADDED:
        found[table] += tables[table.name]
    counted = sa.select(entry.c.kind, sa.func.count()).group_by(entry.c.kind)
    found[sums.kinds] = list(connection.execute(counted).all())
    return shown(found)


def shown(found: dict[sa.Table, list[Any]]) -> dict[str, Any]:
    """Rows with one key as one; without what no transfer has any more, and where that was."""
    answer = {table.name: added_up(table, rows) for table, rows in found.items()}
    for key, counts in answer[sums.daily_value.name].items():
        if key[0] in {"state", "status"} and key[2] == "":
            counts[4:] = []
    return {name: {key: counts for key, counts in rows.items() if any(counts[:1])} for name, rows in answer.items()} | {
        name: set(answer[name]) for name in (sums.holder.name, sums.finding_block.name)
    }


def added_up(table: sa.Table, rows: Iterable[Any]) -> dict[tuple[Any, ...], list[int]]:
    if table is sums.holder:
        return {tuple(row): [] for row in rows}
    kept = {"first": min, "last": max, "newest": max}
    keys = len(table.primary_key.columns)
    how = [kept.get(column.name, lambda one, other: one + other) for column in list(table.columns)[keys:]]
    found: dict[tuple[Any, ...], list[int]] = {}
    for row in rows:
        key, numbers = tuple(row[:keys]), list(row[keys:])
        before = found.get(key)
        found[key] = numbers if before is None else [f(*both) for f, *both in zip(how, before, numbers, strict=True)]
    return found


spans = st.lists(st.integers(0, 60), unique=True, max_size=12).map(
    lambda ends: [(ends[at], ends[at + 1]) for ends in [sorted(ends)] for at in range(0, len(ends) - 1, 2)][::-1]
)


@given(spans, spans, st.sampled_from([None, 7, 30]))
def test_what_lies_in_both_is_what_lies_in_each(one: list[Any], other: list[Any], before: int | None) -> None:
    def inside(ranges: Iterable[Any]) -> list[int]:
        return [at for first, end in ranges for at in range((end if end is not None else 61) - 1, (first or 0) - 1, -1)]

    assert inside(places.both(one, iter(other))) == sorted({*inside(one)} & {*inside(other)}, reverse=True)
    assert inside(places.both([(None, before)], iter(one))) == [
        at for at in inside(one) if before is None or at < before
    ]


def test_blocks_that_hold_a_kind_of_data_are_found_from_the_newest_on(
    log: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "BLOCKS", 2)
    numbers = (3, 4, 5, 9, 11, 12, 13, 40)
    with log.store.write() as connection:
        rows = [{"entity_type": "VN_CCCD", "block": number} for number in numbers]
        connection.execute(sa.insert(sums.finding_block), rows)
        for before, expected in ((None, numbers), (13 * 1_024, numbers[:6]), (13 * 1_024 + 1, numbers[:7]), (0, ())):
            found = list(places.blocks(connection, "VN_CCCD", before))
            blocks = [at // 1_024 for first, end in found for at in range(end - 1_024, first - 1, -1_024)]
            assert blocks == sorted(expected, reverse=True)
        assert list(places.blocks(connection, "NONE", None)) == []
        connection.execute(sa.delete(sums.finding_block).where(sums.finding_block.c.entity_type == "VN_CCCD"))


def test_a_reader_sees_one_state_of_rows_and_sums(log: Ledger) -> None:
    """Between two statements of a reader a writer may add to the sums; the reader must see neither twice."""
    one = record(3, 1, [])
    with log.store.read() as connection:
        before = seen(connection)
        with patch.object(summed, "FOLD", 1):
            log._append_all([one])
        assert seen(connection) == before
    with log.store.read() as connection:
        rows = sa.select(sa.func.count()).where(transfers.c.id == one.id)
        assert connection.execute(rows).scalar() == 1
        assert seen(connection) == recounted(connection) != before
