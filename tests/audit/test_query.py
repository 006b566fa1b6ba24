"""The questions on both databases: every field filters and groups, pages continue, roll-ups and rows agree."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from audit import fields, query
from audit.log import Ledger
from audit.query import Question
from audit.questions import conditions, grouping, holders
from audit.questions.conditions import CONDITIONS, FINDING_COLUMNS, GROUPS, INSIDE, QueryError
from audit.record import (
    BlockedRecord,
    DestinationFacts,
    Detector,
    FindingCount,
    MediaItem,
    OutcomeRecord,
    PurposeFacts,
    StageTime,
    SubjectReference,
    TransferRecord,
    Uninspected,
)
from audit.sums.summed import Summed
from audit.tables import entry
from tests.audit.conftest import blocked_record, exchange_record

DAY = 86_400_000
ANNA, BEN = "A" * 22, "B" * 22
SECOND = "01KB8Q0W3Z8V6T4R2N1M0K9J8H"

SAID: dict[str, Any] = {"score_decile": 3, "exception": "x-2", "where": "/contents/*/text", "kind": "tool_result"}

A: dict[str, Any] = {
    "at": 10 * DAY + 1,
    "session": "S" * 22,
    "network": "office",
    "policy_version": "3",
    "subjects": (SubjectReference(ref=ANNA, role="requester"), SubjectReference(ref=BEN, role="mentioned")),
}
B: dict[str, Any] = {
    "at": 11 * DAY + 1,
    "attempt": 2,
    "environment": "test",
    "application": "feed",
    "identified_by": "network",
    "subjects": (SubjectReference(ref=BEN, role="author"),),
    "session": "T" * 22,
    "purpose": PurposeFacts(
        name="rank",
        controller="Example Feeds GmbH",
        basis="contract",
        special_basis="research",
        notice="PN-2",
        dpia="D-2",
    ),
    "destination": DestinationFacts(
        name="gemini",
        contracting_entity="Google Ireland Ltd",
        role="controller",
        agreement="DPA-2",
        transfer="adequacy",
        processing=("SE", "DK"),
        storage=("FI",),
        access=("NO", "IS"),
        register_digest="e" * 64,
        retention="zero",
        training="unknown",
    ),
    "provider": "google",
    "host": "generativelanguage.googleapis.com",
    "endpoint": "generate_content",
    "model": "gemini-3",
    "format": "gemini",
    "door": "network",
    "mode": "socks5",
    "network": "home",
    "policy_digest": "f" * 64,
    "policy_name": "strict",
    "action": "allow",
    "observe": True,
    "policy_version": "4",
    "rules": ("r1", "r2"),
    "rules_overflow": 21,
    "subjects_overflow": 22,
    "findings_overflow": 0,
    "media_overflow": 23,
    "uninspected_overflow": 24,
    "findings": (
        FindingCount(entity_type="IBAN", operator="mask", n=2, rule="r2", recognizer="iban", language="vi"),
        FindingCount(entity_type="IBAN", operator="mask", n=6, rule="r2", recognizer="iban", language="vi", **SAID),
    ),
    "media": (MediaItem(kind="image", media_type="image/png", bytes=31, commitment="c" * 64, treated="inspected"),),
    "uninspected": (Uninspected(media_type="video/mp4", bytes=32, reason="policy_pass"),),
    "detectors": (Detector(name="patterns", version="7"),),
    "stages": (StageTime(stage="detect", us=33),),
    "commitment_in": "a" * 64,
    "commitment_out": "b" * 64,
    "bytes_in": 7,
    "bytes_out": 8,
}
END: dict[str, Any] = {
    "status": 502,
    "tokens_in": 11,
    "tokens_out": 12,
    "upstream_status": 503,
    "bytes_sent": 42,
    "bytes_received": 43,
    "restored": 44,
    "unknown": 45,
    "foreign": 46,
    "withheld": 47,
    "expired": 48,
    "findings": (
        FindingCount(entity_type="CITY", operator="keep", n=49, rule="r3", recognizer="list", language="en", **SAID),
    ),
    "findings_overflow": 50,
    "inspected": "buffered",
    "stream": "cut",
    "first_byte_at": 11 * DAY + 5,
    "stages": (StageTime(stage="restore", us=51),),
    "error": "upstream_reset",
}
"""What the second transfer's outcome says beside its state."""
SUMS = ("transfers", "findings", "bytes_in", "bytes_out")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A log with two transfers that differ in every field, and a refusal between them; nobody changes it."""
    url = None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        url = server.url(server.new())
    ledger = Ledger.open(tmp_path_factory.mktemp("questions") / "home", database_url=url)
    first, second = exchange_record(**A), exchange_record(**B, id=SECOND)
    refused = blocked_record(at=10 * DAY + 2, subjects=())
    end = OutcomeRecord(id=second.id, attempt=2, at=11 * DAY + 9, state="cut", **END)
    ledger._append_all([first, refused, second, end])
    ends = {"id": first.id, "at": 10 * DAY + 9, "tokens_in": 21, "tokens_out": 22}
    ledger._append_all([OutcomeRecord(**ends, state="complete")])  # type: ignore[arg-type]
    with ledger.store.write() as connection:  # node is the machine's, not the record's
        connection.exec_driver_sql("UPDATE transfer SET node = 'two' WHERE idx = 3")
    yield ledger
    ledger.close()


@pytest.fixture
def asked(log: Ledger) -> Iterator[sa.Connection]:
    """A connection to ask on."""
    with log.store.read() as connection:
        yield connection


def found(connection: sa.Connection, question: Question, **page: Any) -> list[int]:
    return [row["idx"] for row in query.transfers(connection, question, **page)]


OF_FINDINGS = {"entity_type": "IBAN", "operator": "mask", "rule": "r2", "recognizer": "iban", "language": "vi"}


def _in_entry(connection: sa.Connection, name: str) -> str:
    """What the entries of the second transfer say at a place, the last of a list."""
    said: Any = next(
        facts for index, facts in query.exchange(connection, SECOND) if (index == 4) is INSIDE[name].of_outcome
    )
    for step in name.removeprefix("outcome.").split("."):
        said = said[step]
        said = said[-1] if isinstance(said, list) else said
    return str(said)


@pytest.mark.parametrize("name", INSIDE)
def test_what_only_an_entry_says_finds_the_transfers_that_say_it(asked: sa.Connection, name: str) -> None:
    if name == "findings_overflow":  # every transfer says none
        assert found(asked, Question({name: "0"})) == [3, 2, 1]
        return
    value = _in_entry(asked, name)
    assert found(asked, Question({name: value})) == [3]
    assert found(asked, Question({name: "9" if INSIDE[name].whole else "nothing"})) == []
    if INSIDE[name].whole:
        with pytest.raises(QueryError, match="takes a number"):
            found(asked, Question({name: "x'; --"}))


def test_every_field_of_a_record_can_be_asked_for() -> None:
    """Under its own name, that of its column, or, for a person, by the identifier."""
    columns = {*CONDITIONS, *conditions._COLUMN_OF, "subjects.ref"}
    for of, prefix in ((TransferRecord, ""), (BlockedRecord, ""), (OutcomeRecord, "outcome.")):
        for rule in fields.table(of).rules:
            assert any(one == prefix + rule.name or one.startswith(f"{prefix}{rule.name}.") for one in columns), (
                rule.name
            )


def test_several_conditions_on_findings_are_about_the_same_one(asked: sa.Connection) -> None:
    both = {"entity_type": "IBAN", "findings.n": "6"}
    assert found(asked, Question({**both, "findings.where": "/contents/*/text"})) == [3]
    assert found(asked, Question({"findings.n": "2", "findings.where": "/contents/*/text"})) == []
    assert found(asked, Question({"entity_type": "PERSON", "operator": "mask"})) == []


@pytest.mark.parametrize(
    ("score", "expected"), [("0.3", [3, 2, 1]), ("0.4", [2, 1]), ("0.9", []), ("1", []), ("0", [3, 2, 1])]
)
def test_a_least_score_counts_the_deciles_from_it_on(asked: sa.Connection, score: str, expected: list[int]) -> None:
    assert found(asked, Question({"score_from": score})) == expected


@pytest.mark.parametrize("score", ["-1", "1.1", "high", "nan"])
def test_a_score_is_a_number_from_0_to_1(asked: sa.Connection, score: str) -> None:
    with pytest.raises(QueryError, match="from 0 to 1"):
        found(asked, Question({"score_from": score}))


def test_findings_grouped_and_filtered_are_the_same_findings(asked: sa.Connection) -> None:
    kinds = [{"operator": "mask", "findings": 8}]
    assert list(query.groups(asked, Question({"entity_type": "IBAN"}, 1), ["operator"])) == kinds
    with pytest.raises(QueryError, match="not by the rest"):
        list(query.groups(asked, Question({"findings.where": "/x"}), ["operator"]))


def test_a_page_that_has_to_read_entries_says_how_far_it_looked(
    asked: sa.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "LOOKED_AT", 2)
    asks = Question({"findings.where": "/messages/*/content"})
    lowest = query.lowest_of_page(asked, asks, None)
    assert lowest == query.size(asked) - 2
    assert found(asked, asks, lowest=lowest) == []
    assert found(asked, asks, before=3, lowest=query.lowest_of_page(asked, asks, 3)) == [2, 1]
    assert query.lowest_of_page(asked, Question({"application": "feed"}), None) == 0
    assert query.lowest_of_page(asked, Question(asks.values, refs=(ANNA,)), None) == 0


def test_a_session_is_found_by_its_references(asked: sa.Connection) -> None:
    assert found(asked, Question(sessions=("T" * 22, "U" * 22))) == [3]
    assert found(asked, Question(sessions=())) == []
    assert [row["transfers"] for row in query.groups(asked, Question(sessions=("T" * 22,)), ["kind"])] == [1]
    assert [one.application for one in holders.who(asked, Question(sessions=("T" * 22,)))] == ["feed"]


@pytest.mark.parametrize("name", [name for name in CONDITIONS if name not in {*INSIDE, "score_from"}])
def test_every_field_finds_the_transfers_that_have_its_value(asked: sa.Connection, name: str) -> None:
    second = next(row for row in query.transfers(asked, Question()) if row["idx"] == 3)
    others = {"country": "FI", "role_of_subject": "author", **OF_FINDINGS}
    if name == "reason":
        assert found(asked, Question({"reason": "policy_blocked"})) == [2]
        return
    if name == "kind":
        assert found(asked, Question({"kind": "blocked"})) == [2]
        assert found(asked, Question({"kind": "transfer"})) == [3, 1]
        return
    value = others[name] if name in others else second[name]
    assert value is not None, f"the example has no {name}"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    assert found(asked, Question({name: text})) == [3]


def test_a_kind_of_data_is_found_in_the_blocks_that_hold_it(asked: sa.Connection) -> None:
    assert found(asked, Question({"entity_type": "IBAN"})) == [3]
    assert found(asked, Question({"entity_type": "PERSON"})) == [2, 1]
    assert found(asked, Question({"entity_type": "PERSON", "operator": "mask"})) == []
    assert found(asked, Question({"entity_type": "NONE"})) == []


def test_conditions_are_joined(asked: sa.Connection) -> None:
    assert found(asked, Question({"application": "messenger", "kind": "transfer"})) == [1]
    assert found(asked, Question({"application": "messenger", "destination": "gemini"})) == []


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (None, None, [3, 2, 1]),
        (11 * DAY, None, [3]),
        (None, 11 * DAY, [2, 1]),
        (10 * DAY + 1, 10 * DAY + 2, [1]),
        (10 * DAY + 2, 11 * DAY + 1, [2]),
        (12 * DAY, None, []),
    ],
)
def test_times_are_half_open(asked: sa.Connection, since: int | None, until: int | None, expected: list[int]) -> None:
    assert found(asked, Question({}, since, until)) == expected


def test_a_person_is_found_in_every_role_or_in_one(asked: sa.Connection) -> None:
    assert found(asked, Question(refs=(BEN,))) == [3, 1]
    assert found(asked, Question(refs=(ANNA,))) == [1]
    assert found(asked, Question({"role_of_subject": "mentioned"}, refs=(BEN,))) == [1]
    assert found(asked, Question({"role_of_subject": "requester"}, refs=(BEN,))) == []
    assert found(asked, Question(refs=())) == [], "nobody is not everybody"


def test_a_transfer_without_an_outcome_is_open(home: Any, database: str, transfer, outcome) -> None:
    ledger = Ledger.open(home, database_url=database)
    sent = transfer()
    ledger._append_all([sent, transfer(), outcome(sent)])
    with ledger.store.read() as connection:
        assert found(connection, Question({"state": "open"})) == [2]
        assert query.statistics(connection)["open"] == 1
    ledger.close()


def test_pages_continue_below_the_last_row(home: Any, database: str, transfer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "PAGE", 4)
    ledger = Ledger.open(home, database_url=database)
    ledger._append_all(transfer() for _ in range(10))
    with ledger.store.read() as connection:
        assert found(connection, Question()) == list(range(10, 0, -1))
        assert found(connection, Question(), limit=5) == [10, 9, 8, 7, 6]
        assert found(connection, Question(), limit=5, before=6) == [5, 4, 3, 2, 1]
        assert [index for index, _ in query.entries(connection, since=7)] == [7, 8, 9, 10]
        assert [index for index, _ in query.entries(connection, kinds=("key",))] == [0]
    ledger.close()


@pytest.mark.parametrize("name", GROUPS)
def test_every_field_groups(asked: sa.Connection, name: str) -> None:
    rows = list(query.groups(asked, Question(), [name]))
    counted = "findings" if name in FINDING_COLUMNS else "transfers"
    assert sum(row[counted] for row in rows) == (14 if counted == "findings" else 3)
    assert all(name in row for row in rows)
    assert [row[counted] for row in rows] == sorted((row[counted] for row in rows), reverse=True)


@pytest.mark.parametrize(
    "by", [["day"], ["application", "day"], ["destination", "kind"], ["entity_type"], ["operator", "day"]]
)
@pytest.mark.parametrize("values", [{}, {"kind": "transfer"}, {"application": "feed"}])
@pytest.mark.parametrize("span", [(None, None), (11 * DAY, None), (10 * DAY, 11 * DAY)])
def test_roll_ups_answer_as_the_rows_do(
    asked: sa.Connection, by: list[str], values: dict[str, str], span: tuple[int | None, int | None]
) -> None:
    question = Question(values, *span)
    rollup = grouping._rollup(Summed(asked), question, by)
    assert rollup is not None
    fast = asked.execute(grouping._from_rollup(rollup, question, by)).mappings().all()
    slow = asked.execute(grouping._from_rows(question, by)).mappings().all()
    assert [dict(row) for row in fast] == [dict(row) for row in slow]


def test_what_no_roll_up_knows_is_counted_from_the_rows(asked: sa.Connection) -> None:
    for question, by in (
        (Question(refs=(BEN,)), ["day"]),
        (Question({}, 10 * DAY + 2), ["day"]),
        (Question({"model": "gpt-5"}), ["day"]),
        (Question(), ["model"]),
        (Question(), ["recognizer"]),
    ):
        assert grouping._rollup(Summed(asked), question, by) is None
    assert list(query.groups(asked, Question(refs=(BEN,)), ["application"])) == [
        {"application": "feed", "transfers": 1, "findings": 8, "bytes_in": 7, "bytes_out": 8},
        {"application": "messenger", "transfers": 1, "findings": 3, "bytes_in": 2000, "bytes_out": 2100},
    ]


def test_a_day_is_shown_as_a_date(asked: sa.Connection) -> None:
    rows = list(query.groups(asked, Question({"kind": "transfer"}), ["day"]))
    assert sorted(row["day"] for row in rows) == ["1970-01-11", "1970-01-12"]


@pytest.mark.parametrize(
    ("values", "hint"),
    [({"aplication": "x"}, "did you mean application"), ({"anna@example.com": "x"}, "there are")],
)
def test_an_unknown_field_is_refused_without_being_repeated(values: dict[str, str], hint: str) -> None:
    with pytest.raises(QueryError, match=hint) as raised:
        Question(values)
    assert "anna" not in str(raised.value)


@pytest.mark.parametrize(("name", "value"), [("status", "anna@example.com"), ("observe", "perhaps"), ("at", "1.5")])
def test_a_value_of_the_wrong_kind_is_refused_without_being_repeated(
    asked: sa.Connection, name: str, value: str
) -> None:
    with pytest.raises(QueryError) as raised:
        found(asked, Question({name: value}))
    assert value not in str(raised.value)
    with pytest.raises(QueryError):
        list(query.groups(asked, Question(), ["anna@example.com"]))


def test_values_never_become_sql(asked: sa.Connection) -> None:
    assert found(asked, Question({"application": "' OR 1=1 --"})) == []
    assert found(asked, Question({"country": "%"})) == []
    assert asked.execute(sa.select(sa.func.count()).select_from(entry)).scalar_one() == 6


def test_who_holds_what_has_a_line_for_each_recipient_and_purpose(asked: sa.Connection) -> None:
    lines = holders.who(asked, Question())
    assert {(one.application, one.facts["contracting_entity"], one.transfers) for one in lines} == {
        ("messenger", "OpenAI Ireland Ltd", 1),
        ("feed", "Google Ireland Ltd", 1),
    }
    google = next(one for one in lines if one.application == "feed")
    assert dict(google.types) == {("IBAN", "mask"): 8}
    assert (google.first, google.last) == (11 * DAY + 1, 11 * DAY + 1)
    assert google.purpose["controller"] == "Example Feeds GmbH"
    assert [one.application for one in holders.who(asked, Question(refs=(ANNA,)))] == ["messenger"]


def test_a_change_in_the_register_makes_another_line(ledger: Ledger, transfer) -> None:
    older = DestinationFacts(name="openai", contracting_entity="OpenAI Ireland Ltd", retention="30d")
    newer = DestinationFacts(name="openai", contracting_entity="OpenAI Ireland Ltd", retention="zero")
    ledger._append_all([transfer(destination=older), transfer(destination=newer), transfer(destination=newer)])
    with ledger.store.read() as connection:
        lines = holders.who(connection, Question())
    assert [(one.facts["retention"], one.transfers) for one in lines] == [("zero", 2), ("30d", 1)]


def test_what_was_surely_not_sent_has_no_recipient(ledger: Ledger, transfer, outcome, blocked) -> None:
    sent: list[TransferRecord] = [transfer(), transfer(application="feed")]
    ledger._append_all([*sent, blocked(application="other"), outcome(sent[1], state="not_sent")])
    with ledger.store.read() as connection:
        assert [one.application for one in holders.who(connection, Question())] == ["messenger"]


def test_completeness_counts_the_transfers_without_a_person(asked: sa.Connection, transfer) -> None:
    assert holders.completeness(asked, Question(refs=(ANNA,))) == (2, 0)
    assert holders.completeness(asked, Question({"kind": "blocked"})) == (0, 0)


def test_an_exchange_is_told_in_the_order_of_the_log(ledger: Ledger, transfer, outcome) -> None:
    first = transfer()
    second = transfer(id=first.id, attempt=2)
    ledger._append_all([first, outcome(first, state="upstream_error"), second, transfer(), outcome(second)])
    with ledger.store.read() as connection:
        told = query.exchange(connection, first.id)
        assert [(index, facts["kind"], facts["attempt"]) for index, facts in told] == [
            (1, "transfer", 1), (2, "outcome", 1), (3, "transfer", 2), (5, "outcome", 2),
        ]  # fmt: skip
        assert query.exchange(connection, "0" * 26) == []
        with pytest.raises(QueryError):
            query.entry_facts(connection, 99)
