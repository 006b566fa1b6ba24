"""Reports: computed from one state of the log, in three languages, with what they cannot know in plain words."""

import hashlib
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from typer.testing import CliRunner

from audit import query as ask
from audit.cli import app
from audit.home import Home
from audit.log import Ledger
from audit.query import Question
from audit.questions import tell
from audit.record import DestinationFacts, FindingCount, OutcomeRecord, PurposeFacts
from audit.reports import ALL, NAMES, base
from audit.reports.base import Report, ReportError, build, day, entity_of
from audit.reports.document import document
from audit.reports.entities import ENTITIES
from audit.reports.html import page as html
from audit.reports.reasons import REASONS
from audit.reports.recall import bundled
from audit.reports.terms import TERMS
from audit.reports.texts import _TEXTS, Language, Texts, fill
from audit.signing import VerifierKey
from audit.verify import open_checkpoint
from tests.audit.conftest import blocked_record, exchange_record

DAY = 86_400_000
ANNA = "anna.schmidt@example.com"
START = 20_000 * DAY


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A log with two recipients, one of them without a mechanism, a refusal, and a transfer that was never sent."""
    opened = Ledger.open(tmp_path_factory.mktemp("reports") / "home")
    ref = opened.references.subject(ANNA)
    hanoi = DestinationFacts(
        name="local", contracting_entity="Công ty (Ví Dụ)", storage=("VN",),
        processing=("VN", "SG"), role="controller",
    )  # fmt: skip
    bare = DestinationFacts(name="bare", contracting_entity="Bare & Sons Inc", role="unknown")
    rank = PurposeFacts(name="rank", controller="Example Feeds GmbH", basis="contract", dpia="DPIA-7")
    kept = (FindingCount(entity_type="LOCATION", operator="keep", n=4),)
    unsent = exchange_record(at=START + 3 * DAY, application="never")
    opened._append_all(
        [
            exchange_record(at=START, subject=ref),
            exchange_record(at=START + 2 * DAY, subject=ref, observe=True, action="allow"),
            exchange_record(
                at=START + DAY, application="feed", policy_name="house", purpose=rank, destination=hanoi, findings=kept
            ),
            exchange_record(
                at=START + 5 * DAY, application="feed", policy_name="house", purpose=rank, destination=bare, findings=()
            ),
            blocked_record(at=START),
            unsent,
            OutcomeRecord(id=unsent.id, at=START + 3 * DAY, state="not_sent"),  # type: ignore[arg-type]
        ]
    )
    yield opened
    opened.close()


def page(report: Report, say: Texts) -> str:
    return html(document(report, say.language))


def made(ledger: Ledger, name: str, *, prices: Any = None, recall: Any = None, **question: Any) -> Report:
    if NAMES[name].transfer:
        question["values"] = {"id": first_id(ledger), **question.get("values", {})}
    with ledger.store.read() as connection:
        return build(connection, NAMES[name], Question(**question), prices=prices, recall=recall)


def first_id(ledger: Ledger) -> str:
    """Of the oldest transfer."""
    with ledger.store.read() as connection:
        rows = list(ask.transfers(connection, Question(values={"application": "messenger", "kind": "transfer"})))
    return str(rows[-1]["id"])


def test_every_report_file_is_in_the_registry() -> None:
    folder = Path(base.__file__).parent
    shared = {"__init__", "base", "document", "entities", "html", "parts", "pdf", "prices", "reasons", "recall"}
    shared |= {"terms", "texts", "writing"}
    assert {path.stem for path in folder.glob("*.py")} - shared == set(NAMES)
    assert len(NAMES) == len(ALL)


@pytest.mark.parametrize(
    ("language", "one", "none"),
    [(Language.EN, "1 transfer was", "0 transfers were"), (Language.DE, "1 Übermittlung wurde", "0 Übermittlungen wurden"),
     (Language.VI, "1 lượt chuyển", "0 lượt chuyển")],
)  # fmt: skip
def test_a_number_asks_for_its_form_of_the_word(language: Language, one: str, none: str) -> None:
    for n, said in ((1, one), (0, none), (2, none.replace("0", "2"))):
        assert Texts(language)("coverage_line", transfers=n, not_sent=0, without_outcome=0, refused=0).startswith(said)
    assert Texts(Language.DE).term("1d") == "1 Tag"
    assert fill("{n} {n:person|persons}", {"n": "about 40"}) == "about 40 persons"
    assert fill("{n} {n:person|persons}", {"n": 1_000}, lambda n: f"{n:,}") == "1,000 persons"


ALL_TEXTS = [
    *_TEXTS.items(), *TERMS.items(), *tell._WORDS.items(), *ENTITIES.items(), *REASONS.items(),
    *((f"{kind.name}.{key}", texts) for kind in ALL for key, texts in kind.texts.items()),
]  # fmt: skip
CLAIMS = re.compile(
    r"anonymi|pseudonymised|\bsafe|\bcompl(y|iant|iance)|konform|\bsicher\b(?! nicht gesendet)|ẩn danh|tuân thủ|an toàn"
)


def test_a_text_that_claims_something_is_found() -> None:
    for text in (
        "This is anonymised.",
        "Data are safe",
        "compliant",
        "DSGVO-konform",
        "sicher",
        "đã ẩn danh",
        "an toàn",
        "tuân thủ",
    ):
        assert CLAIMS.search(text.lower()), text


@pytest.mark.parametrize(("key", "texts"), ALL_TEXTS)
def test_every_text_is_there_in_three_languages_with_the_same_values_and_claims_nothing(
    key: str, texts: tuple[str, ...]
) -> None:
    assert len(texts) == len(Language)
    assert all(texts)
    assert len({frozenset(name for _, name, _, _ in Formatter().parse(text) if name) for text in texts}) == 1
    assert "|" not in texts[2], "Vietnamese has one form"
    assert not [text for text in texts if CLAIMS.search(text.lower())]


class Parsed(HTMLParser):
    """Checks that every element is closed where it belongs, and gathers the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not {name for name, _ in attrs} & {"src", "href", "onclick"}
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("name", list(NAMES))
def test_every_report_is_a_whole_page_that_loads_nothing(ledger: Ledger, name: str, language: Language) -> None:
    report = made(ledger, name, refs=ledger.references.known("subject", ANNA))  # type: ignore[arg-type]
    found = Parsed(page(report, Texts(language)))
    assert {"script", "link", "img", "iframe"} & found.tags == set()
    assert Texts(language, NAMES[name].texts)(name) in found.text
    assert not CLAIMS.search(found.text.lower()), CLAIMS.search(found.text.lower())
    assert report.facts["log"]["checkpoint"] in found.text
    assert ANNA not in found.text
    if NAMES[name].transfer:
        return
    empty = Parsed(page(made(ledger, name, since=DAY, until=2 * DAY, refs=()), Texts(language)))
    own = Texts(language, NAMES[name].texts)
    assert own("none_in_period" if name == "exceptions" else "nothing") in empty.text


def test_every_report_carries_the_checkpoint_it_was_computed_from(ledger: Ledger) -> None:
    log = made(ledger, "who").facts["log"]
    checkpoint = open_checkpoint(log["checkpoint"].encode(), [ledger.home.read_vkey()])
    assert (checkpoint.size, checkpoint.root.hex(), checkpoint.origin) == (log["size"], log["root"], log["origin"])
    with ledger.store.read() as connection:  # commands of other tests have written to the log as well
        assert checkpoint.size == len(list(ask.entries(connection)))


def test_who_holds_what_names_entity_storage_use_and_purpose(ledger: Ledger) -> None:
    found = {one["entity"]: one for one in made(ledger, "who").facts["holdings"]}
    assert set(found) == {"OpenAI Ireland Ltd", "Công ty (Ví Dụ)", "Bare & Sons Inc"}
    openai = found["OpenAI Ireland Ltd"]
    assert (openai["transfers"], openai["first"], openai["last"]) == (2, START, START + 2 * DAY)
    assert openai["countries"] == {"IE": ["storage"], "US": ["processing", "storage"]}
    assert openai["data"] == [{"entity_type": "PERSON", "operator": "tokenize", "n": 6}]
    assert (openai["controller"], openai["purpose"]) == ("Example Social Ltd", "explain-conversations")


@pytest.mark.parametrize(("language", "said"), [("en", "unknown"), ("de", "unbekannt"), ("vi", "không rõ")])
def test_recipients_whose_entity_nobody_knows_stay_apart(language: str, said: str) -> None:
    found = [entity_of({"name": name, "contracting_entity": "unknown"}) for name in ("openai", "gemini")]
    say = Texts(Language(language))
    assert [say.name(one) for one in found] == [f"{said} (openai)", f"{said} (gemini)"]
    assert entity_of({"name": "openai", "contracting_entity": "OpenAI Ireland Ltd"}) == "OpenAI Ireland Ltd"
    assert say.name("unknown") == said
    assert say.name(entity_of({})) == said


def test_coverage_counts_what_was_refused_not_sent_open_and_only_observed(ledger: Ledger) -> None:
    covered = made(ledger, "who").facts["covered"]
    assert {name: n for name, n in covered.items() if name not in {"gaps", "sealed_below", "entries_root"}} == {
        "transfers": 5, "refused": 1, "not_sent": 1, "without_outcome": 4, "observed_only": 1, "entries": 6,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "fits"),
    [
        ({}, lambda facts: True),
        ({"application": "feed"}, lambda facts: facts["application"] == "feed"),
        ({"kind": "blocked"}, lambda facts: facts["kind"] == "blocked"),
        ({"application": "nobody"}, lambda facts: False),
    ],
)
def test_whoever_has_the_entries_can_compute_count_and_root_of_what_a_report_covers(
    ledger: Ledger, values: dict[str, str], fits: Any
) -> None:
    covered = made(ledger, "who", values=values).facts["covered"]
    with ledger.store.read() as connection:
        bodies = [body for _, body in ask.entries(connection, kinds=("transfer", "blocked")) if fits(json.loads(body))]

    def root(leaves: list[bytes]) -> bytes:
        """RFC 6962, section 2.1, as it is written there."""
        if len(leaves) < 2:
            return leaves[0] if leaves else hashlib.sha256(b"").digest()
        split = 1 << (len(leaves) - 1).bit_length() - 1
        return hashlib.sha256(b"\x01" + root(leaves[:split]) + root(leaves[split:])).digest()

    leaves = [hashlib.sha256(b"\x00" + body).digest() for body in bodies]
    assert (covered["entries"], covered["entries_root"]) == (len(bodies), root(leaves).hex())


def test_records_of_processing_are_grouped_by_activity(ledger: Ledger) -> None:
    activities = made(ledger, "art30").facts["activities"]
    assert [(one["controller"], one["purpose"], one["transfers"]) for one in activities] == [
        ("Example Feeds GmbH", "rank", 2),
        ("Example Social Ltd", "explain-conversations", 2),
    ]
    feeds, social = activities
    assert (feeds["applications"], feeds["dpia"]) == (["feed"], "DPIA-7")
    assert feeds["third_countries"] == ["SG", "VN"]
    assert feeds["measures"] == {"total": 4, "changed": 0, "kept": 4}
    assert social["measures"] == {"total": 6, "changed": 6, "kept": 0}
    text = Parsed(page(made(ledger, "art30"), Texts(Language.DE))).text
    assert "Von 4 Funden wurden 0 vor dem Senden ersetzt oder entfernt und 4 belassen." in text
    assert "Vom Verantwortlichen zu ergänzen" in text


def test_third_country_transfers_name_country_mechanism_and_what_is_open(ledger: Ledger) -> None:
    facts = made(ledger, "transfers").facts
    flows = {(one["entity"], one["country"]): one for one in facts["flows"]}
    assert set(flows) == {
        ("OpenAI Ireland Ltd", "US"), ("OpenAI Ireland Ltd", "IE"), ("Công ty (Ví Dụ)", "VN"), ("Công ty (Ví Dụ)", "SG"),
        ("Bare & Sons Inc", "unknown"),
    }  # fmt: skip
    assert [flows["OpenAI Ireland Ltd", one]["outside_eea"] for one in ("US", "IE")] == [True, False]
    assert flows["OpenAI Ireland Ltd", "US"]["mechanism"] == "scc-m2"
    assert flows["OpenAI Ireland Ltd", "US"]["transfers"] == 2
    assert sorted((one["point"], one["entity"]) for one in facts["points"]) == [
        ("point_countries", "Bare & Sons Inc"),
        ("point_mechanism", "Công ty (Ví Dụ)"),
    ]


def test_vietnams_clock_begins_with_the_first_transfer_abroad(ledger: Ledger) -> None:
    text = Parsed(page(made(ledger, "transfers"), Texts(Language.VI))).text
    assert "Nghị định 356/2025, Điều 17 và 18" in text
    assert day(START + 60 * DAY) in text
    assert day(START + DAY + 60 * DAY) in text, "Singapore"
    clock = text[text.index("Hết hạn 60 ngày") :]
    assert "VN" not in clock.replace("VND", "")[: clock.index("Khoảng thời gian")]


def test_a_report_about_a_person_is_partial_unless_every_transfer_names_somebody(ledger: Ledger) -> None:
    refs = ledger.references.known("subject", ANNA)  # type: ignore[arg-type]
    report = made(ledger, "art15", refs=refs)
    assert report.partial
    assert report.facts["recipients"] == ["OpenAI Ireland Ltd"]
    assert report.facts["safeguards"] == [{"entity": "OpenAI Ireland Ltd", "mechanism": "scc-m2", "countries": ["US"]}]
    covered = report.facts["covered"]
    assert (covered["in_scope"], covered["without_subject"]) == (5, 3)
    assert covered["without_subject_by"] == {"feed": 2, "never": 1}
    text = page(report, Texts(Language.EN))
    assert "<h1>PARTIAL: Access request" in text
    assert "3 of 5 transfers in scope carry no reference" in text
    whole = made(ledger, "art15", refs=refs, values={"application": "messenger"})
    assert not whole.partial
    assert "PARTIAL" not in page(whole, Texts(Language.EN))


@pytest.mark.parametrize("name", list(NAMES))
def test_a_reader_bound_to_applications_sees_no_other_in_any_report(ledger: Ledger, name: str) -> None:
    refs = ledger.references.known("subject", ANNA)  # type: ignore[arg-type]
    for person in (None, refs):
        if person is None and NAMES[name].person:
            continue
        if NAMES[name].transfer:
            with pytest.raises(ReportError, match="no transfer has this id"):
                made(ledger, name, refs=person, applications=("feed",))
            continue
        report = made(ledger, name, refs=person, applications=("feed",))
        text = json.dumps(report.facts)
        assert "messenger" not in text
        assert "OpenAI" not in text
        assert report.facts["covered"]["transfers"] == (2 if person is None else 0)


def test_an_incident_counts_persons_and_what_was_sent_unchanged(ledger: Ledger) -> None:
    facts = made(ledger, "incident").facts
    assert (facts["covered"]["persons"], facts["covered"]["unnamed"]) == (1, 2)
    assert facts["in_clear"] == [{"entity_type": "LOCATION", "operator": "keep", "n": 4}]
    assert (facts["first"], facts["last"]) == (START, START + 5 * DAY)
    assert facts["measures"] == {"total": 10, "changed": 6, "kept": 4}
    assert "found and sent unchanged" in page(made(ledger, "incident"), Texts(Language.EN))
    narrow = made(ledger, "incident", values={"destination": "openai"})
    assert narrow.facts["in_clear"] == []
    assert "Nothing that was found was sent unchanged." in page(narrow, Texts(Language.EN))


def test_an_access_request_needs_a_person(ledger: Ledger) -> None:
    with pytest.raises(ReportError, match="--subject"):
        made(ledger, "art15")


def test_names_from_the_log_are_escaped(ledger: Ledger) -> None:
    assert "Bare &amp; Sons Inc" in page(made(ledger, "who"), Texts(Language.EN))
    values = {"application": "<script>alert(1)</script>"}
    assert "<script>" not in page(made(ledger, "who", values=values), Texts(Language.EN))


def test_gaps_in_the_period_are_told(tmp_path: Path) -> None:
    for _ in range(2):
        opened = Ledger.open(tmp_path / "home")
        opened.close()
    opened = Ledger.open(tmp_path / "home")
    report = made(opened, "who")
    assert [gap["cause"] for gap in report.facts["covered"]["gaps"]] == ["clean_stop", "clean_stop"]
    assert made(opened, "who", until=1).facts["covered"]["gaps"] == []
    assert "angehalten" in page(report, Texts(Language.DE))
    opened.close()


def test_the_command_writes_a_page_or_json_and_leaves_a_record(ledger: Ledger, tmp_path: Path) -> None:
    home = ["--home", str(ledger.home.path)]
    before = json.loads(CliRunner().invoke(app, ["stats", "--json", *home]).stdout).get("query", 0)
    out = tmp_path / "art30.html"
    done = CliRunner().invoke(app, ["report", "art30", "--lang", "vi", "--out", str(out), *home])
    assert (done.exit_code, done.stdout) == (0, "")
    assert '<html lang="vi">' in out.read_text()
    again = CliRunner().invoke(app, ["report", "art30", "--out", str(out), *home])
    assert (again.exit_code, "cannot be written" in again.stderr) == (2, True)
    facts = json.loads(CliRunner().invoke(app, ["report", "who", "--format", "json", "--app", "feed", *home]).stdout)
    assert (len(facts["holdings"]), facts["partial"], facts["filters"]) == (2, False, {"application": "feed"})
    about = CliRunner().invoke(app, ["report", "art15", "--subject", ANNA, *home])
    assert "PARTIAL" in about.stdout
    assert ANNA not in about.output
    assert CliRunner().invoke(app, ["report", "art15", *home]).exit_code == 2
    assert CliRunner().invoke(app, ["report", "art99", *home]).exit_code == 2
    assert json.loads(CliRunner().invoke(app, ["stats", "--json", *home]).stdout)["query"] == before + 5
    assert isinstance(Home(ledger.home.path).read_vkey(), VerifierKey)


class Cells(HTMLParser):
    """Of each table: the names of its columns, and whether every cell repeats the name of its own."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[tuple[dict[str, str | None], list[str], list[str | None]]] = []
        self.head = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append((dict(attrs), [], []))
        self.head = tag == "th"
        if tag == "td":
            self.tables[-1][2].append(dict(attrs)["data-label"])

    def handle_data(self, data: str) -> None:
        if self.head:
            self.tables[-1][1].append(data)
            self.head = False


@pytest.mark.parametrize("name", ["who", "transfers", "costs", "dpia"])
def test_a_table_that_has_no_room_stands_row_by_row_with_the_names_of_its_columns(ledger: Ledger, name: str) -> None:
    text = page(made(ledger, name), Texts(Language.DE))
    assert "attr(data-label)" in text
    tables = Cells(text).tables
    assert tables != []
    for attributes, columns, labels in tables:
        assert labels == columns * (len(labels) // len(columns))
        assert (attributes["role"], attributes.get("class")) == ("table", "wide" if len(columns) >= 6 else None)


def test_numbers_are_written_as_each_language_writes_them(ledger: Ledger) -> None:
    english, german, vietnamese = (
        page(made(ledger, "who", recall=bundled()), Texts(language)) for language in Language
    )
    assert ">0.99<" in english
    assert ">0,99<" in german
    assert ">0,99<" in vietnamese
    assert ">0.99<" not in german + vietnamese
    assert [Texts(language).number(1234567) for language in Language] == ["1,234,567", "1.234.567", "1.234.567"]
    assert fill("{n} {n:entry|entries}", {"n": 1}, Texts(Language.DE).number) == "1 entry"
