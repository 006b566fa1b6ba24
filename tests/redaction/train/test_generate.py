"""Generated chat: what is said of a message holds in its text, whatever was done to the letters."""

import random

import numpy
import pytest

from redaction.detectors.network import CLASSES, load
from redaction.detectors.tokens import cut
from redaction.evaluate.examples import message_sets
from redaction.train.fit import from_chat, mean, sample
from redaction.train.generate import LABELS, Chat, lines
from redaction.train.names import Invention, People


@pytest.fixture(scope="module")
def people():
    return People(frozenset({"anna", "müller"}))


def test_pieces_make_up_the_text_and_labels_are_known(people):
    for language in ("en", "de", "vi"):
        for message in Chat(people, random.Random(1)).messages(language, 50):
            assert "".join(text for text, _ in message.pieces) == message.text
            assert {label for _, label in message.pieces} <= {"", *LABELS}


def test_the_same_seed_says_the_same(people):
    first, second = (list(Chat(people, random.Random(7)).messages("de", 30)) for _ in range(2))
    assert first == second


def test_each_word_of_a_message_has_a_class(people):
    for one in from_chat(Chat(people, random.Random(3)), 20):
        assert len(one.classes) == len(cut(one.text).texts)


def test_a_span_begins_once_and_an_unknown_label_says_nothing():
    one = sample("Anna Maria met Acme", [(0, 10, "PERSON"), (15, 19, "?")])
    assert [CLASSES[at] if at >= 0 else "?" for at in one.classes] == ["B-PERSON", "I-PERSON", "O", "?"]


def test_names_that_are_left_out_are_never_drawn(people):
    dice = random.Random(5)
    drawn = {people.full_name(dice, "de").lower() for _ in range(2_000)}
    assert not any({"anna", "müller"} & set(name.split()) for name in drawn)


def test_an_invented_name_is_in_no_list():
    listed = {"anna", "hanna", "johanna", "susanna", "annika", "henrike"}
    invention = Invention(listed)
    dice = random.Random(2)
    assert not {invention.draw(dice) for _ in range(50)} & listed


def test_templates_are_no_messages_of_the_evaluation(request):
    folder = request.config.rootpath / "tests" / "data" / "messages"
    measured = {one.text.strip(" .!?").lower() for data in message_sets(folder) for one in data.examples}
    learned = {
        line.strip(" .!?").lower()
        for kind in ("chat", "prose")
        for at in ("en", "de", "vi")
        for line in lines(kind, at)
    }
    assert {text for text in measured & learned if len(text) > 25} == set()


def test_the_mean_of_weights_lies_between_them():
    first, second, both = load(), load(), [load(), load()]
    layer = "softmax"
    weights = {name: model.layers[1].layers[0].get_param("b") for name, model in (("first", first), ("second", second))}
    assert layer in first.layers[1].layers[0].name
    both[1].layers[1].layers[0].set_param("b", weights["second"] + 2.0)
    made = mean(both).layers[1].layers[0].get_param("b")
    assert numpy.allclose(made, weights["first"] + 1.0, atol=1e-5)
    assert numpy.array_equal(both[0].layers[1].layers[0].get_param("W"), first.layers[1].layers[0].get_param("W"))
