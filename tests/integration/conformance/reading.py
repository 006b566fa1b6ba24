"""What two exchanges are compared by: answers less what a fake derives from what it received, streams as joined words."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx

from proxy.fakes.behaviour import LOOK
from proxy.framing.awsevents import AwsFramer

DERIVED = re.compile(
    rb'[0-9a-f]{24,}|"(?:values|embedding)": ?\[[^\]]*\]'
    rb'|"(?:[a-z_]*tokens?|[a-zA-Z]*(?:TokenCount|Tokens)|total|cached|value|bytes|sizeBytes|[a-z_]*eval_count)": ?[0-9.]+'
)
"""Digests, vectors and counts that a fake makes of what it received."""
INDICES = ("index", "output_index", "content_index", "contentBlockIndex", "summary_index")


def underived(body: bytes) -> bytes:
    """An answer less what differs by design."""
    return DERIVED.sub(b"-", body)


def events_of(answer: httpx.Response) -> list[Any]:
    """The JSON values of a stream, whatever frames it has."""
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if kind == "text/event-stream":
        return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    if kind == "application/vnd.amazon.eventstream":
        framer = AwsFramer()
        found = [*framer.feed(answer.content), *framer.finish()]
        return [json.loads(event.data) for event in found if event.data is not None]
    if kind == "application/x-ndjson":
        return [json.loads(line) for line in answer.text.splitlines()]
    value = answer.json()
    assert isinstance(value, list), kind
    return value


def joined(events: list[Any]) -> dict[tuple[Any, ...], tuple[set[str], str]]:
    """Way to a string (with the provider's own indices) -> its values, and these put together."""
    found: dict[tuple[Any, ...], list[str]] = {}
    for event in events:
        start = (event.get("type"),) if isinstance(event, dict) and isinstance(event.get("type"), str) else ()
        for way, text in strings(event, start):
            found.setdefault(way, []).append(underived(text.encode("utf-8", "replace")).decode())
    return {way: (set(values), "".join(values)) for way, values in found.items()}


def strings(value: Any, way: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], str]]:
    if isinstance(value, str):
        yield way, value
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from strings(item, way if isinstance(item, dict) and "index" in item else (*way, number))
    elif isinstance(value, dict):
        here = (*way, *(value[name] for name in INDICES if name in value))
        for key, item in value.items():
            yield from strings(item, (*here, key))


def same_words(one: list[Any], other: list[Any]) -> None:
    """Two streams say the same, however their words are cut. Raises AssertionError."""
    mine, theirs = joined(one), joined(other)
    assert mine.keys() == theirs.keys()
    for way, (values, text) in mine.items():
        assert values == theirs[way][0] or text == theirs[way][1], way


def skeleton(body: bytes, planted: tuple[str, ...]) -> Any:
    """A request with every text that holds something planted, or a placeholder, as one word."""
    try:
        return _skeleton(json.loads(body), planted)
    except ValueError:
        return None


def _skeleton(value: Any, planted: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return [[_skeleton(key, planted), _skeleton(item, planted)] for key, item in value.items()]
    if isinstance(value, list):
        return [_skeleton(item, planted) for item in value]
    if isinstance(value, str):
        return "text" if LOOK.search(value) or any(one in value for one in planted) else value
    return value
