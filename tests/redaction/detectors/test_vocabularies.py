"""What models have read is forgotten in time, and nobody can tell from what they find."""

from typing import Any

import pytest
import spacy
from spacy.tokens import Doc

from redaction.detect import Detector, Look
from redaction.detectors import presidio, vocabularies
from redaction.finding import Finding
from redaction.normalize import normalize
from redaction.segment import Segment
from redaction.settings import EngineSettings

FEW = 60
NAMES = "Yesterday Zebulon Farquharson signed the lease. Ask Ottoline Brackenbury in Uttoxeter, hab Tadesse gesehen."


def look(text: str) -> Look:
    return Look(normalize(text), Segment("", text), ("en", "de", "vi"))


def strange(number: int) -> str:
    """A text with two words that nobody has ever read."""
    return f"Yesterday Zq{number:x}ov said that Mx{number:x}ek lives in Uttoxeter."


def read(detector: Detector, texts: int) -> list[list[Finding]]:
    return [detector.detect([look(strange(number))])[0] for number in range(texts)]


def test_what_was_read_is_forgotten_and_findings_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    detector: Any = presidio.build(EngineSettings(("en",)))
    model = detector._models["en"]
    own = len(model.tokenizer.vocab.strings)
    names, found = detector.detect([look(NAMES)])[0], read(detector, 2 * FEW)
    assert len(model.tokenizer.vocab.strings) > own + FEW  # these words do fill it
    monkeypatch.setattr(vocabularies, "MAX_STRINGS", FEW)
    most, again = 0, []
    for number in range(2 * FEW):
        again += detector.detect([look(strange(number))])
        most = max(most, len(model.tokenizer.vocab.strings))
    assert again == found
    assert any(found)
    assert detector.detect([look(NAMES)])[0] == names
    assert names
    one_text = 60  # far more spellings, prefixes, suffixes and shapes than one of these texts has
    assert most <= own + FEW + one_text
    assert strange(0).split()[1] not in model.tokenizer.vocab.strings


def test_vectors_and_what_a_model_brings_along_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabularies, "MAX_STRINGS", FEW)
    detector: Any = presidio.build(EngineSettings(("en",)))
    model = detector._models["en"]
    own, vectors = set(model.vocab.strings), model.vocab.vectors
    before = model.tokenizer
    read(detector, FEW)
    assert model.tokenizer is not before
    assert model.tokenizer.vocab.vectors is vectors
    assert own <= set(model.tokenizer.vocab.strings)
    assert model.tokenizer.rules == before.rules
    assert [one.text for one in model.tokenizer("Don't, e.g. at https://example.org/a-b (10km).")] == [
        one.text for one in before("Don't, e.g. at https://example.org/a-b (10km).")
    ]


class BySpaces:
    """A tokenizer that is not spaCy's own."""

    def __init__(self, vocab: Any) -> None:
        self.vocab = vocab

    def __call__(self, text: str) -> Doc:
        return Doc(self.vocab, words=text.split(" "))


def test_a_tokenizer_of_another_make_reads_with_the_fresh_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabularies, "MAX_STRINGS", FEW)
    pipeline = spacy.blank("en")
    pipeline.tokenizer = BySpaces(pipeline.vocab)
    own = frozenset(pipeline.vocab.strings)
    pipeline(" ".join(f"w{number}" for number in range(2 * FEW)))
    vocabularies.renew(pipeline, own)
    assert len(pipeline.tokenizer.vocab.strings) == len(own)
    assert [one.text for one in pipeline("two words")] == ["two", "words"]
