"""What is not in the set of this exchange is never restored, however it is written and wherever a stream is cut."""

from collections.abc import Callable
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from redaction import tokens
from redaction.restore import Encoding, Restorable, Restorer
from redaction.restore.urls import MAX_LOOKALIKES
from redaction.restore.words import words_of

type Pieces = Callable[[str, list[int]], list[str]]

OTHER_KEY = bytes(reversed(range(32)))
BRACKETS = [("[", "]"), ("", ""), ("[[", "]]"), ("\\[", "\\]"), ("%5B", "%5D"), ("&lt;", "&gt;"), ("<", ">"), ("[", "")]
cuts = st.lists(st.integers(0, 500), max_size=10)


@st.composite
def idents(draw: st.DrawFn, known: list[str]) -> str:
    """Identifiers that are not in the set: guessed, of another scope, one character off, two swapped, cut, extended."""
    kind = draw(st.integers(0, 4))
    base = draw(st.sampled_from(known))
    place = draw(st.integers(0, len(base) - 2))
    if kind == 0:
        body = draw(st.text(alphabet=tokens.ALPHABET, min_size=7, max_size=7))
        return body + tokens.check_character(body)
    if kind == 1:
        parsed = tokens.parse(
            tokens.mint(OTHER_KEY, "PERSON", draw(st.text(max_size=9)), draw(st.sampled_from([8, 12])))
        )
        assert parsed is not None
        return parsed.ident
    if kind == 2:
        return base[:place] + draw(st.sampled_from(tokens.ALPHABET)) + base[place + 1 :]
    if kind == 3:
        return base[:place] + base[place + 1] + base[place] + base[place + 2 :]
    return base[: max(place, 1)]


@given(st.data())
@settings(max_examples=400)
def test_identifiers_that_were_not_issued_stay_as_they_are(
    minted: dict[str, str], pieces: Pieces, data: st.DataObject
) -> None:
    known = [parsed.ident for token in minted if (parsed := tokens.parse(token)) is not None]
    labels = [parsed.label for token in minted if (parsed := tokens.parse(token)) is not None]
    parts = []
    for _ in range(data.draw(st.integers(1, 4))):
        ident = data.draw(idents(known))
        assume(not any(ident.startswith(one) for one in known))
        word = data.draw(st.sampled_from(sorted(words_of(data.draw(st.sampled_from(labels))))))
        opened, closed = data.draw(st.sampled_from(BRACKETS))
        cased = data.draw(st.sampled_from([ident, ident.lower()]))
        parts += [opened, word, data.draw(st.sampled_from(["_", "\\_", " _", "-", " "])), cased, closed, " "]
    text = "".join(parts)
    encoding = data.draw(st.sampled_from(Encoding))
    restorer = Restorer(Restorable(minted, [text]))
    got = "".join(restorer.feed("c", part, encoding) for part in pieces(text, data.draw(cuts))) + restorer.flush("c")
    assert got == text
    assert (restorer.counts.restored, restorer.counts.withheld) == (0, 0)


@given(st.data())
@settings(max_examples=200)
def test_a_placeholder_of_the_set_under_another_type_word_stays(minted: dict[str, str], data: st.DataObject) -> None:
    parsed = [one for token in minted if (one := tokens.parse(token)) is not None]
    one, other = data.draw(st.permutations(parsed))[:2]
    word = data.draw(st.sampled_from(sorted(words_of(other.label) - words_of(one.label))))
    text = f"[{word}_{one.ident}]"
    assert Restorer(Restorable(minted)).whole(text) == text


@given(st.data(), st.sampled_from(Encoding))
@settings(max_examples=100)
def test_channels_of_different_kinds_run_side_by_side(
    minted: dict[str, str], data: st.DataObject, first: Encoding
) -> None:
    """Choice 0 streams prose while a tool call's arguments and HTML arrive; every cut, every order."""
    kinds = {"content": first, "arguments": Encoding.JSON, "page": Encoding.HTML}
    words = ["Hallo ", "\\n", '"', "[", "PER", " und ", "<b>", *minted, *(token[1:-1].lower() for token in minted)]
    written = {name: "".join(data.draw(st.lists(st.sampled_from(words), max_size=6))) for name in kinds}
    restorable = Restorable(minted)
    restorer, got = Restorer(restorable), dict.fromkeys(kinds, "")
    left = dict(written)
    while any(left.values()):
        name = data.draw(st.sampled_from([name for name, text in left.items() if text]))
        size = data.draw(st.integers(1, 9))
        got[name] += restorer.feed(name, left[name][:size], kinds[name])
        left[name] = left[name][size:]
    for name in kinds:
        got[name] += restorer.flush(name)
    assert got == {name: Restorer(restorable).whole(text, kinds[name]) for name, text in written.items()}
    assert restorer.channels == ()


def test_guessing_every_identifier_of_a_type_gets_nothing(minted: dict[str, str]) -> None:
    # 20,000 well-formed guesses: with 35 random bits one hits a set of four with 2e-6.
    guesses = [tokens.mint(OTHER_KEY, "PERSON", str(number)) for number in range(20_000)]
    text = " ".join(guesses)
    restorer: Any = Restorer(Restorable(minted))
    assert restorer.whole(text) == text
    assert restorer.counts.restored == 0
    assert restorer.counts.foreign == MAX_LOOKALIKES


def test_a_word_that_begins_behind_an_escape_is_read_alike_whole_and_in_pieces(minted: dict[str, str]) -> None:
    token = next(token for token in minted if token.startswith("[PERSON_"))
    text = f'{{"a": "b\\n{token[1:-1]}"}}'
    restorer = Restorer(Restorable(minted))
    assert restorer.feed("c", text, Encoding.JSON) + restorer.flush("c") == f'{{"a": "b\\n{minted[token]}"}}'
    assert Restorer(Restorable(minted)).whole(text, Encoding.JSON) == f'{{"a": "b\\n{minted[token]}"}}'


def test_look_alikes_are_counted_alike_whole_and_in_pieces(minted: dict[str, str]) -> None:
    text = "[QUARK_7K3QX2MA] and [ZEBRA_0000000A]"
    whole, cut = Restorer(Restorable(minted)), Restorer(Restorable(minted))
    assert whole.whole(text) == "".join(cut.feed("c", char) for char in text) + cut.flush("c") == text
    assert whole.counts == cut.counts
    assert whole.counts.foreign + whole.counts.unknown == 2
