"""The reports beyond recipients: retention, policies, exceptions, costs, an answer, transparency, impact; and as PDF."""

import json
import re
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader
from typer.testing import CliRunner

from audit.cli import app
from audit.events import PolicyRecord, RevealRecord, StopRecord
from audit.ids import now_ms
from audit.log import Ledger
from audit.query import Question
from audit.record import DestinationFacts, Detector, FindingCount, OutcomeRecord, Uninspected
from audit.reports import NAMES, prices, recall
from audit.reports.base import Report, ReportError, build, day
from audit.reports.costs import quantile, week_of
from audit.reports.document import document
from audit.reports.html import page
from audit.reports.pdf import pdf
from audit.reports.retention import days_of
from audit.reports.texts import Language
from tests.audit.conftest import DIGEST, blocked_record, exchange_record

DAY = 86_400_000
MONDAY = 20_003 * DAY
"""2024-10-07."""
HOSTILE = '#import "@preview/x:1.0.0"; #read("/etc/passwd") <script> $x$ */ ] } _a_ *b* \\u{41} "'
PRICES = """
date = 2026-11-01
currency = "EUR"
source = "https://prices.example"
[models."gpt-5"]
input = "2"
output = "10"
[models."mini-*"]
input = 0.5
output = 1
"""


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """Twelve transfers of two applications, with everything that an exception can be."""
    opened = Ledger.open(tmp_path_factory.mktemp("kinds") / "home")
    actor, other = (opened.references.actor(name) for name in ("os-user:a", "os-user:b"))
    local = DestinationFacts(name="local", contracting_entity="Own GmbH", storage=("DE",), retention="0d")
    excused = FindingCount(entity_type="PERSON", operator="keep", n=2, exception="press-office")
    for number in range(12):
        changes: dict[str, Any] = {"at": MONDAY + number * DAY}
        if number % 3 == 0:
            changes |= {"application": "feed", "destination": local, "model": "mini-3", "findings": (excused,)}
        if number == 1:
            changes |= {"observe": True, "detectors": (Detector(name="engine", version="7"),)}
        if number == 2:
            changes["uninspected"] = (Uninspected(media_type="image/png", bytes=9, reason="policy_pass"),)  # type: ignore[arg-type]
        made = exchange_record(**changes)
        opened.append_blocking(made)
        opened.append_blocking(
            OutcomeRecord(
                id=made.id, at=made.at + 1000 * (number + 1), state="complete", status=200, restored=3,  # type: ignore[arg-type]
                tokens_in=1_000_000, tokens_out=100_000,
            )
        )  # fmt: skip
    held = blocked_record(at=MONDAY, policy_name="house")
    opened.append_blocking(held)
    at = MONDAY + DAY
    for event in (
        PolicyRecord(at=at, event="activated", name="messenger", version="2", new_digest=DIGEST, stricter=3, weaker=1, actor=actor),  # type: ignore[arg-type]
        PolicyRecord(at=at, event="approved", name="messenger", new_digest=DIGEST, request=held.id, rules=("hold-health",), until=at + DAY, actor=actor),  # type: ignore[arg-type]
        StopRecord(at=at, target="destination", name="openai", state="stopped", actor=actor),  # type: ignore[arg-type]
        RevealRecord(at=at, actor=actor, approver=other, reason="incident", ticket="INC-7", transfer=held.id, types=("PERSON",), n=2),  # type: ignore[arg-type]
    ):  # fmt: skip
        opened.append_blocking(event)
    yield opened
    opened.close()


def made(ledger: Ledger, name: str, **given: Any) -> Report:
    with ledger.store.read() as connection:
        extra = {key: given.pop(key) for key in ("prices", "recall") if key in given}
        return build(connection, NAMES[name], Question(**given), **extra)


def english(report: Report) -> str:
    return re.sub(r"<[^>]+>", " ", page(document(report, Language.EN)))


@pytest.mark.parametrize(("declared", "days"), [("30d", 30), ("zero", 0), ("0d", 0), ("unknown", None), ("12m", None)])
def test_a_declared_time_is_read_or_unknown(declared: str, days: int | None) -> None:
    assert days_of(declared) == days


def test_retention_counts_the_days_from_each_transfer(ledger: Ledger) -> None:
    held = {one["destination"]: one for one in made(ledger, "retention").facts["held"]}
    assert (held["openai"]["transfers"], held["openai"]["days"]) == (8, 30)
    assert day(held["openai"]["due_first"]) == day(MONDAY + 31 * DAY), "the first was sent on Tuesday"
    assert day(held["openai"]["due_last"]) == day(MONDAY + 41 * DAY)
    assert (held["openai"]["over"], held["local"]["over"]) == (8, 4), "all of it is long past"
    recent = exchange_record(at=now_ms(), application="late")
    ledger.append_blocking(recent)
    ledger.append_blocking(exchange_record(at=now_ms(), destination=DestinationFacts(name="bare")))
    late = made(ledger, "retention", since=now_ms() - DAY)
    found = {one["destination"]: one for one in late.facts["held"]}
    assert (found["openai"]["over"], found["openai"]["held"]) == (0, 1)
    assert found["bare"]["due_last"] is None
    assert "no time in days is declared" in english(late)


def test_policy_history_tells_what_changed_and_what_each_decided(ledger: Ledger) -> None:
    facts = made(ledger, "policies", until=MONDAY + 100 * DAY).facts
    assert [(one["event"], one["version"], one["stricter"], one["weaker"]) for one in facts["events"]] == [
        ("activated", "2", 3, 1)
    ]
    assert [(one["name"], one["transfers"], one["refused"]) for one in facts["decided"]] == [
        ("house", 0, 1), ("messenger", 12, 0),
    ]  # fmt: skip


def test_exceptions_hold_everything_that_went_another_way(ledger: Ledger) -> None:
    facts = made(ledger, "exceptions", until=MONDAY + 100 * DAY).facts
    assert facts["used"] == [{"exception": "press-office", "application": "feed", "entity_type": "PERSON", "n": 8}]
    assert facts["uninspected"] == [{"reason": "policy_pass", "media_type": "image/png", "parts": 1, "bytes": 9}]
    assert [(one["event"], one["rules"]) for one in facts["approvals"]] == [("approved", ["hold-health"])]
    assert [(one["name"], one["state"]) for one in facts["stops"]] == [("openai", "stopped")]
    assert [(one["reason"], one["ticket"], one["n"]) for one in facts["reveals"]] == [("incident", "INC-7", 2)]
    bound = made(ledger, "exceptions", applications=("messenger",)).facts
    assert (bound["used"], bound["stops"], bound["reveals"]) == ([], [], [])


def test_costs_come_from_a_dated_table_and_unknown_models_have_none(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text(PRICES)
    table = prices.read(tmp_path / "prices.toml")
    report = made(ledger, "costs", prices=table, until=MONDAY + 100 * DAY)
    weeks = {(one["week"], one["application"]): one for one in report.facts["weeks"]}
    assert set(weeks) == {(week, app) for week in ("2024-10-07", "2024-10-14") for app in ("feed", "messenger")}
    first = weeks["2024-10-07", "messenger"]
    assert (first["transfers"], first["tokens_in"], first["tokens_out"]) == (4, 4_000_000, 400_000)
    assert Decimal(first["cost"]) == 4 * 2 + Decimal("0.4") * 10
    assert Decimal(weeks["2024-10-07", "feed"]["cost"]) == 3 * Decimal("0.5") + Decimal("0.3") * 1
    assert 2800 <= first["p50_ms"] <= 3300
    assert "2026-11-01" in english(report)
    bare = made(ledger, "costs", until=MONDAY + 100 * DAY)
    assert {one["cost"] for one in bare.facts["weeks"]} == {None}
    assert "No table of prices was given" in english(bare)
    ledger.append_blocking(
        exchange_record(at=now_ms(), application="unanswered", destination=DestinationFacts(name="silent"))
    )
    open_yet = made(ledger, "costs", prices=table, values={"application": "unanswered"})
    assert open_yet.facts["weeks"][0]["p50_ms"] is None, "it has no outcome yet"


@given(st.lists(st.integers(1, 10_000_000), min_size=1), st.sampled_from([0.5, 0.95]))
def test_a_quantile_is_right_within_its_class(times: list[int], share: float) -> None:
    import math

    from audit.reports.costs import _CLASS

    classes: dict[int, int] = {}
    for one in times:
        name = int(math.log(one, _CLASS))
        classes[name] = classes.get(name, 0) + 1
    exact = sorted(times)[max(0, math.ceil(share * len(times)) - 1)]
    found = quantile(classes, share)
    assert found is not None
    assert exact / 1.06 - 1 <= found <= exact * 1.06 + 1


def test_weeks_begin_on_monday() -> None:
    assert [week_of(20_003 + number) for number in (0, 6, 7)] == ["2024-10-07", "2024-10-07", "2024-10-14"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x", "not a TOML file"),
        ("currency = 'EUR'", "date ="),
        ("date = 2026-11-01\ncurrency = 'EUR'", "no model"),
        ("date = 2026-11-01\ncurrency = 'EUR'\n[models.m]\ninput = 1", "models.m"),
        ("date = 2026-11-01\ncurrency = 'EUR'\n[models.m]\ninput = -1\noutput = 1", "models.m"),
        ("date = 2026-11-01\ncurrency = 'EUR'\n[models.m]\ninput = nan\noutput = 1", "models.m"),
    ],
)
def test_a_table_of_prices_that_cannot_be_one_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text(text)
    with pytest.raises(prices.PricesError, match=re.escape(said)):
        prices.read(tmp_path / "prices.toml")


def test_an_answer_for_one_user_tells_one_transfer_in_plain_words(ledger: Ledger) -> None:
    with ledger.store.read() as connection:
        from audit import query

        rows = list(query.transfers(connection, Question(values={"application": "feed"})))
        refused = next(query.transfers(connection, Question(values={"kind": "blocked"})))
    report = made(ledger, "answer", values={"id": rows[0]["id"]})
    text = english(report)
    assert "It was sent to Own GmbH." in text
    assert "The answer came back whole." in text
    assert "0 were replaced or removed before sending, 2 were left as they were" in text
    assert "press-office" not in text
    assert "Nothing was sent." in english(made(ledger, "answer", values={"id": refused["id"]}))
    with pytest.raises(ReportError, match="one transfer"):
        made(ledger, "answer")
    with pytest.raises(ReportError, match="no transfer has this id"):
        made(ledger, "answer", values={"id": "01KB8Q0W3Z8V6T4R2N1M0K9J8H"})


def test_a_page_to_publish_names_no_application_and_no_small_number(ledger: Ledger) -> None:
    text = english(made(ledger, "transparency", until=MONDAY + 100 * DAY))
    recipients = text[text.index("Recipients") :]
    assert "Own GmbH" in recipients
    assert "fewer than 10" in recipients
    for word in ("messenger", "feed", "press-office", "people-become-placeholders"):
        assert word not in text


def test_an_impact_annex_holds_what_remains(ledger: Ledger) -> None:
    facts = made(ledger, "dpia", until=MONDAY + 100 * DAY).facts
    assert facts["measures"] == {"total": 32, "changed": 24, "kept": 8}
    assert facts["detectors"] == [{"detector": "engine 7", "transfers": 1}]
    assert (facts["observed"], facts["stops"], facts["policies"]) == (1, 1, 1)
    assert facts["uninspected"] == [{"reason": "policy_pass", "n": 1}]


def test_what_nobody_knows_is_said_in_the_language_of_the_report(tmp_path: Path) -> None:
    log = Ledger.open(tmp_path / "home", node="test")
    unknown = DestinationFacts(name="demo", processing=("unknown",))
    log._append_all([exchange_record(application="unknown", destination=unknown, purpose=None)])
    for name in ("who", "art30", "transfers", "retention", "dpia", "incident"):
        text = re.sub(r"<style>.*?</style>", "", page(document(made(log, name), Language.DE)), flags=re.S)
        assert "unbekannt" in text, name
        assert "unknown" not in text, name
    head = page(document(made(log, "dpia"), Language.DE)).partition("<table")[2].partition("</tr>")[0]
    assert "Folgenabschätzung" in head
    assert "Anhang" not in head
    log.close()


def test_every_report_prints_the_measured_recall_with_its_date(ledger: Ledger) -> None:
    measured = recall.bundled()
    text = english(made(ledger, "who", recall=measured))
    assert f"Measured {measured.measured.isoformat()}" in text
    for one in measured.sets:
        assert one.name in text
        assert f"{one.recall:.2f}" in text
    assert "No measurement was given." in english(made(ledger, "who"))
    with pytest.raises(recall.RecallError):
        recall.parse(b"[]", "x")
    with pytest.raises(recall.RecallError):
        recall.parse(b'[{"system": "dragoman"}]', "x")


def flat(text: str) -> str:
    """Without white space, hyphens at line ends and the marks where a word may break."""
    return re.sub(r"[\s\u200b\u00ad\u2010-]", "", text)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("name", list(NAMES))
def test_a_pdf_holds_what_the_page_holds(ledger: Ledger, name: str, language: Language, tmp_path: Path) -> None:
    given: dict[str, Any] = {"recall": recall.bundled()}
    if NAMES[name].person:
        given["refs"] = ()
    if NAMES[name].transfer:
        with ledger.store.read() as connection:
            from audit import query

            given["values"] = {"id": next(query.transfers(connection, Question(values={"application": "feed"})))["id"]}
    found = document(made(ledger, name, **given), language)
    (tmp_path / "report.pdf").write_bytes(pdf(found))
    raw = subprocess.run(["pdftotext", "-raw", str(tmp_path / "report.pdf"), "-"], capture_output=True, check=True)
    text = flat(raw.stdout.decode())
    assert flat(found.title) in text
    for section in found.sections:
        for line in (section.title, *section.lines):
            assert flat(line) in text, line
        for value in (value for table in section.tables for row in table.rows for value in row):
            # A cell that goes over two pages has the page's foot in its middle.
            assert flat(value) in text, value
    for line in found.checkpoint.splitlines():
        assert flat(line) in text
    reader = PdfReader(tmp_path / "report.pdf")
    assert reader.metadata is not None
    assert reader.metadata.title == found.title
    root: Any = reader.trailer["/Root"]
    assert root["/Lang"] == str(language)
    assert "/StructTreeRoot" in root, "tagged"
    fonts = subprocess.run(["pdffonts", str(tmp_path / "report.pdf")], capture_output=True, check=True).stdout.decode()
    assert {line.split()[-5] for line in fonts.splitlines()[2:]} == {"yes"}, "embedded"


def test_what_came_out_of_the_log_is_never_markup(ledger: Ledger, tmp_path: Path) -> None:
    report = made(ledger, "who", values={"application": HOSTILE})
    (tmp_path / "report.pdf").write_bytes(pdf(document(report, Language.EN)))
    raw = subprocess.run(["pdftotext", "-raw", str(tmp_path / "report.pdf"), "-"], capture_output=True, check=True)
    assert flat(HOSTILE) in flat(raw.stdout.decode())
    assert HOSTILE not in page(document(report, Language.EN))


def test_the_same_facts_give_the_same_pdf(ledger: Ledger) -> None:
    found = document(made(ledger, "who"), Language.DE)
    assert pdf(found) == pdf(found)


def test_the_command_writes_a_pdf_and_takes_tables_of_the_home(ledger: Ledger, tmp_path: Path) -> None:
    home = ["--home", str(ledger.home.path)]
    out = tmp_path / "dpia.pdf"
    done = CliRunner().invoke(app, ["report", "dpia", "--format", "pdf", "--lang", "vi", "--out", str(out), *home])
    assert (done.exit_code, out.read_bytes()[:5]) == (0, b"%PDF-"), done.output
    (ledger.home.path / "prices.toml").write_text(PRICES)
    facts = json.loads(CliRunner().invoke(app, ["report", "costs", "--format", "json", *home]).stdout)
    assert facts["prices"]["currency"] == "EUR"
    assert facts["recall"]["measured"] == recall.bundled().measured.isoformat()
    assert [line.split()[0] for line in CliRunner().invoke(app, ["report", "list"]).stdout.splitlines()] == list(NAMES)
    bad = CliRunner().invoke(app, ["report", "costs", "--prices", str(tmp_path / "none.toml"), *home])
    assert (bad.exit_code, "cannot be read" in bad.stderr) == (2, True)
