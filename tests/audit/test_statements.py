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
