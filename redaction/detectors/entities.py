"""The named entities of a spaCy pipeline, with its own tokenizer and its own decisions, read by our encoder.

Where a pipeline is the usual one, a tokenizer and an entity recognizer over a Tok2Vec of its own, only what vectors of
words come from is exchanged: the rest is spaCy's. Any other pipeline runs as spaCy runs it.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy
from spacy.attrs import NORM, ORTH
from spacy.pipeline import EntityRecognizer
from spacy.vectors import Mode
from thinc.api import Model

from redaction.detectors.encoder import Encoder, Features, Span

# A matrix of this many texts keeps numpy busy; more only takes memory.
_BATCH: Final = 32


class Entities:
    """One pipeline. encoded: whether our encoder reads for it."""

    def __init__(self, pipeline: Any) -> None:
        self.pipeline = pipeline
        self._recognizer = _only_recognizer(pipeline)
        self.encoded = self._recognizer is not None and _encode(self._recognizer, pipeline.vocab)

    def documents(self, texts: Sequence[str]) -> Iterator[Any]:
        """A document with its entities for each text, each as if it were alone."""
        if not self.encoded:
            yield from self.pipeline.pipe(texts, batch_size=_BATCH)
            return
        for at in range(0, len(texts), _BATCH):
            documents = [self.pipeline.make_doc(text) for text in texts[at : at + _BATCH]]
            self._recognizer.set_annotations(documents, self._recognizer.predict(documents))
            yield from documents


def _only_recognizer(pipeline: Any) -> Any:
    """The entity recognizer of a pipeline in which nothing else runs, or None."""
    parts = [part for _, part in pipeline.pipeline]
    return parts[0] if len(parts) == 1 and type(parts[0]) is EntityRecognizer else None


def _encode(recognizer: Any, vocabulary: Any) -> bool:
    """Lets our encoder read for a recognizer. False, and nothing done, where it is made in another way."""
    before = recognizer.model.get_ref("tok2vec")
    if [part.name for part in before.layers[1:]] != ["list2array", "linear"]:
        return False
    encoder = Encoder.of(before.layers[0])
    if encoder is None or (encoder.has_vectors and not _is_table(vocabulary.vectors)):
        return False
    linear = before.layers[-1]
    words = _Words(encoder, vocabulary.vectors, linear.get_param("W").T.copy(), linear.get_param("b"))
    recognizer.model.replace_node(before, Model("encoder", words.forward, dims={"nO": linear.get_dim("nO")}))
    return True


def _is_table(vectors: Any) -> bool:
    """Whether vectors of words stand in a table by spelling, as most pipelines have them."""
    return bool(getattr(vectors, "mode", None) == Mode.default and getattr(vectors, "attr", ORTH) == ORTH)


class _Words:
    """What a recognizer asks first: one vector for each word of some documents.

    table: vectors of words by spelling. weights, bias: of the linear layer behind the encoder.
    """

    def __init__(self, encoder: Encoder, table: Any, weights: Any, bias: Any) -> None:
        self._encoder = encoder
        self._table = table
        self._weights, self._bias = weights, bias
        # All that a model is told of a word follows from how it is spelled and what its norm is.
        self._identity = [ORTH, NORM]

    def forward(self, _: Any, documents: Sequence[Any], is_train: bool) -> tuple[Any, Any]:
        """As thinc calls a layer."""
        told = [document for document in documents if len(document)]
        identities = numpy.concatenate([document.to_array(self._identity) for document in told])
        words = identities.view("V16").ravel().tolist()

        def ask(places: Sequence[int]) -> Features:
            hashed = numpy.concatenate([document.to_array(list(self._encoder.columns)) for document in told])[places]
            return Features(hashed, self._vectors(identities[places, 0]) if self._encoder.has_vectors else None)

        texts = [Span(len(document), 0, len(document)) for document in told]
        rows = self._encoder.read(words, texts, ask) @ self._weights
        rows += self._bias
        return rows, _learns_nothing

    def _vectors(self, spellings: Any) -> Any:
        found = self._table.find(keys=spellings)
        vectors = self._table.data[found]
        vectors[found < 0] = 0.0
        return vectors


def _learns_nothing(_: Any) -> Any:
    raise NotImplementedError("a detector does not train")
