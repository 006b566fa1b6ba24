"""A JSON document is taken apart and put together again without anything else in it changing."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redaction.documents import pieces, spliced
from redaction.errors import RedactionError
from redaction.segment import SegmentKind

values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=20,
)
layouts = st.sampled_from([{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}])


def texts_in(value: Any) -> list[str]:
    """Keys, strings and numbers in the order in which they are written."""
    if isinstance(value, dict):
        return [text for key, inner in value.items() for text in (key, *texts_in(inner))]
    if isinstance(value, list):
        return [text for inner in value for text in texts_in(inner)]
    if isinstance(value, bool) or value is None:
        return []
    return [value if isinstance(value, str) else json.dumps(value)]


def replaced_in(value: Any, new: Any) -> Any:
    if isinstance(value, dict):
        return [(next(new), replaced_in(inner, new)) for inner in value.values()]
    if isinstance(value, list):
        return [replaced_in(inner, new) for inner in value]
    return value if isinstance(value, bool) or value is None else next(new)


@given(values, layouts)
def test_every_string_key_and_number_is_found_and_nothing_changes_without_need(value: Any, layout: Any) -> None:
    text = json.dumps(value, **layout)
    found = pieces(text, "x")
    assert [piece.segment.text for piece in found] == texts_in(value)
    assert spliced(text, found, [piece.segment.text for piece in found]) == text
    assert all(json.dumps(json.loads(text[one.start : one.end])) for one in found)


@given(values, layouts)
def test_what_is_replaced_is_read_back_as_it_was_given(value: Any, layout: Any) -> None:
    text = json.dumps(value, **layout)
    found = pieces(text, "x")
    new = [f'[{number}]"\\\n' for number, _ in enumerate(found)]
    got = json.loads(spliced(text, found, new), object_pairs_hook=list)
    if isinstance(value, dict):
        got = [tuple(pair) for pair in got]
    assert json.dumps(got) == json.dumps(replaced_in(value, iter(new)))


def test_the_key_beside_a_value_is_a_hint_at_every_depth() -> None:
    text = '{"phones": ["1", {"mobile": "2"}, "3"], "name": {"first": "4"}, "n": 5, "name": "6"}'
    hints = {piece.segment.text: piece.segment.hint for piece in pieces(text, "x") if piece.segment.kind is not SegmentKind.KEY}  # fmt: skip
    assert hints == {"1": "phones", "2": "mobile", "3": "phones", "4": "first", "5": "n", "6": "name"}


@pytest.mark.parametrize("text", ["", "{", '{"secret": }', "secret", '"\ud800', "NaN1"])
def test_what_is_no_document_is_refused_by_place(text: str) -> None:
    with pytest.raises(RedactionError, match=r"^file\.json:1:\d+: this is no JSON document$") as refused:
        pieces(text, "file.json")
    assert refused.value.code == "input"
