"""Records are made from what transfers have in common and what is a transfer's own, and are the same as made anew."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import RecordError
from audit.ids import new_id
from audit.record import MAX_FINDINGS, TransferRecord
from policies.load import load_bundled
from policies.model import Action, Decision, Operator
from policies.policy import Policy
from proxy.exchange import Ending, Exchange
from proxy.formats.base import MediaPart
from proxy.framing.coding import decoder
from proxy.identity import Identity
from proxy.messages import Door, Egress, Headers
from proxy.steps.found import KEPT, Found
from proxy.steps.records import MAX_ALIKE, Facts, TransferRecords, _common, outcome_record
from redaction.finding import Finding
from redaction.segment import Segment

A, B = "a" * 64, "b" * 64


@cache
def policy(name: str) -> Policy:
    return load_bundled(name)


def facts_of(
    bundled: str = "default",
    destination: str = "openai",
    application: str = "",
    *,
    door: Door = Door.GATEWAY,
    found: int | list[Found] = 0,
    body: bytes = b"{}",
    **changes: Any,
) -> Facts:
    egress = Egress(door, "gateway" if door is Door.GATEWAY else "regular", "POST", b"/", Headers(), body)
    rules = policy(bundled)
    facts = Facts(new_id(), 1, egress, rules, Identity(application, "header", "", "", (), b""))
    facts.destination, facts.host = rules.destinations[destination], "api.example.com"
    facts.action, facts.commitment_in = "transform", A
    decision = Decision(Action.TRANSFORM, "r", Operator.TOKENIZE)
    one = Found(Finding(0, 1, "PERSON", 0.9, "x"), Segment("/a", "b"), "en", decision)
    facts.found = [one] * found if isinstance(found, int) else found
    return replace(facts, **changes)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "bundled": st.sampled_from(["default", "strict"]),
                "destination": st.sampled_from(["openai", "anthropic"]),
                "application": st.sampled_from(["", "app", "no name!"]),
                "door": st.sampled_from([Door.GATEWAY, Door.NETWORK]),
                "found": st.integers(0, 3),
                "body": st.binary(max_size=4),
                "purpose": st.sampled_from(["", "support"]),
                "model": st.sampled_from([None, "gpt-5"]),
                "session": st.sampled_from([None, "A" * 22]),
                "rules": st.sampled_from([(), ("r",), ("r", "no rule!")]),
                "media": st.sampled_from([(), (MediaPart("/x", "image/png", 3),)]),
                "uninspected": st.sampled_from([(), ((MediaPart("/x", "a/b", 3), "opaque"),)]),
                "stages": st.sampled_from([{}, {"parse": 5_000, "detect": 7_000}]),
                "detector_version": st.sampled_from(["", "1.2"]),
                "observe": st.booleans(),
                "format": st.sampled_from(["", "openai_chat"]),
            }
        ),
        min_size=1,
        max_size=8,
    )
)
def test_a_record_is_the_one_that_is_made_anew_whatever_came_before(given_facts: list[dict[str, Any]]) -> None:
    records = TransferRecords()
    for one in given_facts:
        facts = facts_of(**one)
        made = TransferRecord(**_common(facts), bytes_out=7, commitment_out=B)
        record = records.make(facts, bytes_out=7, commitment_out=B)
        assert record == made
        assert record.facts() == made.facts()


@pytest.mark.parametrize("change", [{"host": ""}, {"host": "Anna Schmidt"}, {"commitment_in": None}, {"model": "a b"}])
def test_what_is_a_transfers_own_is_checked_each_time(change: dict[str, Any]) -> None:
    records = TransferRecords()
    records.make(facts_of(), bytes_out=1, commitment_out=B)
    with pytest.raises(RecordError) as raised:
        records.make(facts_of(**change), bytes_out=1, commitment_out=B)
    assert raised.value.field == next(iter(change))


def test_a_blocked_transfer_makes_no_record_of_one_that_leaves() -> None:
    for action in ("block", "hold"):
        with pytest.raises(RecordError):
            TransferRecords().make(facts_of(action=action), bytes_out=1, commitment_out=B)


def test_what_found_no_row_in_an_outcome_is_counted_as_in_a_transfer() -> None:
    segment, kinds = Segment("/a", "b"), MAX_FINDINGS + 5
    found = [Found(Finding(0, 1, "PERSON", 0.9, f"r{number}"), segment, "en", KEPT) for number in range(kinds)]
    exchange = Exchange(new_id(), clock_ms=lambda: 0, decoder=decoder)
    outcome = outcome_record(
        exchange, Ending.COMPLETE, at_ms=1, found=found, inspected="afterwards", expired=0, attempt=1
    )
    transfer = TransferRecords().make(facts_of(found=found), bytes_out=1, commitment_out=B)
    assert outcome.findings_overflow == transfer.findings_overflow == 5
    assert len(outcome.findings) == len(transfer.findings) == MAX_FINDINGS


def test_what_is_remembered_is_bounded() -> None:
    records = TransferRecords()
    for number in range(MAX_ALIKE + 2):
        records.make(facts_of(rules=(f"r{number}",)), bytes_out=1, commitment_out=B)
    assert len(records) <= MAX_ALIKE
