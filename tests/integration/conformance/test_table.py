"""The table of conformance has no holes."""

from pathlib import Path

from proxy.formats import ALL
from tests.integration.conformance.table import KINDS, TABLE, Absent, Row

HERE = Path(__file__).parents[1]


def test_every_format_has_a_row_or_a_reason_for_every_kind() -> None:
    assert set(TABLE) == {one.name for one in ALL}
    for name, kinds in TABLE.items():
        missing = [kind for kind in KINDS if kind not in kinds]
        assert missing == [], f"{name} has neither row nor reason"
        assert all(one.format == name for one in kinds.values() if isinstance(one, Row))


def test_what_is_shown_elsewhere_is_there() -> None:
    for kinds in TABLE.values():
        for one in kinds.values():
            if isinstance(one, Absent) and one.shown:
                file, _, test = one.shown.partition("::")
                path = HERE.parents[1] / file if "/" in file else HERE / file
                assert f"def {test}" in path.read_text()
