"""A new signing key for the log: what both keys sign, and how a rotation that was cut off is finished.

The order is: key file durable, record and checkpoint signed by both committed, then the key file named as the one in
use. A crash before the commit leaves a key that nobody knows; a crash after it is finished by the next start.
"""

import base64

import orjson
import sqlalchemy as sa

from audit.checkpoint import rotation_text
from audit.errors import LedgerError, VerifyError
from audit.events import KeyRecord
from audit.home import Home
from audit.ids import now_ms
from audit.signing import KeyFile, Signer, VerifierKey, signing_id
from audit.store import Store
from audit.stored import newest_checkpoint
from audit.tables import ACTS, entry
from audit.values import KeyEvent


def rotation_record(old: Signer, new: Signer, actor: str) -> KeyRecord:
    """The record of a rotation, signed by both keys."""
    text = rotation_text(old.verifier, new.verifier)
    return KeyRecord(
        at=now_ms(),
        event=KeyEvent.ROTATED,
        new_vkey=str(new.verifier),
        old_vkey=str(old.verifier),
        new_signature=base64.b64encode(new.sign(text)).decode(),
        old_signature=base64.b64encode(old.sign(text)).decode(),
        actor=actor,
    )


def _signed_by(note: bytes, key: VerifierKey) -> bool:
    """Whether that is the log's key now; a note that is none is for `check_tree` to refuse."""
    try:
        return signing_id(note) == key.id
    except VerifyError:
        return True


def finish_rotation(store: Store, home: Home, signer: KeyFile) -> KeyFile:
    """The key that signs now: where the log was handed over to another one and a crash came before that was named, it
    is named now. Raises LedgerError (`ledger_key`) where the log has a key that this home does not hold."""
    with store.read() as connection:
        note = newest_checkpoint(connection)
        if note is None or _signed_by(note, signer.verifier):
            return signer
        rows = sa.select(entry.c.body).where(ACTS, entry.c.kind == "key").order_by(entry.c.idx.desc()).limit(1)
        newest = orjson.loads(connection.execute(rows).scalar() or b"{}")
    if newest.get("old_vkey") != str(signer.verifier):
        raise LedgerError(f"the newest checkpoint in the database is not by the key of {home.vkey}", code="ledger_key")
    vkey = VerifierKey.parse(newest["new_vkey"])
    if not home.signing_key(vkey).exists():
        files = f"{home.signing_key(vkey).name} and {home.vkey.name}"
        raise LedgerError(f"the log's key was rotated on another machine; bring {files} here", code="ledger_key")
    new = KeyFile.load(home.signing_key(vkey), vkey.name)
    home.use_signer(new)
    return new
