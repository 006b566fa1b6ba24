"""The writer's statements on the driver: what goes wrong there is what would go wrong in SQLAlchemy."""

import pytest
import sqlalchemy as sa

from audit.statements import Statements
from audit.store import Store


def test_an_error_of_the_driver_leaves_as_sqlalchemys_without_parameters_and_nothing_is_written(database: str) -> None:
    store = Store.open(database)
    insert = Statements(store.dialect).insert["subject"]
    row = tuple({"ref": "A" * 22, "idx": 1, "role": None}[name] for name in insert.names)
    for rows in ([row], [row, row]):
        with pytest.raises(sa.exc.IntegrityError) as raised, store.write() as connection:
            insert.run(connection, rows)
        assert raised.value.params is None
    with store.read() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM subject")).scalar() == 0
    store.close()


@pytest.mark.parametrize("count", [1, 2, 3, 64, 65, 200])
def test_every_row_is_written_once_however_many_there_are(database: str, count: int) -> None:
    store = Store.open(database)
    say = Statements(store.dialect)
    rows = [("A" * 22, index, "requester") for index in range(count)]
    with store.write() as connection:
        say.insert["subject"].run(connection, rows)
        say.add["entries_by_kind"].run(connection, [("transfer", 2), ("outcome", 1), ("transfer", 3)])
    with store.read() as connection:
        found = connection.execute(sa.text("SELECT ref, idx, role FROM subject ORDER BY idx")).all()
        kinds = dict(connection.execute(sa.text("SELECT kind, entries FROM entries_by_kind")).all())
    assert [tuple(row) for row in found] == rows
    assert kinds == {"transfer": 5, "outcome": 1}, "a key that stands in one statement twice is added to twice"
    store.close()
