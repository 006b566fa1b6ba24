"""What is done with a provider's words after an answer has ended: they are looked at, and kept where a policy says so.

What is kept is for a comparison: the request as its recipient got it and the words as the recipient sent them, nothing
filled in. What is found in those words and is not one of our placeholders is taken out before. Whatever fails here
costs nobody their answer; it is counted, and nothing is kept.
"""

from collections.abc import Sequence
from typing import Final

import orjson

from proxy.exchange import Ending, Exchange
from proxy.steps.found import KEPT, Found
from proxy.steps.work import Services, Work, known
from redaction.errors import RedactionError
from redaction.segment import Segment, SegmentKind

MOST_CHARACTERS = 256 * 1024
"""Of question and answer together; nobody rates what is longer."""
_DAY_S = 86_400
_READ: Final = frozenset(
    {
        SegmentKind.SYSTEM,
        SegmentKind.USER,
        SegmentKind.ASSISTANT,
        SegmentKind.TOOL_ARGUMENTS,
        SegmentKind.TOOL_RESULT,
        SegmentKind.FILE,
        SegmentKind.UNKNOWN,
    }
)
"""Whose words somebody has to read to tell a good answer from a bad one."""


async def look_at(texts: Sequence[str], services: Services, detect_s: float, owner: bytes) -> tuple[list[Found], str]:
    """What is found in words of the provider's, and how they were looked at. Never raises for what detection does."""
    if not texts:
        return [], "none"
    segments = [Segment(f"answer/{n}", text, SegmentKind.ASSISTANT) for n, text in enumerate(texts)]
    try:
        result = await services.detection.detect(segments, deadline_s=detect_s, owner=owner)
    except RedactionError as error:
        services.observe("answer_not_inspected", error.code)
        return [], "failed"
    found = [
        Found(finding, segment, part.language, KEPT)
        for segment, part in zip(segments, result.segments, strict=True)
        for finding in part.findings
    ]
    return found, "afterwards"


async def keep_answer(work: Work, services: Services, exchange: Exchange, ending: Ending, detect_s: float) -> None:
    """Keep question and answer of an attempt that came to a good end, where its policy says so. Never raises."""
    if not work.keep_days or ending is not Ending.COMPLETE or exchange.status != 200:
        return
    texts = _words(exchange)
    found, inspected = await look_at(texts, services, detect_s, work.identity.owner)
    if inspected != "afterwards":
        return  # nobody looked at it, or there are no words
    kept = _sealed(work, [_without(found, n, text) for n, text in enumerate(texts)])
    if not kept:
        services.observe("answer_too_long_to_keep", work.destination.name)
        return
    scope, facts = known(work.tokenized).scopes[0], work.facts
    try:
        done = await services.answers.keep(scope, facts.transfer, facts.attempt, kept, work.keep_days * _DAY_S)
    except RedactionError as error:
        services.observe("answer_not_kept", error.code)
        return
    services.observe("answer_kept" if done else "answer_not_kept", work.destination.name if done else "shredded")


def _words(exchange: Exchange) -> list[str]:
    if exchange.reader is None or exchange.reader.facts.truncated:
        return []
    facts = exchange.reader.facts
    if facts.events and not facts.complete:
        return []
    # What came in one piece repeats what was streamed, where anything was.
    return [text for text in (facts.texts.values() or facts.wholes) if text.strip()]


def _without(found: Sequence[Found], number: int, text: str) -> str:
    """An answer's text with its type instead of each thing that was found in it."""
    spans = sorted(
        (one.finding.start, one.finding.end, one.finding.entity_type)
        for one in found
        if one.segment.pointer == f"answer/{number}"
    )
    parts, at = [], 0
    for start, end, entity_type in spans:
        if start >= at:
            parts += [text[at:start], f"[{entity_type}]"]
            at = end
    return "".join([*parts, text[at:]])


def _sealed(work: Work, answers: list[str]) -> str:
    """Question and answer as `proxy.comparing` reads them; "" where they are too long."""
    new = known(work.tokenized).texts
    asked = [
        [segment.kind.value, new.get(segment.pointer, segment.text)]
        for segment in known(work.inspected).segments
        if segment.kind in _READ
    ]
    if sum(len(text) for _, text in asked) + sum(map(len, answers)) > MOST_CHARACTERS:
        return ""
    kept = {"destination": work.destination.name, "model": work.facts.model or "", "asked": asked, "said": answers}
    return orjson.dumps(kept).decode()
