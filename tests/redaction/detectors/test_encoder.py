"""Our encoder beside spaCy's own model: the same vectors, probabilities and entities, whatever else is read with them."""

from typing import Any

import numpy
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from redaction.detect import Look
from redaction.detectors import chat, encoder, presidio
from redaction.detectors.chat import pieces
from redaction.detectors.encoder import Encoder
from redaction.detectors.entities import Entities
from redaction.detectors.network import CLASSES, load, vocabulary
from redaction.detectors.opinions import Piece
from redaction.detectors.reader import Reader
from redaction.detectors.tokens import document, facts
from redaction.normalize import normalize
from redaction.segment import Segment
from redaction.settings import EngineSettings

NEAR = 1e-4
"""Thirty-two bits, a hundred numbers to a sum, five layers."""
TEXTS = (
    "Yesterday Zebulon Farquharson signed the lease in Uttoxeter, didn't he?",
    "I",
    "Ask Ottoline Brackenbury of Harcourt & Sons; I'm in Paris on Monday.",
    "  \n ",
    "X NORM \u00e9 \U0001f600 can't e.g. 10km",
)
# Words that spaCy numbers in another way than all others among them.
WORD = st.sampled_from(
    ("I", "X", "NORM", "Anna", "anna", "ANNA", "Müller", "hạnh", "12", ".", "\n", "é", "\ufffd")
) | st.text(st.characters(exclude_categories=("Cs", "Z")), min_size=1, max_size=9)


@pytest.fixture(scope="module")
def network() -> Any:
    return load()


@pytest.fixture(scope="module")
def reader(network: Any) -> Reader:
    return Reader(network)


def piece(words: list[str], first: int = 0, last: int | None = None) -> Piece:
    told = tuple(facts(word.lower()) for word in words)
    return Piece(tuple(words), tuple(range(len(words))), told, first, len(words) if last is None else last, "en", False)


def expected(network: Any, words: list[str]) -> Any:
    return network.predict([document(vocabulary(), words, [facts(word.lower()) for word in words])])[0]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(WORD, min_size=1, max_size=14), min_size=1, max_size=5), st.data())
def test_the_name_model_reads_as_it_was_trained(
    network: Any, reader: Reader, texts: list[list[str]], data: st.DataObject
) -> None:
    asked, wanted = [], []
    for words in texts:
        first = data.draw(st.integers(0, len(words) - 1))
        last = data.draw(st.integers(first + 1, len(words)))
        asked.append(piece(words, first, last))
        wanted.append(expected(network, words)[first:last])
    found = reader.probabilities(asked)
    assert found.shape == (sum(map(len, wanted)), len(CLASSES))
    assert numpy.abs(found - numpy.concatenate(wanted)).max() < NEAR


def test_words_are_forgotten_and_read_again(network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    reader: Any = Reader(network)
    monkeypatch.setattr(encoder, "MAX_WORDS", 20)
    for number in range(0, 90, 3):
        words = [f"Zq{number + more:x}ov" for more in range(7)]
        assert numpy.abs(reader.probabilities([piece(words)]) - expected(network, words)).max() < NEAR
        assert len(reader._encoder._places) <= 20
    long = [f"Mx{number:x}ek" for number in range(50)]  # more than are kept
    assert numpy.abs(reader.probabilities([piece(long)]) - expected(network, long)).max() < NEAR
    assert "Zq0ov" not in reader._encoder._places


def test_the_english_model_has_the_same_entities_with_it() -> None:
    name = EngineSettings().spacy_models["en"]
    own, ours = presidio.load(name), Entities(presidio.load(name))
    assert ours.encoded
    vectors = own.get_pipe("ner").model.get_ref("tok2vec").predict([own.make_doc(text) for text in TEXTS])
    again = ours.pipeline.get_pipe("ner").model.layers[0].predict([ours.pipeline.make_doc(text) for text in TEXTS])
    assert numpy.abs(vectors - again).max() < NEAR
    found = [[(one.text, one.label_) for one in doc.ents] for doc in ours.documents(TEXTS)]
    assert found == [[(one.text, one.label_) for one in doc.ents] for doc in own.pipe(TEXTS)]
    assert ("Zebulon Farquharson", "PERSON") in found[0]
    assert found == [[(one.text, one.label_) for one in doc.ents] for text in TEXTS for doc in ours.documents([text])]
    assert list(ours.documents(["", " "])) != []


def shared_tok2vec() -> Any:
    """A recognizer that listens to features made for others as well."""
    pipeline = spacy.blank("en")
    pipeline.add_pipe("tok2vec")
    listening = {
        "@architectures": "spacy.TransitionBasedParser.v2",
        **{"state_type": "ner", "extra_state_tokens": False, "hidden_width": 64, "maxout_pieces": 2, "use_upper": True},
        "tok2vec": {"@architectures": "spacy.Tok2VecListener.v1", "width": 96},
    }
    pipeline.add_pipe("ner", config={"model": listening}).add_label("PERSON")
    pipeline.initialize()
    return pipeline


def ruled() -> Any:
    pipeline = spacy.blank("en")
    pipeline.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Zebulon"}])
    return pipeline


@pytest.mark.parametrize("make", [shared_tok2vec, ruled])
def test_a_pipeline_of_another_make_runs_as_it_is(make: Any) -> None:
    pipeline = make()
    entities = Entities(pipeline)
    assert not entities.encoded
    own = [[one.text for one in doc.ents] for doc in pipeline.pipe(["Ask Zebulon.", "Nobody."])]
    assert [[one.text for one in doc.ents] for doc in entities.documents(["Ask Zebulon.", "Nobody."])] == own


def test_a_model_with_wider_windows_is_not_taken_for_one_that_is_known() -> None:
    from spacy.ml.models.tok2vec import MaxoutWindowEncoder, MultiHashEmbed, build_Tok2Vec_model

    def made(window: int) -> Any:
        embed = MultiHashEmbed(32, ["NORM", "SHAPE"], [50, 50], include_static_vectors=False)
        model = build_Tok2Vec_model(embed, MaxoutWindowEncoder(32, window, 3, 2))
        model.initialize(X=[spacy.blank("en").make_doc("one two")])
        return model

    assert Encoder.of(made(2)) is None
    assert Encoder.of(made(1)) is not None


@pytest.mark.parametrize("build", [chat.build, presidio.build])
def test_what_is_found_is_the_same_alone_and_among_others(build: Any) -> None:
    detector = build(EngineSettings(("en",)))
    looks = [Look(normalize(text), Segment("", text), ("en",)) for text in TEXTS]
    together = detector.detect(looks)
    assert together == [detector.detect([look])[0] for look in looks]
    assert any(together)
    assert any(list(pieces(text, ("en",))) for text in TEXTS)
