"""The overview: counts that can be checked by hand, the same from roll-ups and from rows, and only one's own."""

from typing import Any

import pytest

from audit import query
from audit.ids import now_ms
from audit.log import Ledger
from audit.query import Question
from audit.questions import holders
from audit.questions import overview as overview_of
from audit.questions import persons as persons_of
from audit.questions.overview import Flow, Overview, overview
from audit.record import DestinationFacts, FindingCount, SubjectReference, Uninspected
from tests.audit.conftest import blocked_record, exchange_record

DAY = 86_400_000
ANNA, BEN = "A" * 22, "B" * 22


def _found(entity_type: str, operator: str, n: int) -> FindingCount:
    return FindingCount(entity_type=entity_type, operator=operator, n=n)


@pytest.fixture
def log(ledger: Ledger) -> Ledger:
    both = (SubjectReference(ref=ANNA, role="requester"), SubjectReference(ref=BEN, role="mentioned"))
    left: Any = (Uninspected(media_type="image/png", bytes=9, reason="policy_pass"),)
    gemini = DestinationFacts(name="gemini", contracting_entity="Google Ireland Ltd")
    ledger.append_blocking(exchange_record(at=10 * DAY, subjects=both, findings=(_found("PERSON", "tokenize", 2),)))
    ledger.append_blocking(
        exchange_record(at=10 * DAY + 5, subject=ANNA, uninspected=left, findings=(_found("PERSON", "keep", 1),))
    )
    ledger.append_blocking(
        exchange_record(at=11 * DAY, application="feed", destination=gemini, findings=(_found("AGE", "mask", 4),))
    )
    ledger.append_blocking(
        blocked_record(at=11 * DAY, destination=gemini, findings=(_found("PASSPORT", "block", 1),), subjects=both)
    )
    ledger.append_blocking(exchange_record(at=now_ms(), findings=()))
    return ledger


def ask(log: Ledger, **changes: Any) -> Overview:
    with log.store.read() as connection:
        return overview(connection, Question(**({"since": 10 * DAY, "until": 12 * DAY} | changes)))


def test_it_counts_transfers_persons_recipients_and_what_nothing_looked_into(log: Ledger) -> None:
    found = ask(log)
    assert (found.transfers, found.blocked, found.persons, found.recipients) == (3, 1, 2, 2)
    assert (found.uninspected, found.looked_into) == (1, 3)
    assert found.without_subject == 1
    assert found.flows == (
        Flow("feed", "AGE", "gemini", 4, 0, 0),
        Flow("messenger", "PERSON", "openai", 2, 1, 0),
        Flow("messenger", "PASSPORT", "gemini", 0, 0, 1),
    )


def test_rows_and_roll_ups_agree(log: Ledger) -> None:
    assert ask(log, until=12 * DAY + 1) == ask(log)


def test_a_team_sees_its_applications_only(log: Ledger) -> None:
    found = ask(log, applications=("feed",))
    assert (found.transfers, found.blocked, found.persons, found.recipients, found.uninspected) == (1, 0, 0, 1, 0)
    assert ask(log, applications=("feed", "messenger")) == ask(log)
    assert ask(log, applications=()).transfers == 0


def test_every_question_keeps_to_the_applications(log: Ledger) -> None:
    mine = Question(applications=("feed",))
    with log.store.read() as connection:
        assert {row["application"] for row in query.transfers(connection, mine)} == {"feed"}
        assert [row["application"] for row in query.groups(connection, mine, ("application",))] == ["feed"]
        assert [row["entity_type"] for row in query.groups(connection, mine, ("entity_type",))] == ["AGE"]
        assert [holding.application for holding in holders.who(connection, mine)] == ["feed"]
        assert holders.completeness(connection, mine) == (1, 1)


def test_an_empty_period_is_all_zero(log: Ledger) -> None:
    assert ask(log, since=20 * DAY, until=21 * DAY) == Overview(0, 0, 0, True, 0, 0, 0, 0, ())


@pytest.fixture(params=["read", "leapt"])
def counted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Persons of a short period are read from its entries, those of a long one are leapt through."""
    if request.param == "leapt":
        monkeypatch.setattr(persons_of, "NEAR", -1)


@pytest.mark.usefixtures("counted")
def test_persons_are_counted_one_by_one(ledger: Ledger) -> None:
    for number in range(12):
        letter = "abcdefgh"[number % 8]
        ledger.append_blocking(exchange_record(at=(10 + number) * DAY, subject=letter * 22, findings=()))
    for since, until, persons in ((10, 22, 8), (10, 13, 3), (18, 22, 4), (21, 22, 1), (17, 19, 2), (22, 30, 0)):
        assert ask(ledger, since=since * DAY, until=until * DAY).persons == persons
    assert ask(ledger, since=None, until=None).persons == 8
    assert ask(ledger, since=None, until=None, values={"application": "feed"}).persons == 0


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize(("since", "persons"), [(10 * DAY, 3), (11 * DAY, 2), (11 * DAY + 5, 1), (12 * DAY, 1)])
def test_a_log_that_is_not_in_the_order_of_time_is_counted_the_same(ledger: Ledger, since: int, persons: int) -> None:
    for at, letter in ((12 * DAY, "a"), (10 * DAY, "b"), (11 * DAY, "c")):
        ledger.append_blocking(exchange_record(at=at, subject=letter * 22, findings=()))
    assert ask(ledger, since=since, until=None).persons == persons
    assert ask(ledger, since=since, until=20 * DAY).persons == persons
    assert ask(ledger, since=since, until=None, values={"application": "messenger"}).persons == persons


def test_very_many_persons_are_estimated_from_those_looked_at(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    persons = ledger.references.made([f"person-{number}@example.com" for number in range(600)])
    for day, some in ((10, persons[:400]), (11, persons[300:])):
        for part in range(0, len(some), 20):
            told = tuple(SubjectReference(ref=ref, role="requester") for ref in some[part : part + 20])
            ledger.append_blocking(exchange_record(at=day * DAY, subjects=told))
    monkeypatch.setattr(persons_of, "NEAR", -1)
    exact = ask(ledger, since=10 * DAY, until=11 * DAY)
    assert (exact.persons, exact.persons_exact) == (400, True)
    monkeypatch.setattr(overview_of, "LEAPS", 300)
    near = ask(ledger, since=10 * DAY, until=11 * DAY)
    assert near.persons_exact is False
    # Six standard deviations of a sample of 300, two thirds of them concerned, and of the share that they are of all.
    assert abs(near.persons - 400) < 6 * (400 * ((1 / 3) / 200 + 1 / 300) ** 0.5)
    assert ask(ledger, since=20 * DAY, until=21 * DAY).persons == 0


@pytest.mark.parametrize(
    ("ref", "share"), [("-" * 22, 0.0), ("z" * 22, 1.0), ("V" + "-" * 21, 0.5), ("_" + "z" * 21, 38 / 64)]
)
def test_where_a_reference_lies_in_their_order(ref: str, share: float) -> None:
    assert abs(persons_of.share_below(ref) - share) < 1e-9
    assert sorted(persons_of._IN_ORDER) == list(persons_of._IN_ORDER)
