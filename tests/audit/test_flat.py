"""What is written for a class answers as the loop over its fields does, or not at all."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import RecordError
from audit.events import QueryRecord
from audit.fields import DOUBTS, encode_by_field, table
from audit.record import MediaItem, OutcomeRecord, StageTime, Uninspected
from audit.values import Action, Door, OutcomeState, Stage
from tests.audit.conftest import blocked_record, exchange_record
from tests.audit.test_record import EVENTS


class Word(str):
    """Text that is no plain string."""

    __slots__ = ()


SENT = exchange_record(
    subject="A" * 22,
    media=(MediaItem(kind="image", media_type="image/png", bytes=1, treated=None),),
    uninspected=(Uninspected(media_type="image/png", bytes=1, reason="opaque"),),
    stages=(StageTime(stage=Stage.WAIT, us=1),),
)  # fmt: skip
OUTCOME = OutcomeRecord(id=SENT.id, at=1, state=OutcomeState.COMPLETE, stages=SENT.stages, findings=SENT.findings)
RECORDS: list[Any] = [
    SENT,
    blocked_record(),
    OUTCOME,
    SENT.destination,
    SENT.purpose,
    SENT.media[0],
    *SENT.stages,
    *EVENTS,
]
_ODD = [
    *(None, (), [], {}, "", "a", "a b", "A" * 22, "0" * 26, "a" * 64, "anna@example.com", "x" * 300, Word("gateway")),
    *(True, False, 0, 1, -1, 9, 2**53, 1.0, float("nan"), b"a", object(), Action.BLOCK, Door.GATEWAY, Stage.WAIT),
    *(("US",), ("US", "us"), ("US",) * 65, ["US"], (None,), ((),), SENT.stages, SENT.findings, SENT.destination, SENT),
]


def with_values(record: Any, values: dict[str, Any]) -> Any:
    """A record that nobody has checked."""
    made = object.__new__(type(record))
    for one in dataclasses.fields(record):
        value = None if one.name.startswith("_") else getattr(record, one.name)
        object.__setattr__(made, one.name, values.get(one.name, value))
    return made


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_of_what_may_enter_it_makes_what_the_loop_makes_in_the_order_of_an_entry(record: Any) -> None:
    made = table(type(record)).encode(record)
    assert made == encode_by_field(record)
    assert list(made) == sorted(made)


@given(st.data())
def test_of_anything_it_makes_what_the_loop_makes_or_nothing(data: st.DataObject) -> None:
    record = data.draw(st.sampled_from(RECORDS))
    names = [rule.name for rule in table(type(record)).rules]
    values = data.draw(st.dictionaries(st.sampled_from(names), st.sampled_from(_ODD), min_size=1, max_size=3))
    unchecked = with_values(record, values)
    try:
        made = table(type(record)).encode(unchecked)
    except DOUBTS:
        return
    expected = encode_by_field(unchecked)
    assert made == expected
    assert {name: type(value) for name, value in made.items()} == {
        name: type(value) for name, value in expected.items()
    }


@given(st.data())
def test_a_record_like_another_is_refused_for_what_a_new_one_is_refused_for(data: st.DataObject) -> None:
    record = data.draw(st.sampled_from([SENT, OUTCOME, *EVENTS]))
    names = [rule.name for rule in table(type(record)).rules]
    values = data.draw(st.dictionaries(st.sampled_from(names), st.sampled_from(_ODD), max_size=3))
    answers = []
    for make in (lambda: dataclasses.replace(record, **values), lambda: record.like(**values)):
        try:
            answers.append(make().facts())
        except RecordError as error:
            answers.append(error.code)
    assert answers[0] == answers[1]


def test_a_field_that_a_record_has_not_is_no_part_of_another_like_it() -> None:
    with pytest.raises(KeyError):
        QueryRecord(at=1, question="who", results=4).like(text="anna@example.com")
