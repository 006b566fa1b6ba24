"""What the fakes share: token counts, vectors, tool arguments that quote the text, streams taken in turn."""

import json
from collections.abc import Iterable, Iterator
from hashlib import sha256

from proxy.fakes.behaviour import Play, Prompt, words_of

DIMENSIONS = 8


def arguments_of(prompt: Prompt, play: Play, call: int) -> str:
    """Tool arguments that quote the text: as a value, as a key, and inside a list."""
    text = words_of(play, prompt)
    value: dict[str, object] = {"text": text, "call": call}
    if call:
        value["people"] = {text[:400]: [text]}
    return json.dumps(value, ensure_ascii=play.ascii_only)


def in_turn[T](tracks: Iterable[Iterable[T]]) -> Iterator[T]:
    """The items of several streams in turn: a1 b1 a2 b2 a3 …"""
    waiting = [iter(track) for track in tracks]
    while waiting:
        still = []
        for track in waiting:
            for item in track:
                yield item
                still.append(track)
                break
        waiting = still


def count(text: str) -> int:
    """About as many tokens as a tokenizer would count: four characters each."""
    return len(text) // 4 + 1


def vector(text: str) -> list[float]:
    """Eight numbers between -1 and 1, from the text's hash."""
    return [(byte - 127.5) / 127.5 for byte in sha256(text.encode("utf-8", "surrogatepass")).digest()[:DIMENSIONS]]
