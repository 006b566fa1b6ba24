"""What the log says about erasures: who is gone, who is held, which scopes were shredded. Reads only.

A restored backup of the vault or of the references does not know of an erasure; the log does, and is asked at a start.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import batched

import orjson
import sqlalchemy as sa

from audit.query import Question, entries
from audit.tables import reference, transfer, tree
from audit.values import ErasurePhase

_BATCH = 500
_ERASED = {ErasurePhase.BEGUN, ErasurePhase.DONE, ErasurePhase.REAPPLIED}


@dataclass(frozen=True, slots=True)
class Said:
    """erased: reference -> id of its erasure. open: erasures that were begun and of which no end is recorded.

    held: references under a legal hold. scopes: shredded ones, in order.
    """

    erased: Mapping[str, str]
    open: frozenset[str]
    held: frozenset[str]
    scopes: tuple[str, ...]


def said(connection: sa.Connection) -> Said:
    """Everything the log says about erasures so far."""
    erased: dict[str, str] = {}
    unfinished: set[str] = set()
    held: set[str] = set()
    for _, body in entries(connection, kinds=("erasure",)):
        facts = orjson.loads(body)
        phase, refs = facts["phase"], facts.get("refs", ())
        if phase in _ERASED:
            erased.update(dict.fromkeys(refs, facts["id"]))
            (unfinished.add if phase == ErasurePhase.BEGUN else unfinished.discard)(facts["id"])
        elif phase == ErasurePhase.HELD:
            held.update(refs)
        elif phase == ErasurePhase.RELEASED:
            held.difference_update(refs)
    shreds = (orjson.loads(body).get("scopes", ()) for _, body in entries(connection, kinds=("shred",)))
    return Said(
        erased,
        frozenset(unfinished),
        frozenset(held),
        tuple(dict.fromkeys(scope for scopes in shreds for scope in scopes)),
    )


def changes(connection: sa.Connection) -> int:
    """A number that grows with every destruction of references; cheap enough to ask for each second."""
    return int(connection.execute(sa.select(tree.c.erasures)).scalar() or 0)


def remaining(connection: sa.Connection, refs: Iterable[str]) -> Iterator[str]:
    """Those of the references whose keys are still there."""
    for some in batched(refs, _BATCH):
        yield from connection.execute(sa.select(reference.c.ref).where(reference.c.ref.in_(some))).scalars()


def sessions(connection: sa.Connection, refs: tuple[str, ...]) -> tuple[str, ...]:
    """The references of the sessions in which these persons were concerned: they lead back to the transfers."""
    rows = sa.select(transfer.c.session).where(*Question(refs=refs).conditions(), transfer.c.session.is_not(None))
    return tuple(connection.execute(rows.distinct().order_by(transfer.c.session)).scalars())


def count(connection: sa.Connection, refs: tuple[str, ...]) -> int:
    """How many transfers concerned these persons; refusals are not counted, nothing left then."""
    rows = sa.select(sa.func.count()).where(*Question(refs=refs).conditions(), transfer.c.kind == "transfer")
    return int(connection.execute(rows).scalar_one())
