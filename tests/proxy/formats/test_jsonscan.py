"""The scanner sees what a JSON parser sees, refuses what RFC 8259 refuses, and says where everything stands."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import FormatError
from proxy.formats.jsonscan import MAX_DEPTH, MIN_NUMBERS, Form, scan, string_of
from proxy.formats.shape import UNKNOWN, Shape, Use, build, free, structural, text


def parsed(raw: str) -> Any:
    """By the standard library; objects as lists of pairs, so that no duplicate is lost. Numbers as they are written."""

    def no(word: str) -> Any:
        raise ValueError(word)

    return json.loads(
        raw, object_pairs_hook=lambda pairs: ("object", pairs), parse_int=Number, parse_float=Number, parse_constant=no
    )


class Number(str):
    __slots__ = ()


def expected(value: Any, pointer: str = "") -> list[tuple[Form, str, str]]:
    """(form, pointer, text) of every leaf, in the order of the text."""
    found: list[tuple[Form, str, str]] = []
    if isinstance(value, Number):
        if sum(char.isdigit() for char in value) >= 5:
            found.append((Form.NUMBER, pointer, value))
    elif isinstance(value, str):
        if value:
            found.append((Form.STRING, pointer, value))
    elif isinstance(value, tuple):
        for key, item in value[1]:
            inner = pointer + "/" + key.replace("~", "~0").replace("/", "~1")
            found.append((Form.KEY, inner + "~k", key))
            found += expected(item, inner)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            found += expected(item, f"{pointer}/{position}")
    return found


def leaves(raw: str, shape: Shape = UNKNOWN) -> list[tuple[Form, str, str]]:
    return [
        (leaf.form, leaf.pointer, raw[leaf.start : leaf.end] if leaf.form in (Form.NUMBER, Form.NUMBERS) else value)
        for leaf in scan(raw, shape).leaves
        for value in [string_of(raw[leaf.start : leaf.end]) if leaf.form in (Form.STRING, Form.KEY) else ""]
    ]


@given(st.data())
def test_every_string_key_and_long_number_is_a_leaf_in_its_order(documents, data):
    raw = data.draw(documents)
    assert leaves(raw) == expected(parsed(raw))


@given(st.data())
def test_a_damaged_document_is_refused_exactly_when_a_strict_parser_refuses_it(documents, data):
    raw = data.draw(documents)
    at = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(at, min(len(raw), at + 3)))
    damage = st.one_of(st.text('[]{}",:\\ue0+-. \n\x00\x1f', max_size=3), st.text(max_size=2))
    damaged = raw[:at] + data.draw(damage) + raw[end:]
    try:
        value = parsed(damaged)
    except ValueError:
        with pytest.raises(FormatError) as caught:
            scan(damaged, UNKNOWN)
        assert caught.value.code == "invalid_json"
    else:
        assert leaves(damaged) == expected(value)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_with_a_position_alone(raw):
    told = ""
    try:
        scan(raw, UNKNOWN)
    except FormatError as error:
        told = error.message
    assert re.fullmatch(r"(the body is not valid JSON near character \d+; nothing was sent)?", told)


@pytest.mark.parametrize(
    "raw",
    [
        "", " ", "{", "[", "[1,]", "[,1]", "{,}", '{"a"}', '{"a":}', '{"a":1,}', "[1 2]", '{"a" 1}', "01", "+1", ".5",
        "1.", "1e", "NaN", "Infinity", "-Infinity", "-", "tru", "nul", "True", "'a'", '"', '"\\x41"', '"\\u12"',
        '"\t"', '"a\nb"', "[1]]", "{} {}", "/**/1", "[1]\x00", "\ufeff{}", "\xa0[1]", "[1\u2028]", '{"a":1 "b":2}',
        '{1:2}', "{null:1}", '[{]}', '"\x00"',
    ],
)  # fmt: skip
def test_what_rfc_8259_refuses_is_refused(raw):
    with pytest.raises(FormatError, match="not valid JSON"):
        scan(raw, UNKNOWN)


@pytest.mark.parametrize("opened", ["[", '{"a":', '[{"a":'])
def test_the_depth_is_bounded(opened):
    levels = opened.count("[") + opened.count("{")
    closed = "".join({"[": "]", "{": "}"}[char] for char in reversed(opened) if char in "[{")
    times = MAX_DEPTH // levels
    assert len(scan(opened * times + "1" + closed * times, UNKNOWN).leaves) == (opened.count("a") * times)
    with pytest.raises(FormatError) as caught:
        scan(opened * (times + 1) + "1" + closed * (times + 1), UNKNOWN)
    assert caught.value.code == "too_deep"


def test_a_body_of_nothing_but_brackets_costs_no_recursion():
    with pytest.raises(FormatError) as caught:
        scan("[" * 1_000_000, UNKNOWN)
    assert caught.value.code == "too_deep"


def test_lone_surrogates_are_read_as_they_are_written():
    raw = r'["\ud83d", "\ude42\ud83d", "\ud83d\ude42"]'
    assert [value for _, _, value in leaves(raw)] == ["\ud83d", "\ude42\ud83d", "🙂"]


def test_duplicate_keys_are_all_seen():
    assert [value for form, _, value in leaves('{"a":"x","a":"y","\\u0061":"z"}') if form is Form.STRING] == [
        "x",
        "y",
        "z",
    ]


IDS = build(structural("id count ids/*"), structural("model", note="@model"), text("words tokens", tokens=True))


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        ('{"id": "call_1-x.Y:z/#$"}', []),
        ('{"id": "Jürgen"}', ["/id"]),
        ('{"id": "a b"}', ["/id"]),
        ('{"id": "a@b.example"}', ["/id"]),
        ('{"id": "+49171"}', ["/id"]),
        ('{"id": "a\\u0041"}', ["/id"]),
        (f'{{"id": "{"a" * 256}"}}', []),
        (f'{{"id": "{"a" * 257}"}}', ["/id"]),
        ('{"count": 49171234567}', []),
        ('{"other": 49171234567}', ["/other~k", "/other"]),
        ('{"ids": ["x", "y z"]}', ["/ids/1"]),
        ('{"id": {"a": "x"}}', ["/id/a~k", "/id/a"]),
        ('{"id": ["x"]}', ["/id/0"]),
        ('{"words": ""}', []),
        ('{"words": []}', []),
    ],
)
def test_a_structural_place_lets_pass_what_looks_like_an_identifier_and_nothing_else(raw, seen):
    assert [leaf.pointer for leaf in scan(raw, IDS).leaves] == seen


def test_arrays_of_numbers_that_may_be_words_are_one_leaf():
    many = ", ".join(["7"] * MIN_NUMBERS)
    found = scan(f'{{"tokens": [1, 2], "other": [{many}], "few": [1, 23456]}}', IDS).leaves
    assert [(leaf.form, leaf.pointer) for leaf in found if leaf.form is not Form.KEY] == [
        (Form.NUMBERS, "/tokens"),
        (Form.NUMBERS, "/other"),
        (Form.NUMBER, "/few/1"),
    ]
    whole = scan(f"[{many}]", Shape(tokens=True)).leaves
    assert [(leaf.form, leaf.pointer) for leaf in whole] == [(Form.NUMBERS, "")]


def test_facts_and_notes_are_remembered_wherever_they_stand():
    found = scan('{"words": "x", "model": "m-1"}', IDS)
    assert found.facts == {"model": "m-1"}
    roles = build(structural("m/*/role", note="role"))
    late = scan('{"m": [{"content": "x", "role": "user"}]}', roles)
    assert [leaf.frame.noted("role") for leaf in late.leaves if leaf.key == "content"] == ["user", "user"]


def test_the_schema_pointer_holds_no_key_of_the_app():
    shape = build(text("a/*/b"), structural("id"))
    found = scan('{"a": [{"b": "x", "Anna": "y"}], "Anna": {"b": "z"}}', shape)
    assert [leaf.schema for leaf in found.leaves] == ["/a/*/b", "/a/*/*", "/a/*/*", "/*", "/*/*", "/*/*"]


def test_the_schema_pointer_is_bounded():
    deep = '{"a":' * 150 + '"x"' + "}" * 150
    assert max(len(leaf.schema) for leaf in scan(deep, free()).leaves) < 100


def test_uses_reach_the_leaf():
    shape = Shape(members={"a": Shape(use=Use.OPAQUE)})
    (leaf,) = scan('{"a": "x"}', shape).leaves
    assert leaf.shape.use is Use.OPAQUE
    assert leaf.listed
