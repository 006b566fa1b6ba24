"""The vault in a SQL database: SQLite in the home folder or a shared PostgreSQL, several processes at once.

A scope's row is locked before anything is written under it. Originals are encrypted before they become a row; scope
references and object ids are keyed hashes.
"""

import hmac
import os
import secrets
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from hashlib import sha256
from itertools import batched
from pathlib import Path

import sqlalchemy as sa

from redaction.errors import VaultError
from redaction.vault import answers, bindings, mappings, scopes, upkeep
from redaction.vault import persons as concerned
from redaction.vault import tables as t
from redaction.vault.base import (
    MAX_RESTORABLE,
    OTHER_TTL_S,
    SESSION,
    TTL_S,
    Approval,
    ConcernedScope,
    Item,
    ProviderObject,
    Purged,
    ReplacedText,
    RevealEvent,
    Scope,
    VaultStats,
)
from redaction.vault.cipher import KeyEncryptionKey, ScopeKeys, unseal
from redaction.vault.database import Database, insert_if_free
from redaction.vault.issuing import issue
from redaction.vault.keys import FileRing, StaticRing
from redaction.vault.seen import Seen

_OBJECT_KEY = "object"
_OWNER = "owner"
_BATCH = 500  # bound parameters of one statement; SQLite allows 32,766


def open_vault(home: Path, url: str = "", *, make: bool = True) -> "SqlVault":
    """The vault of a home folder. url: SQLAlchemy's, "" for HOME/vault.db; key: DRAGOMAN_VAULT_KEY or HOME/keys.

    Raises VaultError, also where there is none and `make` is False.
    """
    if not (make or url or (home / "vault.db").exists()):
        raise VaultError(f"there is no vault in {home}; name the home of a dragoman that ran (--home)", code="missing")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    ring = StaticRing.from_environment(os.environ) or FileRing(home / "keys")
    return SqlVault(url or f"sqlite:///{home / 'vault.db'}", ring)


class SqlVault:
    """`redaction.vault.Vault` over SQLAlchemy Core. clock_ms: milliseconds since 1970."""

    def __init__(
        self,
        url: str,
        kek: KeyEncryptionKey,
        *,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        seen: Seen | None = None,
    ) -> None:
        self._kek = kek
        self._clock_ms = clock_ms
        self._seen = seen if seen is not None else Seen()
        self._database = Database(url)
        self.answers: answers.Answers = answers.SqlAnswers(self._database, kek, clock_ms)
        try:
            self._object_key = self._secret()
        except BaseException:
            self._database.close()
            raise

    def reference(self, kind: str, name: str) -> str:
        key = hmac.digest(self._object_key, b"dragoman reference 1", sha256)
        message = f"{len(kind)}:{kind}{name}".encode("utf-8", "surrogatepass")
        return hmac.digest(key, message, sha256).hex()

    def known_scope(self, ref: str) -> Scope | None:
        seen = self._seen.by_ref(ref)
        return seen.scope if seen is not None else None

    def open_scope(self, ref: str, *, kind: str = SESSION, destination: str = "", ttl_s: int | None = None) -> Scope:
        known = self.known_scope(ref)
        if known is not None:
            return known
        now, is_it = self._clock_ms(), t.scope.c.ref == ref
        with self._database.write() as connection:
            rows = scopes.touched(connection, is_it, now)
            if not rows:
                self._forget(scopes.destroy(connection, is_it & (t.scope.c.expires <= now), now))
                life = ttl_s if ttl_s is not None else TTL_S.get(kind, OTHER_TTL_S)
                scopes.make(connection, ref, kind, destination, life, now, self._kek)
                rows = list(connection.execute(sa.select(t.scope).where(is_it)))
        return self._opened(rows[0])

    def known_tokens(self, scope: Scope, items: Sequence[Item], persons: Sequence[str] = ()) -> list[str] | None:
        return self._seen.tokens(scope, items, persons)

    def known_texts(self, scope: Scope) -> Mapping[bytes, ReplacedText]:
        return self._seen.texts(scope)

    def remember_texts(self, scope: Scope, texts: Mapping[bytes, ReplacedText]) -> None:
        self._seen.remember_texts(scope, texts)

    def issue(self, scope: Scope, items: Sequence[Item], persons: Sequence[str] = ()) -> list[str]:
        known = self._seen.known(scope, items)
        missing = [item for item in items if item not in known]
        if missing or (persons and not self._seen.concerns(scope, persons)):
            with self._database.write() as connection:
                rows = scopes.touched_one(connection, scope.id, self._clock_ms())
                if not rows:
                    self._seen.forget(scope.id)
                    raise VaultError("the conversation's keys were destroyed; start a new one", code="shredded")
                scope, keys = scopes.opened(rows[0], self._kek)
                concerned.add(connection, scope.id, persons)
                store = mappings.store(connection, scope.id, keys, self._clock_ms())
                made = issue(scope, missing, store) if missing else {}
            self._seen.checked(rows[0].ref or "", scope, keys)
            self._seen.remember(scope, made.items(), persons)
            known.update(made)
        return [known[item] for item in items]

    def restorable(self, scopes: Sequence[Scope], limit: int = MAX_RESTORABLE) -> Mapping[str, str]:
        with self._database.read() as connection:
            keys = self._keys(connection, [scope.id for scope in scopes])
            return mappings.originals(connection, keys, limit) if keys else {}

    def bind(
        self, destination: str, object_id: str, scopes: Sequence[Scope], owner: str, ttl_s: int | None = None
    ) -> None:
        now, ref, whose = self._clock_ms(), self._object_ref(destination, object_id), self.reference(_OWNER, owner)
        until = now + (ttl_s if ttl_s is not None else TTL_S[SESSION]) * 1000
        with self._database.write() as connection:
            keys = self._keys(connection, [scope.id for scope in scopes], lock=True)
            places = {scope: place for place, scope in enumerate(dict.fromkeys(scope.id for scope in scopes))}
            bindings.bind(connection, keys, places, bindings.Bound(destination, object_id, ref, whose), now, until)

    def binding(self, destination: str, object_id: str, owners: Sequence[str]) -> tuple[Scope, ...]:
        select = sa.select(t.binding.c.scope, t.binding.c.place).where(self._is_object(destination, object_id, owners))
        with self._database.write() as connection:
            places = {row.scope: row.place for row in connection.execute(select)}
            rows = scopes.touched(connection, t.scope.c.id.in_(places), self._clock_ms()) if places else []
        return tuple(self._opened(row) for row in sorted(rows, key=lambda row: places[row.id]))

    def expired(self, destination: str, object_id: str, owners: Sequence[str]) -> int:
        where = self._is_object(destination, object_id, owners)
        with self._database.read() as connection:
            return int(connection.execute(sa.select(sa.func.sum(t.binding.c.lost)).where(where)).scalar() or 0)

    def scopes_of(self, refs: Sequence[str]) -> tuple[ConcernedScope, ...]:
        with self._database.read() as connection:
            return concerned.scopes_of(connection, refs)

    def scopes_to(self, destination: str, until_ms: int) -> Generator[Scope]:
        with self._database.read() as connection:
            yield from scopes.of_destination(connection, destination, until_ms, self._kek)

    def live(self, scope_ids: Sequence[str]) -> Mapping[str, int]:
        with self._database.read() as connection:
            return dict(concerned.live(connection, scope_ids))

    def objects(self, scope_ids: Sequence[str]) -> tuple[ProviderObject, ...]:
        with self._database.read() as connection:
            return concerned.objects(connection, self._keys(connection, scope_ids))

    def unattributed(self) -> int:
        with self._database.read() as connection:
            return concerned.unattributed(connection)

    def shred(self, scope_id: str) -> bool:
        return bool(self.shred_all([scope_id]))

    def forget(self, scope_ids: Sequence[str]) -> None:
        self._forget(dict.fromkeys(scope_ids, 0))

    def shred_all(self, scope_ids: Sequence[str]) -> Mapping[str, int]:
        gone: dict[str, int] = {}
        with self._database.write() as connection:
            for some in batched(scope_ids, _BATCH):
                gone |= scopes.destroy(connection, t.scope.c.id.in_(some), self._clock_ms())
        self.forget(scope_ids)
        self._database.forget_freed_pages()
        return gone

    def purge(self) -> Purged:
        now = self._clock_ms()
        with self._database.write() as connection:
            gone = scopes.destroy(connection, t.scope.c.expires <= now, now)
            answers.purge(connection, now)
            unbound = connection.execute(t.binding.delete().where(t.binding.c.expires <= now)).rowcount
        self._forget(gone)
        self._database.forget_freed_pages()
        return Purged(len(gone), sum(gone.values()), unbound)

    def stats(self) -> VaultStats:
        with self._database.read() as connection:
            return upkeep.stats(connection, self._clock_ms())

    def reveal(self, scope_id: str, token: str, approval: Approval, record: Callable[[RevealEvent], None]) -> str:
        if not approval.approver or approval.approver == approval.requester or not approval.reason:
            raise VaultError("an original is shown for a reason and with a second person", code="needs_two_people")
        with self._database.read() as connection:
            keys = self._keys(connection, [scope_id]).get(scope_id)
            where = (t.mapping.c.scope == scope_id) & (t.mapping.c.token == token)
            row = connection.execute(sa.select(t.mapping).where(where)).first()
        record(
            RevealEvent(approval, scope_id, token, row.entity_type if row else "", row is not None and keys is not None)
        )
        if row is None or keys is None:
            raise VaultError("there is no such placeholder in that scope", code="unknown_scope")
        return unseal(keys, scope_id, token, row.entity_type, row.sealed)

    def scopes_with(self, token: str) -> tuple[str, ...]:
        """The live scopes that have a placeholder; reads every row, because nothing else asks so."""
        with self._database.read() as connection:
            return mappings.scopes_with(connection, token)

    def rotate_kek(self) -> int:
        with self._database.write() as connection:
            return upkeep.wrap_anew(connection, self._kek)

    def close(self) -> None:
        self._seen.clear()
        self._database.close()

    # --- inside --------------------------------------------------------------------------------------------------

    def _opened(self, row: scopes.Row) -> Scope:
        scope, keys = scopes.opened(row, self._kek)
        self._seen.checked(row.ref or "", scope, keys)
        return scope

    def _keys(self, connection: sa.Connection, ids: Sequence[str], *, lock: bool = False) -> dict[str, ScopeKeys]:
        """The keys of those scopes that are alive. lock: keep other processes from destroying them meanwhile."""
        select = sa.select(t.scope).where(t.scope.c.id.in_(ids) & scopes.LIVE).order_by(t.scope.c.id)
        rows = connection.execute(select.with_for_update() if lock else select)
        return {row.id: scopes.opened(row, self._kek)[1] for row in rows}

    def _forget(self, gone: Mapping[str, int]) -> None:
        for scope_id in gone:
            self._seen.forget(scope_id)

    def _is_object(self, destination: str, object_id: str, owners: Sequence[str]) -> sa.ColumnElement[bool]:
        ref, whose = self._object_ref(destination, object_id), [self.reference(_OWNER, one) for one in owners]
        is_it = (t.binding.c.destination == destination) & (t.binding.c.object_ref == ref)
        return is_it & t.binding.c.owner.in_(whose)

    def _object_ref(self, destination: str, object_id: str) -> bytes:
        message = f"{destination}\0{object_id}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._object_key, message, sha256)

    def _secret(self) -> bytes:
        """The key under which objects are named, made at the first start."""
        with self._database.write() as connection:
            select = sa.select(t.secret).where(t.secret.c.name == _OBJECT_KEY)
            row = connection.execute(select).first()
            if row is None:
                key_id, wrapped = self._kek.wrap(secrets.token_bytes(32), _OBJECT_KEY.encode())
                new = {"name": _OBJECT_KEY, "key_id": key_id, "wrapped": wrapped}
                connection.execute(insert_if_free(connection, t.secret), new)
                row = connection.execute(select).one()
        return self._kek.unwrap(row.key_id, row.wrapped, _OBJECT_KEY.encode())
