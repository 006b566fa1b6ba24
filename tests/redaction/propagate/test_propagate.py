"""A value found once is found everywhere in the request; an obvious, slow search is the oracle."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redaction.cache import SegmentCache
from redaction.conversation import Conversation
from redaction.finding import Finding, SegmentFindings
from redaction.propagate import RECOGNIZER, Literal, literals, lower, propagate
from redaction.segment import Segment, SegmentKind

VALUES = [
    ("Anna Schmidt", "PERSON"), ("Schmidt", "PERSON"), ("anna@example.com", "EMAIL_ADDRESS"), ("İpek Öz", "PERSON"),
    ("0171 2345678", "PHONE_NUMBER"), ("2345678", "PHONE_NUMBER"), ("Hauptstraße 1", "STREET_ADDRESS"), ("ACME", "ORGANIZATION"),
]  # fmt: skip
NOISE = [" ", ", ", "a", "7", "Straße", "ACME GmbH", "acme", "schmidts", "ANNA SCHMIDT", "\n", "İ", "-", "_"]


def segment(text: str, number: int = 0) -> Segment:
    return Segment(f"/messages/{number}", text, SegmentKind.USER)


def found(text: str, *values: tuple[str, str]) -> SegmentFindings:
    """The first place of each value, as a detector would report it."""
    spans = [
        Finding(text.index(value), text.index(value) + len(value), kind, 0.9, "test")
        for value, kind in values
        if value in text
    ]
    kept: list[Finding] = []
    for one in sorted(spans, key=lambda one: (one.start, -one.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return SegmentFindings(tuple(kept), "en")


def naive(text: str, own: tuple[Finding, ...], wanted: list[Literal]) -> set[tuple[int, int]]:
    """Every bounded place of every literal that touches no finding; then the longest from the left."""
    spans = []
    for literal in wanted:
        for start in range(len(text)):
            end = start + len(literal.text)
            written = text[start:end]
            same = written == literal.text if literal.exact else lower(written) == literal.text
            inside = any(start < one.end and one.start < end for one in own)
            glued = (start and text[start - 1].isalnum() and text[start].isalnum()) or (
                end < len(text) and text[end - 1].isalnum() and text[end].isalnum()
            )
            if same and end <= len(text) and not inside and not glued:
                spans.append((start, end))
    kept: list[tuple[int, int]] = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return set(kept)


written = st.lists(
    st.one_of(st.sampled_from([value for value, _ in VALUES]), st.sampled_from(NOISE), st.text(max_size=2)), max_size=10
).map("".join)


@given(st.lists(written, min_size=1, max_size=4), st.lists(st.sampled_from(VALUES), max_size=5))
def test_every_place_of_every_value_is_found_and_nothing_else(texts: list[str], values: list[tuple[str, str]]) -> None:
    segments = [segment(text, number) for number, text in enumerate(texts)]
    own = [found(text, *values) for text in texts]
    wanted = literals(segments, own)
    for before, after, text in zip(own, propagate(segments, own), texts, strict=True):
        assert set(before.findings) <= set(after.findings)
        assert list(after.findings) == sorted(after.findings)
        new = {(one.start, one.end) for one in after.findings if one not in before.findings}
        assert new == naive(text, before.findings, wanted)
        assert all(one.recognizer == RECOGNIZER for one in after.findings if one not in before.findings)


@given(st.lists(written, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_what_is_looked_for_does_not_depend_on_the_order_of_segments(texts: list[str], random: object) -> None:
    pairs = [(segment(text), found(text, *VALUES)) for text in texts]
    mixed = pairs[:]
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert literals(*zip(*pairs, strict=True)) == literals(*zip(*mixed, strict=True))


turns = st.lists(
    st.tuples(
        st.lists(written, min_size=1, max_size=3),
        st.lists(st.sampled_from(VALUES), max_size=4),
        st.sampled_from((0, 0, 0, 1, 2)),
    ),
    min_size=1,
    max_size=5,
)


@given(turns, st.booleans())
def test_turn_by_turn_the_same_is_found_as_in_the_whole(
    told: list[tuple[list[str], list[tuple[str, str]], int]], small: bool
) -> None:
    """Each turn adds texts, and some forget the first ones."""
    cache = SegmentCache("1", max_bytes=3_000 if small else 1 << 20)
    segments: list[Segment] = []
    own: list[SegmentFindings] = []
    alone: dict[str, SegmentFindings] = {}
    for texts, values, forgotten in told:
        fresh: set[int] = set()
        del segments[:forgotten], own[:forgotten]
        for text in texts:
            one = segment(text, len(segments))
            segments.append(one)
            if text not in alone:
                alone[text] = found(text, *values)
                fresh.add(len(segments) - 1)
                cache.put(cache.digest(one), alone[text])
            own.append(alone[text])
        digests = [cache.digest(one) for one in segments]
        conversation = Conversation(cache, segments, digests, own.__getitem__, fresh)
        asyncio.run(conversation.begin())
        got = asyncio.run(conversation.propagated())
        assert got == propagate(segments, own)
        assert asyncio.run(Conversation(cache, segments, digests, own.__getitem__, set()).propagated()) == got
        assert cache.size_bytes <= (3_000 if small else 1 << 20)


def test_a_name_is_covered_in_other_turns_by_its_parts_and_in_small_letters() -> None:
    texts = ["Ich bin Anna Lindner.", "anna lindner, oder Frau Lindner?", "lindner.txt", "linde, lindners"]
    segments = [segment(text) for text in texts]
    own = [found(texts[0], ("Anna Lindner", "PERSON")), found(""), found(""), found("")]
    got = [[text[one.start : one.end] for one in result.findings] for text, result in zip(texts, propagate(segments, own), strict=True)]  # fmt: skip
    assert got == [["Anna Lindner"], ["anna lindner", "Lindner"], ["lindner"], []]


@pytest.mark.parametrize("kind", ["AGE", "POSTAL_CODE", "LOCATION", "RELIGION", "HEALTH"])
def test_what_stands_in_ordinary_text_is_not_looked_for(kind: str) -> None:
    texts = ["10115", "10115"]
    own = [found(texts[0], ("10115", kind)), found("")]
    assert propagate([segment(text) for text in texts], own) == own


def test_digests_tell_segments_lists_of_them_and_values_apart() -> None:
    cache = SegmentCache("1")
    texts = [Segment("", "ab", SegmentKind.USER, "", "c"), Segment("", "b", SegmentKind.USER, "", "ca"),
             Segment("", "ab", SegmentKind.SYSTEM, "", "c"), Segment("", "cab", SegmentKind.USER)]  # fmt: skip
    own = [cache.digest(one) for one in texts]
    together = [own, own[:3], own[::-1], [], *([one] for one in own)]
    assert len({*own, *map(cache.joined, together), *map(cache.name, ("a", "b", ""))}) == 15
    assert cache.digest(texts[0]) == own[0] != SegmentCache("2").digest(texts[0])
    assert cache.digest(Segment("/elsewhere", "ab", SegmentKind.USER, "*", "c")) == own[0]


def test_the_cache_forgets_what_was_used_longest_ago_and_stays_within_its_bytes() -> None:
    cache = SegmentCache("1", max_bytes=2_000)
    keys = [bytes([number]) * 16 for number in range(8)]
    for key in keys:
        cache.put(key, SegmentFindings((), "en"))
        cache.get(keys[0])
    assert cache.size_bytes <= 2_000
    assert cache.get(keys[0]) is not None
    assert cache.get(keys[1]) is None
    big = SegmentFindings(tuple(Finding(place, place + 1, "AGE", 0.9, "test") for place in range(100)), "en")
    cache.put(b"big", big)
    assert cache.get(b"big") is None
