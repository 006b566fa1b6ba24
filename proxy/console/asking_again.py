"""Providers that still keep something after an erasure: which erasures those are, and how asking them again goes.

What an erasure left is known from the file that it saved, which names nobody; so this works after a restart too.
"""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from proxy.erasure.again import Again

MOST = 200
"""Files of erasures that are looked into, the newest: each has to be read."""


@dataclass(frozen=True, slots=True)
class Left:
    """An erasure whose providers keep something. objects: how many; destinations: with whom."""

    id: str
    objects: int
    destinations: tuple[str, ...]


@dataclass(slots=True)
class Repeat:
    """Providers asked once more. again: what came of it, None until it has ended. failed: kind of what broke it off."""

    id: str
    again: Again | None = None
    failed: str = ""
    ended: threading.Event = field(default_factory=threading.Event)


def left_by(folder: Path) -> tuple[Left, ...]:
    """The erasures of a folder whose providers keep something, the newest first."""
    names = sorted((path.stem for path in folder.glob("*.json")), reverse=True)[:MOST]
    return tuple(found for name in names if (found := _left(folder / f"{name}.json")) is not None)


def _left(file: Path) -> Left | None:
    try:
        objects: list[dict[str, Any]] = orjson.loads(file.read_bytes())["objects"]
        there = [str(one["destination"]) for one in objects if one["id"] is not None]
    except (OSError, ValueError, KeyError, TypeError):
        return None  # not one of ours, or gone by now
    return Left(file.stem, len(there), tuple(sorted(set(there)))) if there else None
