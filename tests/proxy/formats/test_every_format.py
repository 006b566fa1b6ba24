"""What holds for every operation of every format, whatever its body or its answer is."""

import functools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.errors import FormatError
from proxy.formats import ALL
from proxy.formats.base import Endpoint, RequestHead
from proxy.formats.core import JsonFormat, Operation
from proxy.formats.shape import Shape, Use
from proxy.messages import Headers
from redaction.restore import Restorable, Restorer

TABLES = [item for item in ALL if isinstance(item, JsonFormat)]
HEAD = RequestHead("POST", "h", "/x", "", Headers(((b"content-type", b"application/json"),)))
SSE, LINES = "text/event-stream", "application/x-ndjson"
SECRET = "Frau Zyx"  # with a blank, so it is an identifier nowhere


def keys(shape: Shape, seen: set[int] | None = None) -> Iterator[str]:
    """Every key that a shape lists."""
    seen = set() if seen is None else seen
    if id(shape) in seen:
        return
    seen.add(id(shape))
    for name, child in shape.members.items():
        yield name
        yield from keys(child, seen)
    for child in (shape.element, shape.other):
        if child is not None:
            yield from keys(child, seen)


def uses(shape: Shape, seen: set[int] | None = None) -> Iterator[Use]:
    """What the places of a shape are."""
    seen = set() if seen is None else seen
    if id(shape) not in seen:
        seen.add(id(shape))
        yield shape.use
        for child in (*shape.members.values(), shape.element, shape.other):
            if child is not None:
                yield from uses(child, seen)


def let_through(item: JsonFormat) -> list[Operation]:
    """The operations that are not refused whatever they hold."""
    return [one for one in item.operations if not one.refused]


@functools.cache
def listed(shape: Shape) -> list[str]:
    return sorted({*keys(shape), "new"})


def bodies(shape: Shape, leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """JSON values with the shape's own keys, and others, in places where they belong and where they do not."""
    names = st.one_of(st.sampled_from(listed(shape)), st.text(max_size=3))
    return st.recursive(
        leaf,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=4)),
        max_leaves=10,
    )


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=8),
    st.sampled_from([SECRET, "user", "id-1", "QUJD", "data:text/plain,a%20b", '{"a": "b c"}', "data:;base64,QUJD"]),
)  # fmt: skip


def read(item: JsonFormat, one: Operation, raw: bytes) -> Any:
    return item.read(Endpoint(item.name, one.name), HEAD, raw)


@pytest.mark.parametrize("item", TABLES, ids=lambda item: item.name)
@settings(max_examples=20)
@given(data=st.data())
def test_every_body_is_read_and_comes_out_as_it_came(item, data):
    one = data.draw(st.sampled_from(let_through(item)))
    value = data.draw(bodies(one.request, LEAVES))
    raw = json.dumps(value).encode()
    inspected = read(item, one, raw)
    assert item.splice(inspected, {}) is raw
    pointers = [segment.pointer for segment in inspected.segments]
    assert len(set(pointers)) == len(pointers)
    words = {segment.pointer: segment.text for segment in inspected.segments if segment.kind != "number"}
    again = item.splice(inspected, words)
    assert json.loads(again) == value


@pytest.mark.parametrize("item", TABLES, ids=lambda item: item.name)
@settings(max_examples=20)
@given(data=st.data())
def test_words_are_seen_wherever_they_stand(item, data):
    one = data.draw(st.sampled_from(let_through(item)))
    value = data.draw(bodies(one.request, st.just(SECRET)))
    raw = json.dumps(value).encode()
    inspected = read(item, one, raw)
    found = sum(segment.text == SECRET for segment in inspected.segments)
    assert found == raw.decode().count(SECRET)
    replaced = item.splice(inspected, {one.pointer: "X" for one in inspected.segments if one.text == SECRET})
    assert SECRET not in replaced.decode()


@pytest.mark.parametrize("item", TABLES, ids=lambda item: item.name)
@settings(max_examples=20)
@given(data=st.data())
def test_any_answer_passes_where_there_is_nothing_to_restore(item, data):
    one = data.draw(st.sampled_from(let_through(item)))
    events = [json.dumps(value).encode() for value in data.draw(st.lists(bodies(one.answer, LEAVES), max_size=3))]
    kind = data.draw(st.sampled_from([SSE, LINES, "application/json", "text/plain", "application/octet-stream"]))
    raw = b"".join(b"data: " + event + b"\n\n" if kind == SSE else event + b"\n" for event in events)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=4)))
    reader = item.reader(
        Endpoint(item.name, one.name), 200, Headers(((b"content-type", kind.encode()),)), Restorer(Restorable({}))
    )
    out = b"".join([reader.feed(raw[start:end]) for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)])
    assert out + reader.finish() == raw


@pytest.mark.parametrize("item", TABLES, ids=lambda item: item.name)
@settings(max_examples=20)
@given(data=st.data())
def test_every_text_of_an_answer_is_restored(item, data, people):
    one = data.draw(st.sampled_from(let_through(item)))
    token, name = list(people.items())[1]  # without quotes, so that it is spelled alike inside of JSON
    value = data.draw(bodies(one.answer, st.just(f"Hi {token} there")))
    raw = json.dumps(value, ensure_ascii=False).encode()
    headers = Headers(((b"content-type", b"application/json"),))
    reader = item.reader(Endpoint(item.name, one.name), 400, headers, Restorer(Restorable(people)))
    out = (reader.feed(raw) + reader.finish()).decode()
    # What is left stands in an opaque or media place, and nothing else of the answer has changed.
    assert out.replace(name, token) == raw.decode()
    assert token not in out or any(use in (Use.OPAQUE, Use.MEDIA) for use in uses(one.answer))


@pytest.mark.parametrize("item", TABLES, ids=lambda item: item.name)
@settings(max_examples=20)
@given(data=st.data())
def test_any_bytes_are_read_or_refused(item, data):
    one, raw = data.draw(st.sampled_from(let_through(item))), data.draw(st.binary(min_size=1, max_size=30))
    try:
        inspected = read(item, one, raw)
    except FormatError as error:
        assert error.status == 400  # noqa: PT017 (both outcomes are right)
    else:
        assert item.splice(inspected, {}) == raw
