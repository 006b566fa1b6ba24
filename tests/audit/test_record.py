"""Records: what may enter, what may not, and that an error never repeats what was refused."""

import asyncio
import dataclasses
from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from audit import events
from audit.canonical import KINDS, Stamp, dumps, entry, facts
from audit.errors import RecordError, VerifyError
from audit.fields import encode, schema_of, table
from audit.ids import new_id
from audit.log import Ledger
from audit.record import (
    MAX_ENTRY_BYTES,
    DestinationFacts,
    Detector,
    FindingCount,
    MediaItem,
    PurposeFacts,
    SubjectReference,
    Uninspected,
)
from audit.verify import verify_store
from tests.audit.conftest import exchange_record

STAMP = Stamp("node-1", "01ARZ3NDEKTSV4RRFFQ69G5FAV", 7)
PERSONAL = "anna.schmidt@example.com"
REFERENCE = "AAAAAAAAAAAAAAAAAAAAAA"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "not-a-ulid"),
        ("attempt", 0),
        ("attempt", True),
        ("at", -1),
        ("at", 2**53),
        ("at", 1.5),
        ("environment", "production"),
        ("application", PERSONAL),
        ("application", "Anna Schmidt"),
        ("application", ""),
        ("application", "a\n"),
        ("identified_by", "guess"),
        ("session", PERSONAL),
        ("destination", None),
        ("destination", PERSONAL),
        ("host", "anna@host"),
        ("host", None),
        ("model", "Anna Schmidt"),
        ("model", "call-0171234567890"),
        ("door", "window"),
        ("mode", "regular@127.0.0.1:8789"),
        ("policy_digest", "sha256:00"),
        ("policy_digest", None),
        ("action", "block"),
        ("action", "hold"),
        ("action", "forward"),
        ("rules", ["a"]),
        ("rules", ("a b",)),
        ("rules", ("a",) * 65),
        ("findings", ("PERSON",)),
        ("subjects", (PERSONAL,)),
        ("bytes_in", "12"),
        ("commitment_in", None),
        ("commitment_out", "AB" * 32),
        ("observe", 1),
    ],
)
def test_a_value_outside_its_set_or_shape_is_refused_by_name_and_not_repeated(transfer, field: str, value: Any) -> None:
    with pytest.raises(RecordError) as raised:
        transfer(**{field: value})
    assert raised.value.field.startswith(field)
    assert raised.value.code == "record_invalid"
    assert PERSONAL not in str(raised.value)
    assert "Anna" not in str(raised.value)
    with pytest.raises(RecordError) as again:
        transfer().like(**{field: value})
    assert str(again.value) == str(raised.value)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "id": st.just("01ARZ3NDEKTSV4RRFFQ69G5FAV"),
            "host": st.sampled_from(["api.example.com", "[::1]:8080"]),
            "model": st.sampled_from([None, "gpt-5", "~0123456789abcdef"]),
            "session": st.sampled_from([None, REFERENCE]),
            "rules": st.sampled_from([(), ("a", "b")]),
            "findings": st.sampled_from(
                [(), (FindingCount(entity_type="IBAN", operator="redact", n=2),)]  # type: ignore[arg-type]
            ),
            "bytes_out": st.integers(0, 2**53 - 1),
            "observe": st.booleans(),
        },
    )
)
def test_a_record_like_another_is_the_one_that_would_have_been_made(changes: dict[str, Any]) -> None:
    first = exchange_record(at=1)
    made, alike = dataclasses.replace(first, **changes), first.like(**changes)
    assert alike == made
    assert alike.facts() == made.facts()
    assert entry(alike, STAMP) == entry(made, STAMP)
    assert first == exchange_record(at=1, id=first.id)  # the one that it is like stays what it was


def test_nested_facts_are_checked_with_the_record(transfer) -> None:
    with pytest.raises(RecordError) as raised:
        transfer(destination=DestinationFacts(name="openai", storage=("US", "Germany")))
    assert raised.value.field == "destination.storage[1]"


def test_a_refusal_needs_a_reason_and_may_lack_what_was_not_known_yet(blocked) -> None:
    assert blocked(destination=None, host=None, policy_digest=None, commitment_in=None).reason == "policy_blocked"
    with pytest.raises(RecordError):
        blocked(reason=PERSONAL)


def test_records_are_frozen(transfer) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        transfer().application = "another"


def test_a_changed_copy_is_checked_again(transfer) -> None:
    with pytest.raises(RecordError):
        dataclasses.replace(transfer(), application=PERSONAL)
    assert dataclasses.replace(transfer(), application="feed").facts()["application"] == "feed"


def test_the_empty_is_left_out_and_counts_are_not(transfer) -> None:
    found = transfer(model=None, findings=(), rules=()).facts()
    assert not {"model", "findings", "rules", "session"} & set(found)
    assert found["subjects_overflow"] == 0
    assert found["observe"] is False


def test_an_entry_is_stamped_and_is_what_an_independent_encoder_writes(transfer, blocked, outcome) -> None:
    sent = transfer(destination=DestinationFacts(name="x", contracting_entity="Công ty Ví Dụ & Söhne (GmbH)"))
    for record in (sent, blocked(), outcome(sent)):
        data = entry(record, STAMP)
        found = facts(data)
        assert rfc8785.dumps(found) == data
        assert (found["kind"], found["v"], found["node_seq"], found["node"]) == (record.kind, 1, 7, "node-1")


_scalars = st.one_of(st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), st.text(max_size=20))
_keys = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8)


@given(st.dictionaries(_keys, st.recursive(_scalars, lambda inner: st.lists(inner) | st.dictionaries(_keys, inner))))
def test_the_encoder_agrees_with_the_oracle_on_everything_a_record_may_hold(value: dict[str, Any]) -> None:
    assert dumps(value) == rfc8785.dumps(value)


def many(rows: int) -> tuple[FindingCount, ...]:
    return tuple(
        FindingCount(
            entity_type=f"TYPE_{row % 5}",
            operator="tokenize",
            n=row + 1,
            rule=f"rule-{row % 3}",
            score_decile=row % 10,
            language="de",
            recognizer=f"recognizer-{row % 7}",
            where=f"/messages/*/content/part-{row}",
            kind="user",
        )
        for row in range(rows)
    )


@pytest.mark.parametrize("rows", [1, 20, 40, 100, 256])
def test_findings_that_do_not_fit_are_merged_and_none_is_lost(transfer, rows: int) -> None:
    record = transfer(findings=many(rows))
    data = entry(record, STAMP)
    found = facts(data)
    assert len(data) <= MAX_ENTRY_BYTES
    assert sum(row["n"] for row in found["findings"]) + found["findings_overflow"] == sum(range(1, rows + 1))
    assert ("findings_merged" in found) == (rows >= 40)
    assert {row["entity_type"] for row in found["findings"]} == {row.entity_type for row in record.findings}


def test_what_no_merging_can_keep_is_counted_as_overflow(transfer) -> None:
    rows = tuple(FindingCount(entity_type=f"{'T' * 44}_{row:03d}", operator="tokenize", n=2) for row in range(256))
    found = facts(entry(transfer(findings=rows, findings_overflow=5), STAMP))
    kept = sum(row["n"] for row in found["findings"])
    assert kept + found["findings_overflow"] == 2 * 256 + 5
    assert found["findings_overflow"] > 5


def test_the_largest_record_fits_and_counts_what_it_lost(transfer) -> None:
    people = tuple(SubjectReference(ref=f"{row:022d}", role="participant") for row in range(64))
    parts = tuple(Uninspected(media_type=f"application/{'x' * 60}", bytes=2**40, reason="opaque") for _ in range(16))
    media = tuple(MediaItem(kind="image", media_type="image/png", bytes=1, commitment="a" * 64) for _ in range(16))
    rules = tuple(f"{'r' * 90}{row}" for row in range(64))
    full = transfer(subjects=people, uninspected=parts, media=media, findings=many(256), rules=rules)
    data = entry(full, STAMP)
    found = facts(data)
    assert len(data) <= MAX_ENTRY_BYTES
    for name, total in (("subjects", 64), ("uninspected", 16), ("media", 16), ("rules", 64)):
        assert len(found[name]) + found[f"{name}_overflow"] == total
    assert sum(row["n"] for row in found["findings"]) + found["findings_overflow"] == sum(range(1, 257))
    assert len(found["subjects"]) == 64, "persons go last"
    assert len(full.facts()["rules"]) == 64, "the record itself is not changed"


def too_large() -> dict[str, Any]:
    """Facts that no shortening takes away, each within its own limits: more than 8 kB together."""
    countries = tuple(f"{first}{second}" for first in "ABCDEFGH" for second in "ABCDEFGH")
    facts = DestinationFacts(name="d" * 96, processing=countries, storage=countries, access=countries)
    detectors = tuple(Detector(name=f"{'n' * 90}{row}", version="v" * 96) for row in range(16))
    return {
        "destination": facts,
        "detectors": detectors,
        "purpose": PurposeFacts(name="p" * 96, controller="Ủ" * 120, notice="n" * 96, dpia="d" * 96),
        "findings": tuple(FindingCount(entity_type=f"{'T' * 44}_{row:03d}", operator="tokenize", n=2) for row in range(99)),
        "subjects": tuple(SubjectReference(ref=f"{row:022d}", role="participant") for row in range(64)),
    }  # fmt: skip


ERASURE = events.ErasureRecord(
    at=1,
    id=STAMP.boot,
    phase="begun",
    refs=tuple(f"{row:022d}" for row in range(64)),
    recipients=tuple(f"{row:096d}" for row in range(64)),
)


@pytest.mark.parametrize("kind", ["transfer", "blocked", "erasure"])
def test_what_cannot_be_shortened_enough_is_refused_by_a_code_of_its_own(transfer, blocked, kind: str) -> None:
    record = ERASURE if kind == "erasure" else {"transfer": transfer, "blocked": blocked}[kind](**too_large())
    with pytest.raises(RecordError) as raised:
        entry(record, STAMP)
    assert (raised.value.code, raised.value.field) == ("record_too_large", "record")
    assert str(MAX_ENTRY_BYTES) in str(raised.value)


@pytest.mark.parametrize("name", ["destination", "detectors", "purpose", "findings", "subjects"])
def test_each_of_them_alone_is_shortened_or_fits(transfer, name: str) -> None:
    data = entry(transfer(**{name: too_large()[name]}), STAMP)
    assert len(data) <= MAX_ENTRY_BYTES
    assert rfc8785.dumps(facts(data)) == data


async def test_a_record_that_is_too_large_costs_neither_the_ledger_nor_its_neighbours(ledger: Ledger, transfer) -> None:
    records = (transfer(), transfer(**too_large()), ERASURE, transfer())
    answers = await asyncio.gather(*(ledger.append(record) for record in records), return_exceptions=True)
    assert [getattr(answer, "code", "") for answer in answers] == ["", "record_too_large", "record_too_large", ""]
    assert ledger.refusal is None
    assert verify_store(ledger.store, [ledger.home.read_vkey()]).kinds == {"key": 1, "transfer": 2}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"{", "entry_unreadable"),
        (b"[]", "entry_not_canonical"),
        (b'{"v": 1}', "entry_not_canonical"),
        (b'{"b":1,"a":2}', "entry_not_canonical"),
        (b'{"kind":"transfer","v":2}', "entry_unknown"),
        (b'{"kind":"note","v":1}', "entry_unknown"),
    ],
)
def test_bytes_that_are_no_entry_are_refused(data: bytes, code: str) -> None:
    with pytest.raises(VerifyError) as raised:
        facts(data)
    assert raised.value.code == code


EVENTS: list[Any] = [
    events.GapRecord(at=2, cause="crash", since=1, until=2, last_boot=STAMP.boot, interrupted=3),
    events.ConfigRecord(at=1, version="0.1.0", digest="a" * 64, modes=("gateway", "regular"), workers=2),
    events.PolicyRecord(at=1, event="activated", name="messenger", new_digest="a" * 64, actor=REFERENCE, weaker=1),
    events.KeyRecord(at=1, event="created", new_vkey="example.com/log+f9b637ff+AQOhB7=="),
    events.RevealRecord(at=1, actor=REFERENCE, approver=REFERENCE, reason="incident", types=("PERSON",), n=1),
    events.ShredRecord(at=1, cause="expired", scopes=("a" * 64,), mappings=4),
    events.ErasureRecord(at=1, id=STAMP.boot, phase="begun", refs=(REFERENCE,), recipients=("openai",)),
    events.TokenRecord(at=1, event="created", token="3f9a1c20", role="auditor", actor=REFERENCE),
    events.StopRecord(at=1, target="destination", name="openai", state="stopped", actor=REFERENCE),
    events.ExportRecord(at=1, format="tiles", tree_size=3, root="a" * 64, entries=3),
    events.QueryRecord(at=1, question="who", filters=("application",), refs=(REFERENCE,), results=4),
    events.WitnessRecord(at=1, name="witness.example/w1", key_id="20324abe", tree_size=3, root="a" * 64, cosigned_at=1),
]  # fmt: skip


@pytest.mark.parametrize("record", EVENTS, ids=lambda record: record.kind)
def test_every_other_kind_of_record_makes_a_canonical_entry(record: Any) -> None:
    data = entry(record, STAMP)
    assert rfc8785.dumps(facts(data)) == data


def test_the_examples_and_the_registry_cover_every_kind() -> None:
    assert {record.kind for record in EVENTS} | {"transfer", "outcome", "blocked"} == set(KINDS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_field_has_a_check_a_sentence_and_a_schema(kind: str) -> None:
    for rule in table(KINDS[kind]).rules:
        assert rule.doc.endswith((".", ")")), rule.name
        assert rule.name.isascii()
        assert rule.check.schema(), rule.name
    assert orjson.dumps(schema_of(KINDS[kind]))


def test_what_is_encoded_keeps_to_strings_integers_booleans_and_plain_types(transfer) -> None:
    def plain(value: Any) -> bool:
        if isinstance(value, dict):
            return all(type(key) is str and plain(item) for key, item in value.items())
        return all(map(plain, value)) if isinstance(value, list) else type(value) in {str, int, bool}

    assert plain(encode(transfer()))


def test_ids_are_ulids_that_sort_by_time() -> None:
    earlier, later = new_id(1_700_000_000_000), new_id(1_700_000_000_001)
    assert earlier < later
    assert len({new_id() for _ in range(1000)}) == 1000
    events.ErasureRecord(at=1, id=later, phase="done")
