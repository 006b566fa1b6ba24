"""spaCy's entities as a detector: what passes the filter of shape, and what is not even shown to the model."""

import pytest

from redaction.detect import Look
from redaction.detectors.presidio import Presidio, build, languages
from redaction.errors import SettingsError
from redaction.normalize import normalize
from redaction.recognizers.lines import lines_with_names
from redaction.recognizers.shape import model_score
from redaction.segment import Segment
from redaction.settings import EngineSettings


@pytest.fixture(scope="module")
def presidio() -> Presidio:
    return build(EngineSettings(("en",)))


def found(presidio, text, spoken=("en",)):
    [findings] = presidio.detect([Look(normalize(text), Segment("", text), spoken)])
    return {(one.entity_type, text[one.start : one.end]) for one in findings}


def test_finds_names_that_no_list_has(presidio):
    assert ("PERSON", "Zebulon Farquharson") in found(presidio, "Yesterday Zebulon Farquharson signed the lease.")


def test_a_possessive_and_signs_are_no_part_of_a_name(presidio):
    assert ("PERSON", "Zebulon Farquharson") in found(presidio, "This is (Zebulon Farquharson's) coat.")


def test_a_text_in_another_language_is_not_shown(presidio):
    assert found(presidio, "Yesterday Zebulon Farquharson signed the lease.", ("de",)) == set()


def test_half_a_surrogate_pair_hides_nothing_and_breaks_nothing(presidio):
    assert ("PERSON", "Zebulon Farquharson") in found(presidio, "\ud83d Yesterday Zebulon Farquharson signed \udc4d.")


def test_an_opinion_on_a_rather_foreign_text_counts_less(presidio):
    text = "Yesterday Zebulon Farquharson signed the lease."
    [own] = presidio.detect([Look(normalize(text), Segment("", text), ("en", "de"))])
    [foreign] = presidio.detect([Look(normalize(text), Segment("", text), ("de", "en"))])
    assert foreign
    assert max(one.score for one in foreign) < max(one.score for one in own)


def test_each_look_depends_on_itself_alone(presidio):
    texts = ["Zebulon Farquharson signed.", "for item in basket: total += item", "Ask Ottoline Brackenbury."]
    looks = [Look(normalize(text), Segment("", text), ("en",)) for text in texts]
    assert presidio.detect(looks) == [presidio.detect([look])[0] for look in looks]


@pytest.mark.parametrize(
    ("value", "entity_type"),
    [
        ("the following list", "PERSON"),
        ("user_id", "PERSON"),
        ("Mein Profil", "PERSON"),
        ("https://t.co/abc", "LOCATION"),
        ("x", "PERSON"),
        ("something", "LOCATION"),
        ("one two three four five six seven", "PERSON"),
        ("LineItem", "PERSON"),
        ("UserCreate", "ORGANIZATION"),
        ("HTTPValidationError", "ORGANIZATION"),
        ("Enum", "ORGANIZATION"),
    ],
)
def test_what_cannot_be_a_name_is_none(value, entity_type):
    assert model_score(value, 0, len(value), entity_type) is None


@pytest.mark.parametrize(
    ("value", "entity_type"),
    [("Zebulon", "PERSON"), ("Mark", "PERSON"), ("McBride", "PERSON"), ("Qingdao", "LOCATION")],
)
def test_what_can_be_one_is_scored(value, entity_type):
    assert model_score(value, 0, len(value), entity_type) is not None


def test_only_lines_where_a_name_can_stand_are_shown():
    text = "the first line is plain\nask Zebulon\n\nMark is in\nall of these are words"
    assert [line.text for line in lines_with_names(text)] == ["ask Zebulon", "Mark is in"]


def test_a_missing_model_is_no_start():
    with pytest.raises(SettingsError, match="not installed"):
        build(EngineSettings(("en",), spacy_models={"en": "no_such_model"}))


def test_only_languages_with_a_model_are_covered():
    assert languages(EngineSettings(("en", "de"))) == {"en"}


def test_a_recognizer_of_presidio_plugs_in_by_name():
    path = "presidio_analyzer.predefined_recognizers:CreditCardRecognizer"
    plugged = build(EngineSettings(("en",), presidio_recognizers=(path,)))
    assert ("CREDIT_CARD", "4111 1111 1111 1111") in found(plugged, "my card 4111 1111 1111 1111 expires soon")


def test_a_recognizer_that_is_not_there_is_no_start():
    with pytest.raises(SettingsError, match="cannot be made"):
        build(EngineSettings(("en",), presidio_recognizers=("no_such_module:Recognizer",)))


def test_a_long_line_is_read_sentence_by_sentence():
    plain = "We went home early and had soup. " * 7
    text = f"{plain}Ask Zebulon about that. {plain}Tell Mark Twain."
    assert [line.text for line in lines_with_names(text)] == ["Ask Zebulon about that.", "Tell Mark Twain."]
    assert all(text[line.start :].startswith(line.text) for line in lines_with_names(text))


def test_what_others_found_is_no_reason_to_read_a_line():
    text = "Write to zebulon@example.org\nOr to Zebulon"
    assert [line.text for line in lines_with_names(text, [(9, 28)])] == ["Or to Zebulon"]


def test_words_before_a_name_in_another_language_are_left_out(presidio):
    text = "Ich bin Anna Vogelsang"
    [found] = presidio.detect([Look(normalize(text), Segment("", text), ("de", "en"))])
    assert {text[one.start : one.end] for one in found if one.entity_type == "PERSON"} <= {"Anna Vogelsang"}
