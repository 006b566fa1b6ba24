"""How placeholders are issued against a store that several processes write to: mint, insert, look who was first.

Placeholders are deterministic, so two writers of one surface write the same row; where two surfaces meet in one
placeholder, the first writer's row counts and the other surface goes on to the next counter.
"""

import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from redaction import stand_ins, tokens
from redaction.errors import VaultError
from redaction.vault.base import Item, Scope

# Counters per surface. Of placeholders the second is never reached in practice (2^-35 per pair); stand-ins are few.
_TRIES = stand_ins.TRIES + 4


@dataclass(frozen=True, slots=True)
class Candidate:
    """A placeholder that is to be stored, if it is still free. surface_ref: tells whose row it is."""

    token: str
    item: Item
    counter: int
    surface_ref: bytes


type Store = Callable[[Sequence[Candidate]], Mapping[str, bytes]]


def surface_ref(scope: Scope, item: Item) -> bytes:
    """16 bytes that name an item to whoever holds the scope's key, and nobody else."""
    entity_type, surface = (part.encode("utf-8", "surrogatepass") for part in item)
    message = b"dragoman surface 1\0%d\0%b\0%b" % (len(entity_type), entity_type, surface)
    return hmac.digest(scope.token_key, message, sha256)[:16]


def issue(scope: Scope, items: Iterable[Item], store: Store) -> dict[Item, str]:
    """A placeholder for each item.

    store: inserts what is free and answers token -> surface_ref as stored, for every candidate.
    Raises VaultError `full` when no free placeholder is found.
    """
    issued: dict[Item, str] = {}
    waiting = [(item, surface_ref(scope, item)) for item in dict.fromkeys(items)]
    for counter in range(_TRIES):
        drawn = [Candidate(_drawn(scope, item, counter), item, counter, ref) for item, ref in waiting]
        # Two of one batch in one placeholder: the second sees the first as stored, and goes on.
        first: dict[str, Candidate] = {}
        for candidate in drawn:
            first.setdefault(candidate.token, candidate)
        stored = store(list(first.values()))
        waiting = []
        for candidate in drawn:
            if hmac.compare_digest(stored[candidate.token], candidate.surface_ref):
                issued[candidate.item] = candidate.token
            else:
                waiting.append((candidate.item, candidate.surface_ref))
        if not waiting:
            return issued
    raise VaultError("no free placeholder was found in this scope", code="full")


def _drawn(scope: Scope, item: Item, counter: int) -> str:
    kind, surface = item
    entity_type = kind.removeprefix(stand_ins.KIND)
    if kind != entity_type and counter < stand_ins.TRIES:
        made = stand_ins.draw(scope.token_key, entity_type, surface, counter)
        if made is not None:
            return made
    return tokens.mint(scope.token_key, entity_type, surface, scope.token_length, counter)
