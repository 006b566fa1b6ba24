"""*Who holds what*: sums by day answer as the rows do, on both databases, and can be built again from them."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from audit.log import Ledger
from audit.query import Question
from audit.questions import holders
from audit.record import OutcomeRecord
from audit.sums import summed
from audit.sums.rebuilding import rebuild
from audit.tables import transfer
from tests.audit.conftest import exchange_record
from tests.audit.test_query import DAY, B


@pytest.mark.parametrize("values", [{}, {"application": "feed"}, {"country": "IE"}, {"role": "controller"}])
@pytest.mark.parametrize(
    "span",
    [
        (None, None),
        (20_000 * DAY, None),
        (20_000 * DAY, 20_001 * DAY),
        (20_000 * DAY + 9, None),
        (20_000 * DAY + 9, 20_002 * DAY + 20),
        (None, 20_001 * DAY + 15),
        (20_001 * DAY + 4, 20_001 * DAY + 20),
        (20_000 * DAY + 9, 20_001 * DAY + 15),
    ],
)
def test_sums_say_who_holds_what_as_the_rows_do(
    holding_log: Ledger, values: dict[str, str], span: tuple[int | None, int | None]
) -> None:
    with holding_log.store.read() as connection:
        by_sums = holders.who(connection, Question(values, *span))
        rows, types = holders.from_rows(connection, Question(values, *span).conditions())
    assert [(one.application, one.transfers, one.first, one.last) for one in by_sums] == [
        (line["application"], line["transfers"], line["first"], line["last"]) for line in rows
    ]
    assert [dict(one.types) for one in by_sums] == [types.get(holders.key_of(line), {}) for line in rows]


def test_a_database_of_the_first_schema_gets_its_sums(holding_log: Ledger) -> None:
    with holding_log.store.read() as connection:
        before = holders.who(connection, Question())
        days = list(connection.execute(sa.select(transfer.c.day).distinct()).scalars())
    with holding_log.store.write() as connection:
        summed.fold(connection)
        for name in ("holder", "daily_holder", "daily_holder_finding"):
            connection.exec_driver_sql(f"DELETE FROM {name}")
        rebuild(connection, days)
    with holding_log.store.read() as connection:
        assert holders.who(connection, Question()) == before


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def holding_log(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """Transfers of three days by three applications to two destinations; two of them were never sent."""
    url = None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        url = server.url(server.new())
    ledger = Ledger.open(tmp_path_factory.mktemp("holdings") / "home", database_url=url)
    for number in range(30):
        more = {} if number % 2 else {"destination": B["destination"], "purpose": None, "findings": B["findings"]}
        at = (20_000 + number % 3) * DAY + number
        sent = exchange_record(at=at, application=("feed", "chat", "search")[number % 3], **more)
        state = "not_sent" if number in {3, 4} else "complete"
        ledger._append_all([sent, OutcomeRecord(id=sent.id, at=at, state=state)])  # type: ignore[arg-type]
    yield ledger
    ledger.close()
