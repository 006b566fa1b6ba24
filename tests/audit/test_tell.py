"""Stories in three languages: the same facts, and no sentence of another language among them."""

import re

import orjson
import pytest

from audit import values
from audit.ids import now_ms
from audit.questions import tell
from audit.record import FindingCount, OutcomeRecord, Uninspected
from audit.reports.terms import TERMS
from audit.reports.texts import Language, Texts
from tests.audit.conftest import blocked_record, exchange_record


def told(language: Language) -> list[str]:
    """A transfer with everything in it, its outcome, and a refusal."""
    sent = exchange_record(
        findings=(
            FindingCount(entity_type="PERSON", operator="tokenize", n=2, where="/text", rule="r", recognizer="x"),
        ),
        findings_overflow=3,
        uninspected=(Uninspected(media_type="image/png", bytes=9, reason="too_large"),),
        purpose=None,
        observe=True,
    )
    ended = OutcomeRecord(
        id=sent.id, attempt=1, at=now_ms(), state="cut", status=200, restored=2, tokens_in=5, tokens_out=7,
        findings=(FindingCount(entity_type="AGE", operator="keep", n=4),),
    )  # fmt: skip
    records = (sent, ended, blocked_record(attempt=2))
    return list(tell.story([(at, {"kind": one.kind, **one.facts()}) for at, one in enumerate(records)], language))


@pytest.mark.parametrize(
    ("language", "phrases"),
    [
        (Language.EN, ("identified by", "(observed only)", "2 x Name of a person in /text: replaced by a placeholder, rule r, found by x.",
                       "The answer was cut off. Status 200.", "Refused with 403", "Not looked into: image/png")),
        (Language.DE, ("erkannt durch", "(nur beobachtet)", "2 x Name einer Person in /text: durch Platzhalter ersetzt, Regel r",
                       "Die Antwort wurde abgeschnitten. Status 200.", "Abgelehnt mit 403", "(zu groß)")),
        (Language.VI, ("nhận biết qua", "(chỉ quan sát)", "2 x Tên người trong /text: thay bằng ký hiệu giữ chỗ",
                       "Câu trả lời bị cắt ngang.", "Bị từ chối với 403", "(quá lớn)")),
    ],
)  # fmt: skip
def test_a_story_says_the_same_in_every_language(language: Language, phrases: tuple[str, ...]) -> None:
    lines = told(language)
    assert len(lines) == len(told(Language.EN))
    for phrase in phrases:
        assert phrase in "\n".join(lines)


def test_no_sentence_of_one_language_stands_in_another() -> None:
    english = {line.strip() for line in told(Language.EN)}
    for language in (Language.DE, Language.VI):
        assert [line for line in told(language) if line.strip() in english and len(line.split()) > 4] == []


@pytest.mark.parametrize("language", Language)
def test_every_value_of_a_record_has_words(language: Language) -> None:
    """What a story tells of closed sets: nothing of it stands there as a code."""
    say = Texts(language)
    told = {
        *values.Action, *values.Operator, *values.UninspectedReason, *values.TransferMechanism, "processor",
        "controller", "joint-controller", "unknown", "none", "yes", "no", "opt-in", "opt-out", "zero", "30d",
        "consent", "contract", "legal-obligation", "vital-interests", "public-task", "legitimate-interests",
    }  # fmt: skip
    assert all(len(TERMS[one]) == 3 and all(TERMS[one]) for one in told - {"30d"})
    assert say.term("30d") == {"en": "30 days", "de": "30 Tage", "vi": "30 ngày"}[language]
    for section, members in (("by", values.IdentifiedBy), ("in", values.Environment)):
        assert [one for one in members if f"{section}.{one}" not in tell._WORDS] == []


def test_an_application_that_nothing_named_is_said_so() -> None:
    record = blocked_record(identified_by="none")
    lines = {one: "\n".join(tell.story([(0, {"kind": "blocked", **record.facts()})], one)) for one in Language}
    assert "(identified by nothing)" in lines[Language.EN]
    assert "(erkannt durch nichts)" in lines[Language.DE]
    assert "none" not in lines[Language.DE] + lines[Language.VI]


def test_a_transfer_that_was_not_sent_says_why(transfer, outcome) -> None:
    sent = transfer(application="unknown")
    ended = outcome(sent, state=values.OutcomeState.NOT_SENT, error="upstream_unreachable")
    entries = [(0, {"kind": "transfer", **sent.facts()}), (1, {"kind": "outcome", **ended.facts()})]
    lines = {one: "\n".join(tell.story(entries, one)) for one in Language}
    assert "the provider could not be reached, or dragoman ended" in lines[Language.EN]
    assert "Reason: the provider could not be reached (upstream_unreachable)." in lines[Language.EN]
    assert "Grund: der Anbieter war nicht erreichbar (upstream_unreachable)." in lines[Language.DE]
    assert "Anwendung unbekannt" in lines[Language.DE]


def test_every_text_is_there_three_times() -> None:
    for key, texts in tell._WORDS.items():
        assert len(texts) == 3, key
        assert all(texts), key
    assert orjson.dumps([told(language) for language in Language])


def test_no_code_of_the_log_stands_for_words_in_any_language(transfer) -> None:
    facts = transfer().facts()
    facts["destination"] |= {"contracting_entity": "unknown", "training": "opt-in", "transfer": "dpf-listed"}
    for language in Language:
        lines = "\n".join(tell.story([(0, {"kind": "transfer", **facts})], language))
        assert not {"tokenize", "transform", "opt-in", "dpf-listed", "PERSON", "30d"} & set(
            re.findall(r"[\w-]+", lines)
        )
        assert "(openai)" not in lines  # nobody is called unknown: the name that the policy gives comes first
