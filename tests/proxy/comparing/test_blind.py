"""What a rater sees: neutral names, a random order, and nothing that tells whose an answer is."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.comparing.pairs import blind
from proxy.control.ratings import Side, Verdict
from redaction.tokens import mint
from redaction.vault import Pair


def half(key: bytes, destination: str, said: str = "Call {} or {}") -> str:
    people = [mint(key, "PERSON", name) for name in ("Anna Schmidt", "Ben Meier")]
    asked = [["system", f"You help {people[1]}."], ["user", f"{people[0]}, {people[1]}, {people[0]}"]]
    kept = {"destination": destination, "model": "m", "asked": asked, "said": [said.format(*people)]}
    return orjson.dumps(kept).decode()


def pair(*, swapped: bool) -> Pair:
    first, second = half(bytes(32), "openai"), half(bytes([1]) * 32, "own-llama", "{}? No, {}")
    return Pair("0" * 26, 2, swapped, 0, 1, first, second)


def test_both_sides_call_the_same_person_by_the_same_name() -> None:
    shown = blind(pair(swapped=False))
    assert shown.same_question
    assert shown.a.asked == (("system", "You help [Person 1]."), ("user", "[Person 2], [Person 1], [Person 2]"))
    assert (shown.a.said, shown.b.said) == (("Call [Person 2] or [Person 1]",), ("[Person 2]? No, [Person 1]",))


@pytest.mark.parametrize("swapped", [False, True])
def test_a_choice_means_whose_answer_stood_there(swapped: bool) -> None:
    shown = blind(pair(swapped=swapped))
    of_a = Verdict.SECOND if swapped else Verdict.FIRST
    assert (shown.verdict("a"), shown.verdict("tie")) == (of_a, Verdict.TIE)
    assert {shown.verdict("a"), shown.verdict("b")} == {Verdict.FIRST, Verdict.SECOND}
    assert shown.names[0] == Side("own-llama" if swapped else "openai", "m")
    with pytest.raises(KeyError):
        shown.verdict("first")


def test_neither_name_nor_text_is_in_what_a_traceback_would_show() -> None:
    text = repr(blind(pair(swapped=True)))
    assert "own-llama" not in text
    assert "Call" not in text


@given(st.text(alphabet="[]PERSON_0123456789ABCDEF \n", max_size=80))
def test_whatever_looks_like_a_placeholder_gets_a_number_and_all_else_stays(text: str) -> None:
    kept = orjson.dumps({"destination": "openai", "model": "", "asked": [["user", text]], "said": [text]}).decode()
    shown = blind(Pair("0" * 26, 2, False, 0, 1, kept, kept))
    assert shown.a == shown.b
    assert shown.a.asked[0][1] == shown.a.said[0]
