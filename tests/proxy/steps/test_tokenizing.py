"""What became of a text is remembered with its scope; a vault that remembers nothing gives the same, turn by turn."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.model import Action, Decision, Operator
from proxy.identity import Identity
from proxy.running.adapters import ThreadedVault
from proxy.steps.found import AllFound, InText, by_text
from proxy.steps.scopes import ScopeRefs
from proxy.steps.tokenizing import Tokenized, tokenize
from redaction.finding import Finding, SegmentFindings
from redaction.segment import Segment, SegmentKind
from redaction.vault import ReplacedText, Scope, open_vault

VALUES = {"Anna Lindner": "PERSON", "Lindner": "PERSON", "+49 171 2345678": "PHONE_NUMBER", "a@example.com": "EMAIL"}
TOKENIZE = Decision(Action.TRANSFORM, "r1", operator=Operator.TOKENIZE)
HOWS = (
    TOKENIZE,
    Decision(Action.TRANSFORM, "r2", operator=Operator.TOKENIZE),
    Decision(Action.TRANSFORM, "r3", operator=Operator.REDACT),
    Decision(Action.TRANSFORM, "r4", operator=Operator.SURROGATE),
    Decision(Action.ALLOW, "r5"),
)
REFS = ScopeRefs(bytes(32))


class Forgetful(ThreadedVault):
    """The same vault, without what became of texts."""

    def known_texts(self, scope: Scope) -> Mapping[bytes, ReplacedText]:
        return {}


@dataclass(frozen=True)
class Asked:
    """What tokenizing asks."""

    vault: ThreadedVault
    scopes: ScopeRefs = REFS

    async def offload(self, size: int, work):  # type: ignore[no-untyped-def]
        return work()


@dataclass(frozen=True)
class Pair:
    """Two processes with one database: one remembers, one does not."""

    remembering: Asked
    forgetful: Asked
    vault: object


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    home = tmp_path_factory.mktemp("vault")
    one, two = open_vault(home), open_vault(home)
    with ThreadPoolExecutor(1) as threads:
        yield Pair(Asked(ThreadedVault(one, threads)), Asked(Forgetful(two, threads)), one)
    one.close()
    two.close()


def text_of(segment: Segment, decision: Decision, values: Sequence[str]) -> InText:
    spans: list[Finding] = []
    for value in values:
        start = segment.text.find(value)
        if start >= 0 and all(start >= one.end or one.start >= start + len(value) for one in spans):
            spans.append(Finding(start, start + len(value), VALUES[value], 0.9, "test"))
    return InText(segment, SegmentFindings(tuple(sorted(spans)), "en"), (decision,) * len(spans))


def told(asked: Asked, session: str, texts: Sequence[InText], persons: Sequence[str] = ()) -> Tokenized:
    found = AllFound([one for one in texts if one.part.findings])
    identity = Identity("app", "header", "", session, (), b"")
    segments = [one.segment for one in texts]
    return asyncio.run(tokenize(asked, identity, "openai", found, segments, None, persons))


written = st.lists(st.sampled_from([*VALUES, " ", ", ", "hi [", "_", "TOKEN", "\n"]), max_size=6).map("".join)
turn = st.tuples(
    written,
    st.sampled_from([SegmentKind.USER, SegmentKind.SYSTEM]),
    st.sampled_from(HOWS),
    st.lists(st.sampled_from(list(VALUES)), unique=True, max_size=4),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(turn, min_size=1, max_size=5), st.uuids(), st.integers(0, 4))
def test_turn_by_turn_a_text_becomes_what_it_becomes_without_memory(
    pair: Pair, turns: list[tuple[str, SegmentKind, Decision, list[str]]], name: object, again: int
) -> None:
    texts: list[InText] = []
    token = ""
    for number, (text, kind, decision, values) in enumerate([*turns, turns[again % len(turns)]]):
        # The app may write what looks like a placeholder that it cannot know, and one that it was told by mistake.
        segment = Segment(f"/messages/{number}", text.replace("TOKEN", token), kind)
        texts.append(text_of(segment, decision, values))
        mine, other = (told(asked, str(name), texts) for asked in (pair.remembering, pair.forgetful))
        assert mine.texts == other.texts
        assert mine.restorable.originals == other.restorable.originals
        assert mine.restorable.numbers == other.restorable.numbers
        token = next(iter(mine.restorable.originals), "")


def test_another_decision_about_a_remembered_text_counts(pair: Pair) -> None:
    segment = Segment("/messages/0", "Anna Lindner ruft an.", SegmentKind.USER)
    first = told(pair.remembering, "decisions", [text_of(segment, TOKENIZE, ["Anna Lindner"])])
    assert "[PERSON_" in first.texts["/messages/0"]
    assert told(pair.remembering, "decisions", [text_of(segment, HOWS[4], ["Anna Lindner"])]).texts == {}
    more = told(pair.remembering, "decisions", [text_of(segment, TOKENIZE, ["Lindner"])])
    assert more.texts["/messages/0"].startswith("Anna [PERSON_")


def test_a_destroyed_scope_takes_along_what_became_of_its_texts(pair: Pair) -> None:
    texts = [text_of(Segment("/messages/0", "Anna Lindner", SegmentKind.USER), TOKENIZE, ["Anna Lindner"])]
    before = told(pair.remembering, "shredded", texts)
    known = pair.remembering.vault.known_texts
    assert len(known(before.scopes[0])) == 1
    pair.vault.shred(before.scopes[0].id)  # type: ignore[attr-defined]
    assert known(before.scopes[0]) == {}
    after = told(pair.remembering, "shredded", texts)
    assert after.scopes[0].id != before.scopes[0].id
    assert not set(after.restorable.originals) & set(before.restorable.originals)


def test_both_scopes_of_a_request_may_be_destroyed_by_another_process(pair: Pair) -> None:
    kinds = (SegmentKind.SYSTEM, SegmentKind.USER)
    texts = [
        text_of(Segment(f"/messages/{place}", "Anna Lindner", kind), TOKENIZE, ["Anna Lindner"])
        for place, kind in enumerate(kinds)
    ]
    before = told(pair.remembering, "both destroyed", texts, persons=["both p1"])
    assert len(before.scopes) == 2
    told(pair.forgetful, "both destroyed", texts, persons=["both p1"])
    for scope in before.scopes:
        pair.vault.shred(scope.id)  # type: ignore[attr-defined]
    after = told(pair.forgetful, "both destroyed", texts, persons=["both p2"])
    assert not {scope.id for scope in before.scopes} & {scope.id for scope in after.scopes}


def test_findings_are_the_same_text_by_text_and_one_by_one() -> None:
    segments = [Segment(f"/{number}", "Anna Lindner, a@example.com", SegmentKind.USER) for number in range(3)]
    texts = [text_of(segment, HOWS[number], list(VALUES)) for number, segment in enumerate(segments)]
    found = AllFound(texts)
    assert len(found) == len(list(found)) == 6
    assert list(by_text(list(found))) == texts
    assert found[0].segment is segments[0]
    assert [one.decision for one in found[2:4]] == [HOWS[1]] * 2


def test_a_remembered_text_concerns_whoever_sends_it_next(pair: Pair) -> None:
    system = text_of(Segment("/messages/0", "Ask Anna Lindner.", SegmentKind.SYSTEM), TOKENIZE, ["Anna Lindner"])
    for person, session in (("p1", "one"), ("p2", "two"), ("p2", "two")):
        scopes = told(pair.remembering, f"persons {session}", [system], persons=[person]).scopes
        mine = {scope.id for scope in pair.vault.scopes_of([person])}  # type: ignore[attr-defined]
        assert mine == {scope.id for scope in scopes}
