"""Recorded transfers replayed under another policy: from entries of the log to what would have been different."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.model import MediaKind
from policies.outcome import Outcome
from policies.policy import Policy
from policies.simulate import RecordedFinding, RecordedTransfer, as_data, render, simulate
from proxy.policy.replay import Replay, recorded

type Make = Callable[..., Policy]

NOON = 1_795_521_600_000  # 2026-11-24 12:00 UTC
REST = {"id": "rest", "when": {"entity": "none"}, "do": "allow"}
ALL = {"id": "all", "when": {"entity": "any"}, "do": "tokenize"}


def sent(*findings: RecordedFinding, action: str = "transform", **more: Any) -> RecordedTransfer:
    return RecordedTransfer(**{"application": "", "destination": "openai", "purpose": "", "at": NOON} | more, action=action, findings=findings)  # fmt: skip


def one(entity: str = "PERSON", **more: Any) -> RecordedFinding:
    return RecordedFinding(entity, **{"operator": "tokenize"} | more)


def test_the_same_policy_changes_nothing(policy: Make) -> None:
    found = simulate(policy(rules=[ALL, REST]), [sent(one()), sent(action="allow")])
    assert (found.transfers, found.same, found.changed, found.findings) == (2, 2, {}, {})
    assert render(found) == "2 transfers replayed, 2 would have been treated the same"


def test_what_would_have_been_blocked_or_replaced_otherwise_is_counted(policy: Make) -> None:
    cards = {"id": "cards", "when": {"entity": "CREDIT_CARD"}, "do": "block"}
    redact = {"id": "all", "when": {"entity": "any"}, "do": "redact"}
    found = simulate(
        policy(rules=[cards, redact, REST]),
        [sent(one("CREDIT_CARD")), sent(one("CREDIT_CARD")), sent(one(n=3)), sent(action="allow")],
    )
    assert found.changed == {("unknown", "openai", "transform", Outcome("block")): 2}
    assert found.findings == {("CREDIT_CARD", "tokenize", "block"): 2, ("PERSON", "tokenize", "redact"): 3}
    assert found.same == 1
    data = as_data(found)
    assert data["changed"][0]["transfers"] == 2
    assert data["findings"][0] == {"entity_type": "PERSON", "before": "tokenize", "after": "redact", "findings": 3}
    assert "unknown -> openai: transform -> block" in render(found)


def test_a_score_near_a_threshold_is_called_uncertain(policy: Make) -> None:
    made = policy(rules=[{"id": "sure", "when": {"entity": "any", "score_at_least": 0.75}, "do": "tokenize"}, REST])
    found = simulate(made, [sent(one(score_decile=7)), sent(one(score_decile=8))])
    assert found.uncertain == 1
    assert "in 1 transfer a score lies near a threshold" in render(found)


def test_flags_that_the_log_does_not_keep_are_pointed_out(policy: Make) -> None:
    made = policy(rules=[{"id": "minors", "when": {"subject": {"minor": "yes"}}, "do": "block"}, ALL, REST])
    found = simulate(made, [sent(one())])
    assert (found.needs_flags, found.same) == (True, 1)
    assert "flags of persons" in render(found)


@pytest.mark.parametrize(
    ("when", "more", "action"),
    [
        ({"size_at_least": 100}, {"size": 99}, "transform"),
        ({"size_at_least": 100}, {"size": 100}, "block"),
        ({"share": 10}, {"session_bucket": 500}, "block"),
        ({"share": 10}, {"session_bucket": None}, "transform"),
        ({"time": {"from": "12:01", "to": "12:02"}}, {"at": NOON + 119_999}, "block"),
        ({"time": {"from": "12:01", "to": "12:02"}}, {"at": NOON + 120_000}, "transform"),
        ({"endpoint": "files"}, {"endpoint": "files"}, "block"),
        ({"model": "small"}, {"model": "large"}, "transform"),
    ],
)
def test_equal_transfers_are_decided_once_and_unequal_ones_are_not(
    policy: Make, when: dict[str, Any], more: dict[str, Any], action: str
) -> None:
    made = policy(rules=[{"id": "asked", "when": when, "do": "block"}, ALL, REST])
    found = simulate(made, [sent(one()), sent(one(), **more)])
    expected = {} if action == "transform" else {("unknown", "openai", "transform", Outcome("block")): 1}
    assert found.changed == expected


ENTRY: dict[str, Any] = {
    "kind": "transfer", "id": "01", "at": NOON, "application": "chat", "action": "transform", "bytes_in": 42,
    "destination": {"name": "openai"}, "purpose": {"name": "answer"}, "endpoint": "chat", "model": "small",
    "subjects": [{"ref": "r1", "role": "author"}],
    "findings": [
        {"entity_type": "PERSON", "operator": "tokenize", "n": 2, "score_decile": 7, "language": "vi",
         "recognizer": "names", "kind": "user", "rule": "all"},
        {"entity_type": "EMAIL_ADDRESS", "operator": "keep", "n": 1, "exception": "desk"},
    ],
    "media": [{"kind": "image", "media_type": "image/png", "bytes": 7}],
    "uninspected": [
        {"media_type": "image/png", "bytes": 7, "reason": "policy_pass"},
        {"media_type": "application/zip", "bytes": 9, "reason": "opaque"},
    ],
}  # fmt: skip


def entries(*facts: dict[str, Any]) -> list[tuple[int, bytes]]:
    return [(index, orjson.dumps(one)) for index, one in enumerate(facts)]


def test_an_entry_of_the_log_becomes_a_recorded_transfer() -> None:
    made = recorded(ENTRY)
    assert (made.application, made.destination, made.purpose, made.size) == ("chat", "openai", "answer", 42)
    assert [(row.entity_type, row.n, row.score_decile, row.language) for row in made.findings] == [
        ("PERSON", 2, 7, "vi"), ("EMAIL_ADDRESS", 1, 9, ""),
    ]  # fmt: skip
    assert made.findings[1].exception == "desk"
    assert [person.role for person in made.subjects] == ["author"]
    assert [(part.kind, part.size) for part in made.media] == [(MediaKind.IMAGE, 7), (MediaKind.OTHER, 9)]


def test_an_app_that_nobody_knew_is_unknown_in_the_replay_too() -> None:
    assert recorded(ENTRY | {"application": "unknown"}).application == ""


def test_refusals_that_no_rule_decided_are_left_out_and_counted() -> None:
    blocked = ENTRY | {"kind": "blocked", "action": "block"}
    replay = Replay(
        entries(ENTRY, blocked | {"reason": "policy_rule"}, blocked | {"reason": "credential_unknown"}, blocked)
    )
    assert [one.action for one in replay] == ["transform", "block"]
    assert replay.left_out == 2


def test_a_replay_can_be_of_one_application() -> None:
    replay = Replay(entries(ENTRY, ENTRY | {"application": "feed"}), application="feed")
    assert [one.application for one in replay] == ["feed"]


@given(st.lists(st.tuples(st.sampled_from(["PERSON", "IBAN_CODE"]), st.integers(1, 3)), max_size=8))
def test_every_transfer_is_counted_once(rows: list[tuple[str, int]]) -> None:
    from policies.load import load_bundled

    transfers = [sent(one(entity, n=n)) for entity, n in rows]
    found = simulate(load_bundled("default"), transfers)
    assert found.transfers == len(rows)
    assert found.same + sum(found.changed.values()) == len(rows)
