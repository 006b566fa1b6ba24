"""The name model that is shipped: what it adds to the rules, what it leaves, and that its company changes nothing."""

import pytest

from redaction.detect import Engine, Look
from redaction.detectors import build_engine
from redaction.detectors.chat import build, pieces
from redaction.detectors.network import REACH, load
from redaction.detectors.opinions import NOTHING
from redaction.errors import SettingsError
from redaction.finding import Finding
from redaction.merge import merge
from redaction.normalize import normalize
from redaction.segment import Segment
from redaction.settings import EngineSettings

NAMES = [
    "Das Paket für «Tschentschel» steht beim Hausmeister.",
    "hab «Tadesse» gestern im bus getroffen",
    "did «oluwaseun» reply to the mail?",
    "chị «Thắm» bảo em gửi lại",
    "nho «quyen» ky giup hop dong nha",
    '{"nachname": "«Zirkelbach»", "ort": ""}',
    "wenn «Holtkamp» fragt: ich bin krank",
    "{g} und {h} streiten schon wieder".format(g="«Wojtek»", h="«Ayşegül»"),
]
CLEAN = [
    "Preheat the oven to 200 degrees and butter the tin.",
    "Die Waschmaschine schleudert nicht mehr, der Filter ist sauber.",
    "Máy giặt không vắt được, bộ lọc thì sạch.",
    "const result = await fetchUser(userName, accountId);",
    "Phụ huynh lo lắng chuyện học hành.",
]


@pytest.fixture(scope="module")
def engine():
    return build_engine(EngineSettings(detectors=("patterns", "names", "chat")))


def found(engine, text):
    return [text[one.start : one.end] for one in engine.detect([Segment("", text)])[0].findings]


@pytest.mark.parametrize("marked", NAMES)
def test_finds_names_that_no_rule_announces(engine, marked):
    wanted = [part.split("»")[0] for part in marked.split("«")[1:]]
    assert found(engine, marked.replace("«", "").replace("»", "")) == wanted


@pytest.mark.parametrize("text", CLEAN)
def test_leaves_what_names_nobody(engine, text):
    assert found(engine, text) == []


def test_an_opinion_depends_on_its_own_text_alone():
    detector = build(EngineSettings())
    looks = [
        Look(normalize(text), Segment("", text), ("en", "de", "vi"))
        for text in [marked.replace("«", "").replace("»", "") for marked in NAMES] + CLEAN
    ]
    alone = [detector.detect([look])[0] for look in looks]
    assert detector.detect(looks) == alone
    assert detector.detect(looks[::-1])[::-1] == alone


def test_ordinary_text_is_not_read_and_a_name_is_read_with_its_surroundings():
    assert list(pieces("the food is too cold and the room was dirty", ("en",))) == []
    text = "one two three four five six seven Kleinhenz eight nine ten eleven twelve thirteen"
    (piece,) = pieces(text, ("en",))
    assert piece.texts[piece.first : piece.last] == ("Kleinhenz",)
    assert piece.first == len(piece.texts) - piece.last == REACH


def test_a_sure_denial_goes_before_weaker_opinions_inside_it_only():
    name, number = Finding(4, 9, "PERSON", 0.7, "x"), Finding(4, 9, "PHONE_NUMBER", 0.5, "x")
    longer, stronger = Finding(2, 9, "PERSON", 0.7, "x"), Finding(4, 9, "PERSON", 0.9, "x")
    denial = Finding(3, 10, NOTHING, 0.8, "y")
    text = "abcdefghijkl"
    assert merge(text, [name, denial]) == ()
    for kept in (number, longer, stronger):
        assert merge(text, [kept, denial]) == (kept,)


def test_weights_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "broken.msgpack").write_bytes(b"\x93")
    with pytest.raises(SettingsError):
        load(tmp_path / "broken.msgpack")
    with pytest.raises(SettingsError):
        load(tmp_path / "missing.msgpack")


def test_the_model_counts_as_knowing_its_languages():
    assert isinstance(build_engine(EngineSettings(("vi",), ("chat",))), Engine)
