"""A value with a form is found where it is split over parts of one message, whatever it is cut into; words are not
joined, and what stands in different messages is not either."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redaction.detect import Engine
from redaction.detectors import build_engine
from redaction.seams import REACH, looked_at, seams
from redaction.segment import Segment, SegmentKind
from redaction.settings import EngineSettings

VALUES = {
    "anna.schmidt@example.com": "EMAIL_ADDRESS",
    "DE89 3704 0044 0532 0130 00": "IBAN_CODE",
    "5500 0000 0000 0004": "CREDIT_CARD",
    "0171 2345678": "PHONE_NUMBER",
    "192.168.10.44": "IP_ADDRESS",
    "sk-proj-Abc123Def456Ghi789Jkl012Mno345Pqr678": "API_KEY",
}


def parts(texts: list[str], at: str = "/messages/3/content", kind: SegmentKind = SegmentKind.USER) -> list[Segment]:
    return [Segment(f"{at}/{number}/text", text, kind) for number, text in enumerate(texts)]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return build_engine(EngineSettings(languages=("en", "de", "vi"), detectors=("patterns",)))


def cut(text: str, places: list[int]) -> list[str]:
    ends = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[start:end] for start, end in pairwise(ends)]


def hidden(segments: list[Segment], engine: Engine) -> tuple[str, set[str]]:
    """All texts with a line for each character of a finding, and the types that were found."""
    shown, types = "", set()
    for segment, found in zip(segments, engine.detect(segments), strict=True):
        text, before = list(segment.text), 0
        for finding in found.findings:
            assert before <= finding.start < finding.end <= len(text)
            before = finding.end
            text[finding.start : finding.end] = "_" * (finding.end - finding.start)
            types.add(finding.entity_type)
        shown += "".join(text)
    return shown, types


@given(st.sampled_from(sorted(VALUES)), st.lists(st.integers(0, 200), min_size=1, max_size=4), st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_value_in_pieces_is_found_whole(engine: Engine, value: str, places: list[int], beside: bool) -> None:
    before, after = ("Hello. Please note: ", " - thank you.") if beside else ("", "")
    pieces = cut(value, places)
    texts = [before + pieces[0], *pieces[1:-1], pieces[-1] + after] if len(pieces) > 1 else [before + value + after]
    shown, types = hidden(parts(texts), engine)
    assert shown == before + "_" * len(value) + after
    assert VALUES[value] in types


@pytest.mark.parametrize(
    "texts",
    [
        ["Write to Anna", "Schmidt is away"],
        ["I live in Ber", "lin and like it."],
        ["The number is 12", "and the other 34567890123"],
        ["See example.com", "Best regards"],
        ["Version 1.2", "3.4 is out"],
        ["anna@example.com", "Best regards"],
    ],
)
def test_words_that_stand_side_by_side_are_left_alone(engine: Engine, texts: list[str]) -> None:
    together, alone = (engine.detect(parts(texts)), [engine.detect([one])[0] for one in parts(texts)])
    assert together == alone


def test_only_parts_that_follow_each_other_in_one_message_are_joined(engine: Engine) -> None:
    one, two = "anna.sch", "midt@example.com"
    apart = [
        [Segment("/messages/0/content", one), Segment("/messages/1/content", two)],
        [Segment("/messages/0/content/0/text", one), Segment("/messages/1/content/1/text", two)],
        [Segment("/messages/0/content/0/text", one), Segment("/messages/0/content/2/text", two)],
        [Segment("/ids/0", "0171 23"), Segment("/ids/1", "45678")],
    ]
    for segments in apart:
        assert seams(segments) == []
    beside = [*parts([one]), Segment("/messages/3/content/0/new", "x"), parts(["", two])[1]]
    assert hidden(beside, engine)[0] == "_" * len(one) + "x" + "_" * len(two)


def test_what_is_looked_at_again_is_bounded_by_the_text() -> None:
    hostile = parts(["1", "2@"] * 5000)
    assert sum(len(one.text) for one in looked_at(seams(hostile))) <= 3 * sum(len(one.text) for one in hostile)
    long = parts(["x" * 100_000 + "12345", "67890" + "y" * 100_000])
    assert [len(one.text) for one in looked_at(seams(long))] == [2 * REACH]
    ordinary = parts(["Please summarise the following.", "It was a good year; 2024 was better.\n", "Thanks!"])
    assert looked_at(seams(ordinary)) == []
