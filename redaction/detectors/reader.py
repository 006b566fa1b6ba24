"""The name model at work: from the words of texts to a probability for each word and class.

Does what the network of `redaction.detectors.network` does when it is trained, up to rounding, without the documents
and layers of spaCy: for a network this small they take longer than the sums.
"""

from collections.abc import Sequence
from typing import Any

import numpy
from spacy.attrs import IDS

from redaction.detectors.encoder import Encoder, Features, Span
from redaction.detectors.network import vocabulary
from redaction.detectors.opinions import Piece
from redaction.detectors.tokens import facts


class Reader:
    """One network with its weights."""

    def __init__(self, model: Any) -> None:
        """model: see `redaction.detectors.network.load`."""
        encode, output = model.layers
        encoder = Encoder.of(encode)
        assert encoder is not None, "made in network.py"
        self._encoder = encoder
        softmax = output.layers[0]
        self._weights, self._bias = softmax.get_param("W").T.copy(), softmax.get_param("b")
        own = vocabulary()
        self._strings = own.strings
        # The last column is that of what the lists say.
        self._getters = [own.lex_attr_getters[IDS[name]] for name in encoder.columns[:-1]]

    def probabilities(self, pieces: Sequence[Piece]) -> Any:
        """Words by classes, the words that the pieces speak about one after another; a row sums to one."""
        words = [word for piece in pieces for word in piece.texts]
        spans = [Span(len(piece.texts), piece.first, piece.last) for piece in pieces]
        vectors = self._encoder.read(words, spans, lambda places: self._features(words, places))
        scores = vectors @ self._weights
        scores += self._bias
        scores -= scores.max(axis=1, keepdims=True)
        numpy.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        return scores

    def _features(self, words: Sequence[str], places: Sequence[int]) -> Features:
        # Asked for a number a store of strings computes it, and remembers nothing.
        strings = self._strings
        rows = [
            [*(strings[getter(words[at])] for getter in self._getters), strings[facts(words[at].lower())]]
            for at in places
        ]
        return Features(numpy.asarray(rows, dtype="uint64"))
