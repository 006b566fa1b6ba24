"""Where a ledger lives on disk: database, keys, published log, and the lock that says who serves it."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from audit.engines import sqlite_url
from audit.errors import LedgerError
from audit.ids import new_id
from audit.signing import KeyFile, VerifierKey, fsync_directory, write_secret


@dataclass(frozen=True, slots=True)
class Home:
    """The paths under $DRAGOMAN_HOME that belong to the audit log."""

    path: Path

    @property
    def database_url(self) -> str:
        """The embedded default."""
        return sqlite_url(self.path / "audit.db")

    @property
    def index_key(self) -> Path:
        """Key under which identifiers are looked up."""
        return self.path / "keys" / "audit-index.key"

    @property
    def log(self) -> Path:
        """The published log: checkpoint and tiles."""
        return self.path / "log"

    @property
    def marks(self) -> Path:
        """Which transfers reached the transport (see `marks`)."""
        return self.path / "audit-sending.marks"

    @property
    def vkey(self) -> Path:
        """The newest verifier key, public."""
        return self.path / "keys" / "audit-log.vkey"

    @property
    def first(self) -> Path:
        """The same while the very first start has not made its tree yet."""
        return self.path / "keys" / "audit-log.vkey.first"

    @property
    def trust(self) -> Path:
        """Whom to ask for cosignatures: a C2SP tlog-policy; there is none where the log has no witnesses."""
        return self.path / "witness.policy"

    def signing_key(self, vkey: VerifierKey) -> Path:
        """The private key that belongs to a verifier key; its id is in its name, so that rotation never overwrites."""
        return self.path / "keys" / f"audit-log-{vkey.id.hex()}.key"

    def create(self) -> None:
        """Makes the folder, for its owner only."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def load_signer(self) -> KeyFile:
        """The key the log is signed with. Raises SigningKeyError, LedgerError."""
        vkey = self.read_vkey()
        signer = KeyFile.load(self.signing_key(vkey), vkey.name)
        if signer.verifier != vkey:
            raise LedgerError(f"{self.signing_key(vkey)} is not the key of {self.vkey}", code="ledger_key")
        return signer

    def read_vkey(self) -> VerifierKey:
        """The newest verifier key. Raises LedgerError where there is none."""
        path = self.vkey if self.vkey.exists() or not self.first.exists() else self.first
        try:
            return VerifierKey.parse(path.read_text())
        except FileNotFoundError:
            what = f"no audit log in {self.path}: {self.vkey} is missing; name the home of a dragoman that ran (--home)"
            raise LedgerError(what, code="ledger_missing") from None

    def create_signer(self, name: str) -> KeyFile:
        """A new key; it signs once `use_signer` has named it."""
        directory = self.path / "keys"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = directory / f"audit-log-new-{new_id()}.key"
        signer = KeyFile.create(draft, name)
        draft.rename(self.signing_key(signer.verifier))
        fsync_directory(directory)
        return signer

    def begin_first(self, signer: KeyFile) -> None:
        """Names the key of a log whose tree does not exist yet, durably."""
        self._name(signer, self.first)

    def keep_first(self) -> None:
        """Says that the first tree exists; from now on an empty database is a lost one."""
        if self.first.exists():
            self.first.replace(self.vkey)
            fsync_directory(self.vkey.parent)

    def use_signer(self, signer: KeyFile) -> None:
        """Names the key that signs from here on, durably."""
        self._name(signer, self.vkey)

    def _name(self, signer: KeyFile, path: Path) -> None:
        draft = path.with_name(f"{path.name}.{new_id()}")
        write_secret(draft, f"{signer.verifier}\n".encode())
        draft.chmod(0o644)
        draft.replace(path)
        fsync_directory(path.parent)

    def lock(self) -> int:
        """Takes the place of the one process that serves this home; the lock ends with the process or `os.close`.

        Raises LedgerError (`ledger_in_use`) where another process holds it.
        """
        handle = os.open(self.path / "audit.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise LedgerError(
                f"another process already serves {self.path}; stop it first, or name another home", code="ledger_in_use"
            ) from None
        return handle


def default_origin() -> str:
    """A name for a new log where the operator gave none: unique, without space or plus, and about nobody."""
    return f"audit.dragoman.local/{new_id().lower()}"
