"""A company's own entity types: what their patterns, check digits, context words and lists find, and what they leave."""

import orjson
import pytest

from redaction.detectors import build_engine, check_languages
from redaction.errors import DetectionError, SettingsError
from redaction.own import VALIDATORS, OwnRecognizer, digest
from redaction.own_apart import Sample, look
from redaction.recognizers import Page
from redaction.segment import Segment
from redaction.settings import EngineSettings, OwnEntity

STAFF = OwnEntity("STAFF_NUMBER", patterns=(r"E-?[0-9]{6}",))
CARD = OwnEntity("LOYALTY_CARD", patterns=(r"[0-9]{4}[ .-]?[0-9]{4}[ .-]?[0-9]{3}",), validator="luhn")
TAGGED = OwnEntity("TAGGED", patterns=(r"SOC-([0-9]{10})",), validator="luhn")
PROJECT = OwnEntity("PROJECT", words=("Blue Falcon", "Ostwind", "Dự án Sen"))
TABLE = OwnEntity("TABLE_NUMBER", patterns=(r"[0-9]{1,3}",), context=("table", "Tisch"))
GERMAN = OwnEntity("KENNUNG", patterns=(r"K[0-9]{3}",), words=("Geheimwort",), languages=("de",))


def found(entity: OwnEntity, text: str, *languages: str) -> list[str]:
    page = Page(text, languages=languages or ("en",))
    return [text[one.start : one.end] for one in OwnRecognizer((entity,)).find(page)]


@pytest.mark.parametrize(
    ("entity", "text", "values"),
    [
        (STAFF, "Ask E-123456 or E654321.", ["E-123456", "E654321"]),
        (STAFF, "E-1234567, AE-123456 and E-12345 are none", []),
        (CARD, "card 7992 7398 713", ["7992 7398 713"]),
        (CARD, "card 7992.7398-713", ["7992.7398-713"]),
        (CARD, "card 7992 7398 714 has a wrong check digit", []),
        (TAGGED, "SOC-4992739872 and SOC-4992739877", ["SOC-4992739872"]),
        (PROJECT, "About BLUE FALCON, ostwind and dự án sen", ["BLUE FALCON", "ostwind", "dự án sen"]),
        (PROJECT, "Ostwinde, the Blue Falconer, Blue  Falcon", []),
        (TABLE, "Guests at Tisch 12 want water", ["12"]),
        (TABLE, "The bill is 12 euros", []),
    ],
)
def test_what_is_found(entity: OwnEntity, text: str, values: list[str]) -> None:
    assert sorted(found(entity, text)) == sorted(values)


def test_languages_limit_where_it_is_looked_for() -> None:
    assert sorted(found(GERMAN, "K123 Geheimwort", "vi", "de")) == ["Geheimwort", "K123"]
    assert found(GERMAN, "K123 Geheimwort", "en") == []


def test_every_validator_exists_and_tells_right_from_wrong() -> None:
    right = {
        "damm": "5724", "ean": "4006381333931", "iban": "DE89370400440532013000", "imei": "490154203237518",
        "lei": "529900T8BM49AURSDO55", "luhn": "79927398713", "mod-11-10": "794623", "mod-11-2": "079X",
        "mod-37-2": "G123489654321Y", "mod-37-36": "A12425GABC1234002M", "mod-97-10": "79444",
        "verhoeff": "2363",
    }  # fmt: skip
    assert set(right) == set(VALIDATORS)
    for name, value in right.items():
        entity = OwnEntity("X", patterns=(r"[0-9A-Z]+",), validator=name)
        assert found(entity, value) == [value], name
        wrong = value[:-1] + ("0" if value[-1] != "0" else "1")
        assert found(entity, wrong) == [], name


def test_the_engine_finds_them_beside_everything_else_and_says_so_in_its_version() -> None:
    plain = build_engine(EngineSettings(("en",), ("patterns",)))
    engine = build_engine(EngineSettings(("en",), ("patterns",), own=(STAFF, PROJECT)))
    (part,) = engine.detect([Segment("t", "E-123456 of Ostwind, anna@example.com")])
    assert [(one.entity_type, one.recognizer) for one in part.findings][:2] == [
        ("STAFF_NUMBER", "own"), ("PROJECT", "own"),
    ]  # fmt: skip
    assert part.findings[2].entity_type == "EMAIL_ADDRESS"
    assert (
        len({plain.version, engine.version, build_engine(EngineSettings(("en",), ("patterns",), own=(STAFF,))).version})
        == 3
    )


def test_they_travel_to_workers_as_json() -> None:
    settings = EngineSettings(own=(STAFF, CARD, PROJECT, TABLE, GERMAN))
    assert EngineSettings.from_dict(orjson.loads(orjson.dumps(settings.to_dict()))) == settings


def test_their_digest_changes_with_any_of_them() -> None:
    assert digest(()) == ""
    assert len({digest((STAFF,)), digest((CARD,)), digest((STAFF, CARD))}) == 3


@pytest.mark.parametrize(
    ("entity", "said"),
    [
        (OwnEntity("X", patterns=("(",)), "no regular expression"),
        (OwnEntity("X", patterns=("a",), validator="luna"), "there are damm"),
    ],
)
def test_what_cannot_work_is_refused_without_showing_it(entity: OwnEntity, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        OwnRecognizer((entity,))


def test_without_the_patterns_detector_they_are_refused() -> None:
    with pytest.raises(SettingsError, match="need the detector `patterns`"):
        check_languages(EngineSettings(("en",), ("names",), own=(STAFF,)))


def test_a_pattern_that_takes_for_ever_costs_a_process_and_not_its_caller() -> None:
    samples = [Sample("Ask E-123456.", "user", "en"), Sample("nobody", "user", "")]
    assert look([STAFF], samples) == [["STAFF_NUMBER"], []]
    with pytest.raises(DetectionError, match="longer than 1 s"):
        look([OwnEntity("X", patterns=("((a+)b?)+c",))], [Sample("a" * 60, "user", "en")], cpu_s=1)
