"""How answers look: what a spreadsheet would run is quoted, times are read by people, rows leave one by one."""

import io
from collections.abc import Iterator

import pytest

from audit.commands import render
from audit.commands.render import Format


def printed(found: list[dict[str, object]], form: Format, **more: object) -> str:
    out = io.StringIO()
    assert render.rows(found, form, out=out, **more) == len(found)  # type: ignore[arg-type]
    return out.getvalue()


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_formula_in_csv_is_quoted(value: str) -> None:
    assert printed([{"a": value}], Format.CSV).splitlines()[1].strip('"').startswith("'")


def test_numbers_in_csv_stay_numbers() -> None:
    assert printed([{"a": -1, "b": None, "c": True}], Format.CSV) == "a,b,c\r\n-1,,True\r\n"


def test_no_rows_are_a_valid_answer_in_every_form() -> None:
    written = [form for form in Format if form is not Format.PARQUET]  # which is no text, and has a test of its own
    assert [printed([], form).split() for form in written] == [["nothing", "found"], ["[", "]"], [], []]


def test_a_table_shows_times_as_people_read_them_and_blanks_for_nothing() -> None:
    text = printed([{"at": 1_700_000_000_000, "n": 3, "state": None, "observe": True}], Format.TABLE)
    assert "2023-11-14 22:13:20Z" in text
    assert "yes" in text
    assert "None" not in text


def test_a_value_in_a_table_is_neither_markup_nor_a_command_to_a_terminal() -> None:
    values = ["[fe80::1]:443", "[/x]", "[red]x[/red]", "a\x1b[2Jb", "a\x9b2Jb", "a\u202eb\x07\r"]
    text = printed([{"host": value} for value in values], Format.TABLE)
    assert all(value in text for value in values[:3])
    assert all(char.isprintable() or char == "\n" for char in text)


def test_rows_leave_one_by_one() -> None:
    out = io.StringIO()

    def rows() -> Iterator[dict[str, int]]:
        for number in range(3):
            yield {"n": number}
            assert f'{{"n":{number}}}' in out.getvalue()

    assert render.rows(rows(), Format.JSONL, out=out) == 3
