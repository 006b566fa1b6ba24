"""What spaCy's models read words with (Tok2Vec), run in a few large operations over all texts at once.

Weights enter, as a model has them when spaCy has loaded it, and features of words; vectors leave, equal to the model's
own up to rounding. The first half of such a model sees one word at a time, so what it makes of a word is computed once
and kept. The second half sees neighbours, one more to each side with each layer: only rows that something depends on
are computed.
"""

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final, Self

import numpy

MAX_WORDS: Final = 5_000
"""Words that are kept, 19 MB for a model as it is here; when there are more, all are forgotten."""
_LAYER: Final = r"residual\(expand_window>>maxout>>layernorm>>dropout\)"
_KNOWN: Final = re.compile(
    r"extract_features>>list2ragged>>with_array\(ints-getitem>>hashembed(?:\|ints-getitem>>hashembed)*\)"
    r"(?:\|static_vectors)?>>with_array\(maxout>>layernorm>>dropout\)>>ragged2list"
    rf">>with_array\({_LAYER}(?:>>{_LAYER})*\)"
)
# As thinc has it: what keeps a vector whose numbers are all the same from a division by zero.
_LEAST: Final = 1e-8
_SIDES: Final = 3
"""The word before, the word, the word behind."""


@dataclass(frozen=True, slots=True)
class Features:
    """What a model is told of words that it has not read yet, one row each.

    hashed: the attributes that its tables are asked for (`Encoder.columns`), 64 bits each. vectors: from a table of
    word vectors, None where the model has none.
    """

    hashed: Any
    vectors: Any = None


@dataclass(frozen=True, slots=True)
class Span:
    """One text. size: its words. first, last: the words that are asked about, half open; the others are only read."""

    size: int
    first: int
    last: int


type Ask = Callable[[Sequence[int]], Features]
"""From places in a list of words to their features."""


class _Mix:
    """A linear layer of several pieces of which the largest counts, then normalised. width: of what comes out."""

    def __init__(self, maxout: Any, norm: Any) -> None:
        weights, bias = maxout.get_param("W"), maxout.get_param("b")
        self.width, self.pieces, inputs = weights.shape
        # Piece by piece, so that each is a block of columns.
        self.weights = numpy.ascontiguousarray(weights.transpose(2, 1, 0).reshape(inputs, -1))
        self._bias = numpy.ascontiguousarray(bias.T).reshape(-1)
        self._gain, self._shift = norm.get_param("G"), norm.get_param("b")

    def settled(self, mixed: Any) -> Any:
        """Vectors from products with `weights`, in the same memory."""
        mixed += self._bias
        best = mixed[:, : self.width]
        for piece in range(1, self.pieces):
            numpy.maximum(best, mixed[:, piece * self.width : (piece + 1) * self.width], out=best)
        mean = best.sum(axis=1, keepdims=True)
        mean /= self.width
        best -= mean
        spread = numpy.einsum("ij,ij->i", best, best)
        spread /= self.width
        spread += _LEAST
        best /= numpy.sqrt(spread)[:, None]
        best *= self._gain
        best += self._shift
        return best


class Encoder:
    """One model. columns: the attributes of a token that its features are hashed from. width: of its vectors."""

    def __init__(self, model: Any) -> None:
        """model: one that `of` knows."""
        embed, encode = model.get_ref("embed"), model.get_ref("encode")
        self.columns: tuple[Any, ...] = tuple(_named(embed, "extract_features")[0].attrs["columns"])
        self.width: int = encode.get_dim("nO")
        self._ops = model.ops
        self._tables = [(node.attrs["seed"], node.get_param("E")) for node in _named(embed, "hashembed")]
        self._project = [node.get_param("W") for node in _named(embed, "static_vectors")]
        self._mix = _mixes(embed)[0]
        self._layers = _mixes(encode)
        self._wide = self._mixed = numpy.empty((0, 0), dtype="f")
        self._forget()

    @classmethod
    def of(cls, model: Any) -> Self | None:
        """None where a model is put together in another way than the one that is known here."""
        if _KNOWN.fullmatch(model.name) is None:
            return None
        windows = [node.attrs["window_size"] for node in _named(model, "expand_window")]
        columns = [node.attrs["column"] for node in _named(model, "hashembed")]
        # Beyond a text's end stand zeros, for as many words as a text's own depend on.
        alike = set(windows) == {1} and model.get_ref("encode").attrs["pad"] >= len(windows)
        return cls(model) if alike and columns == list(range(len(columns))) else None

    @property
    def has_vectors(self) -> bool:
        """Whether it is told vectors of words beside what it hashes."""
        return bool(self._project)

    def read(self, words: Sequence[Hashable], texts: Sequence[Span], ask: Ask) -> Any:
        """One vector for each word that is asked about, text by text.

        words: those of all texts; what is the same has the same features.
        """
        laid, sizes = self._laid(self._known(words, ask), texts)
        begins = numpy.cumsum(sizes) - sizes
        rows = self._words[laid]
        for depth, layer in enumerate(self._layers):
            inner = numpy.ones(len(rows), dtype=bool)
            inner[begins] = False
            inner[begins[1:] - 1] = False
            inner[-1] = False
            centres = numpy.flatnonzero(inner)
            mixed = self._surroundings(rows, centres, layer) if depth else self._begin(laid, centres)
            rows = rows[centres]
            rows += layer.settled(mixed)
            begins -= 2 * numpy.arange(len(begins))
        return rows

    def _laid(self, places: list[int], texts: Sequence[Span]) -> tuple[Any, Any]:
        """Places of all words that those asked about depend on, 0 beyond a text, and how many for each text."""
        reach = len(self._layers)
        laid: list[int] = []
        for text, at in zip(texts, accumulate((text.size for text in texts), initial=0), strict=False):
            begin, end = text.first - reach, text.last + reach
            laid += [0] * max(0, -begin)
            laid += places[at + max(0, begin) : at + min(text.size, end)]
            laid += [0] * max(0, end - text.size)
        return numpy.asarray(laid), numpy.asarray([text.last - text.first + 2 * reach for text in texts])

    def _begin(self, laid: Any, centres: Any) -> Any:
        """The first layer's products: a sum of what is kept for three words each."""
        _, mixed = self._space(len(centres))
        numpy.take(self._sides[0], laid[centres - 1], axis=0, out=mixed, mode="clip")
        for side in range(1, _SIDES):
            mixed += self._sides[side][laid[centres + (side - 1)]]
        return mixed

    def _surroundings(self, rows: Any, centres: Any, layer: _Mix) -> Any:
        """A further layer's products."""
        wide, mixed = self._space(len(centres))
        for side in range(_SIDES):
            wide[:, side * self.width : (side + 1) * self.width] = rows[centres + (side - 1)]
        return numpy.matmul(wide, layer.weights, out=mixed)

    def _space(self, rows: int) -> tuple[Any, Any]:
        """Arrays to work in, the same ones again: memory that is new for each text takes longer than the sums."""
        if rows > len(self._wide):
            self._wide = numpy.empty((rows, _SIDES * self.width), dtype="f")
            self._mixed = numpy.empty((rows, self._layers[0].pieces * self.width), dtype="f")
        return self._wide[:rows], self._mixed[:rows]

    def _forget(self) -> None:
        # The first row is that of no word.
        self._places: dict[Hashable, int] = {}
        self._words = numpy.zeros((1, self.width), dtype="f")
        self._sides = numpy.zeros((_SIDES, 1, self._layers[0].pieces * self.width), dtype="f")

    def _known(self, words: Sequence[Hashable], ask: Ask) -> list[int]:
        """The place of each word in what is kept."""
        places = [self._places.get(word, 0) for word in words]
        if 0 not in places:
            return places
        new = {word: at for at, (word, place) in enumerate(zip(words, places, strict=True)) if not place}
        if len(self._places) + len(new) > MAX_WORDS:
            self._forget()
            new = {word: at for at, word in enumerate(words)}
        begin = len(self._places) + 1
        end = begin + len(new)
        self._grow(end)
        self._words[begin:end] = vectors = self._embedded(ask(list(new.values())))
        for side, block in enumerate(numpy.split(self._layers[0].weights, _SIDES)):
            numpy.matmul(vectors, block, out=self._sides[side, begin:end])
        self._places.update(zip(new, range(begin, end), strict=True))
        return [self._places[word] for word in words]

    def _grow(self, size: int) -> None:
        held = len(self._words)
        if size > held:
            more = max(size, min(2 * held, MAX_WORDS + 1)) - held
            self._words = numpy.pad(self._words, ((0, more), (0, 0)))
            self._sides = numpy.pad(self._sides, ((0, 0), (0, more), (0, 0)))

    def _embedded(self, features: Features) -> Any:
        found = []
        for column, (seed, table) in enumerate(self._tables):
            ids = self._ops.as_contig(features.hashed[:, column], dtype="uint64")
            found.append(self._ops.gather_add(table, self._ops.hash(ids, seed) % table.shape[0]))
        found += [features.vectors @ weights.T for weights in self._project]
        return self._mix.settled(numpy.concatenate(found, axis=1) @ self._mix.weights)


def _named(model: Any, name: str) -> list[Any]:
    """The parts of a model with a name, in the order that they run in."""
    return [node for node in model.walk(order="dfs_pre") if node.name == name]


def _mixes(model: Any) -> list[_Mix]:
    return [_Mix(*pair) for pair in zip(_named(model, "maxout"), _named(model, "layernorm"), strict=True)]
