"""An answer that is looked at before it goes on: nothing leaves unseen, and however it is cut the result is the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redaction.errors import RestoreError
from redaction.restore import Cut, Encoding, Listener, Redactor, Restorable, Restorer, Words, without
from redaction.restore.redacting import LONGEST, MAX_WORDS
from redaction.tokens import mint

TOKEN = mint(b"k" * 32, "PERSON", "Anna")
SECRET = "SECRET"

pieces = st.lists(
    st.one_of(
        st.sampled_from([SECRET, TOKEN, "Er kommt morgen. ", "Dr. Müller ", "Und dann? ", "\n\n", "a", " "]),
        st.text(max_size=6),
    ),
    max_size=30,
)


def cut(text: str, at: list[int]) -> list[str]:
    """The text in pieces."""
    places = sorted({min(place, len(text)) for place in at})
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


def look(words: Words, *, final: bool, sentences: bool) -> None:
    """Cuts every SECRET out of the words that are due, as the proxy does."""
    for heard in list(words.open.values()):
        n = heard.due(final=final, sentences=sentences)
        text, known, cuts, at = heard.context + heard.pending[:n], len(heard.context), [], 0
        while n and (at := text.find(SECRET, at)) >= 0:
            if at + len(SECRET) > known:
                cuts.append(Cut(max(0, at - known), at + len(SECRET) - known, "[X]"))
            at += len(SECRET)
        if n:
            heard.clear(n, cuts)


@given(pieces, st.lists(st.integers(0, 200), max_size=20), st.booleans())
def test_however_an_answer_is_cut_the_same_goes_on(parts: list[str], at: list[int], sentences: bool) -> None:
    text, words = "".join(parts), Words()
    listener = Listener(words)
    redactor = Redactor(Restorer(Restorable({TOKEN: "Anna"})), words)
    out, came = "", ""
    for piece in cut(text, at):
        listener.feed("c", piece)
        came += piece
        look(words, final=False, sentences=sentences)
        out += redactor.feed("c", piece)
        assert SECRET not in out
    listener.flush("c")
    look(words, final=True, sentences=sentences)
    out += redactor.flush("c")
    if SECRET not in text:
        assert out == Restorer(Restorable({TOKEN: "Anna"})).whole(text)
    elif not sentences:
        expected = Restorer(Restorable({TOKEN: "Anna"})).whole(text.replace(SECRET, "[X]"))
        assert out == expected
    assert SECRET not in out


@given(pieces, st.lists(st.integers(0, 200), max_size=20))
def test_words_that_nobody_looked_at_never_go_on(parts: list[str], at: list[int]) -> None:
    text, words = "".join(parts), Words()
    listener, redactor = Listener(words), Redactor(Restorer(Restorable({})), words)
    for piece in cut(text, at):
        listener.feed("c", piece)
        assert redactor.feed("c", piece) == ""
    if text:
        with pytest.raises(RestoreError):
            redactor.flush("c")


@given(st.text(max_size=40), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5)), max_size=5), st.integers(1, 9))
def test_a_text_without_cuts_is_the_same_in_pieces(text: str, spans: list[tuple[int, int]], size: int) -> None:
    cuts, end = [], 0
    for start, length in sorted(spans):
        if start >= end and length and start + length <= len(text):
            cuts.append(Cut(start, start + length, "#"))
            end = start + length
    whole = without(text, cuts)
    starts = range(0, len(text), size)
    assert "".join(without(text[start : start + size], cuts, start) for start in starts) == whole
    assert len(whole) == len(text) - sum(one.end - one.start - 1 for one in cuts)


@pytest.mark.parametrize(
    ("text", "goes_on"),
    [
        ("Er kommt morgen. Und", "Er kommt morgen. "),
        ("Er kommt morgen.", ""),
        ("Frau Dr. Lindner", ""),
        ("In der Hauptstr. 12a", ""),
        ("Wirklich? Ja", "Wirklich? "),
        ("Ende\nNeu", "Ende\n"),
        ("z. B. Anna", ""),
        ("x " * LONGEST, "x " * 50),
    ],
)
def test_where_a_sentence_ends(text: str, goes_on: str) -> None:
    words = Words()
    Listener(words).feed("c", text)
    (heard,) = words.open.values()
    n = heard.due(final=False, sentences=True)
    assert heard.pending[:n].startswith(goes_on[:50])
    assert (n == 0) == (not goes_on)


def test_arguments_of_a_tool_are_looked_at_when_they_are_complete() -> None:
    words = Words()
    Listener(words).feed("c", '{"a": "Er kommt morgen. Und', Encoding.JSON)
    assert next(iter(words.open.values())).due(final=False, sentences=True) == 0


def test_what_never_ends_is_not_searched_whole_with_every_piece() -> None:
    words = Words()
    listener = Listener(words)
    for _ in range(300_000):
        listener.feed("c", "x")
        assert words.channels["c", 0].due(final=False, sentences=True) == 0
    listener.feed("c", ". ")
    listener.feed("c", "Und so weiter, " * LONGEST)
    assert words.channels["c", 0].due(final=False, sentences=True) > 300_000
    assert words.channels["c", 0].due(final=True, sentences=True) == words.channels["c", 0].size


def test_line_breaks_without_an_end_are_looked_past_once() -> None:
    words = Words()
    Listener(words).feed("a", "x" + "\n" * 1_000_000)
    assert next(iter(words.open.values())).due(final=False, sentences=True) == 0


def test_an_answer_without_end_is_not_kept_for_ever() -> None:
    listener, text = Listener(Words()), "x" * (MAX_WORDS // 4)
    with pytest.raises(RestoreError):
        for _ in range(5):
            listener.feed("c", text)
