"""The checkpoints that witnesses have cosigned: which one to ask for next, and what they answered.

Kept beside the tree and not in it: a cosignature is about a checkpoint that exists already. That there is one stands in
the log as a `witness` record; the signatures themselves are published and exported as `checkpoint.cosigned`.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from audit.checkpoint import Checkpoint, unverified
from audit.errors import VerifyError
from audit.folder import Folder
from audit.signing import MAX_NOTE_BYTES, parse_note
from audit.store import Store
from audit.stored import StoredTiles, newest_checkpoint
from audit.tables import cosigned, entry
from audit.tiles import node_source
from audit.trust import TrustPolicy, add_checkpoint, with_lines
from audit.verify import Verified, check_kept

FILE = "checkpoint.cosigned"
KEPT = 16
"""Checkpoints kept: a newer one covers all that an older one does; some are kept because not every witness answers."""


def due(connection: sa.Connection) -> bytes | None:
    """The newest checkpoint, None where witnesses have seen all that it covers but their own records."""
    note = newest_checkpoint(connection)
    size = 0 if note is None else unverified(note).size
    seen = connection.execute(sa.select(sa.func.max(cosigned.c.size))).scalar() or 0
    new = sa.select(entry.c.idx).where(entry.c.idx >= seen, entry.c.idx < size, entry.c.kind != "witness").limit(1)
    return note if connection.execute(new).first() is not None else None


def request(connection: sa.Connection, old: int, note: bytes) -> bytes:
    """What to send a witness that has seen `old` entries, for this checkpoint."""
    return add_checkpoint(node_source(StoredTiles(connection), unverified(note).size), old, note)


def keep(store: Store, note: bytes, lines: Sequence[str]) -> None:
    """Keeps the cosignature lines of a checkpoint beside those that it has already."""
    size = unverified(note).size
    with store.write() as connection:
        this = cosigned.c.size == size
        known = connection.execute(sa.select(cosigned.c.note).where(this)).scalar()
        whole = with_lines(note if known is None else bytes(known), lines)
        connection.execute(sa.delete(cosigned).where(this))
        connection.execute(sa.insert(cosigned), {"size": size, "note": whole})
        newest = sa.select(cosigned.c.size).order_by(cosigned.c.size.desc()).limit(KEPT)
        least = min(connection.execute(newest).scalars())
        connection.execute(sa.delete(cosigned).where(cosigned.c.size < least))


def newest_cosigned(connection: sa.Connection) -> bytes | None:
    """Of the checkpoints kept the one that most witnesses cosigned, the newest of these; None where there is none."""
    rows = connection.execute(sa.select(cosigned.c.note).order_by(cosigned.c.size)).scalars()
    return max((bytes(note) for note in rows), key=_signatures, default=None)


def _signatures(note: bytes) -> tuple[int, int]:
    return len(parse_note(note)[1]), unverified(note).size


def sizes(connection: sa.Connection) -> dict[bytes, int]:
    """The largest checkpoint that each witness has cosigned, by its key id; of those kept."""
    found: dict[bytes, int] = {}
    for size, note in connection.execute(sa.select(cosigned.c.size, cosigned.c.note).order_by(cosigned.c.size)):
        found.update((signature.id, size) for signature in parse_note(bytes(note))[1])
    return found


def check_witnessed(path: Path, found: Verified, policy: TrustPolicy) -> Checkpoint:
    """Checks that enough witnesses cosigned a checkpoint of a verified export, and that the export continues it.

    Returns it; what came after it only the log's own key vouches for. Raises VerifyError.
    """
    folder = Folder(path)
    notes = [folder.checkpoint()]
    with contextlib.suppress(FileNotFoundError):
        notes.append((path / FILE).read_bytes()[: MAX_NOTE_BYTES + 1])
    for note in notes:
        if policy.holds(note):
            check_kept(folder, found.checkpoint, note, found.keys)
            return unverified(note)
    raise VerifyError("no checkpoint here has the cosignatures that the policy asks for", code="witnesses_missing")
