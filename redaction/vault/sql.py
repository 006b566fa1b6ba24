"""The vault in a SQL database: SQLite in the home folder, several processes at once.

A write takes the database's write lock first, so what it reads is what it changes. Originals are encrypted before they
become a row; scope references and object ids are keyed hashes.
"""

import hmac
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from redaction.errors import VaultError
from redaction.tokens import SESSION_LENGTH, WIDE_LENGTH, mint
from redaction.vault import tables as t
from redaction.vault.base import (
    MAX_RESTORABLE,
    OTHER_TTL_S,
    SESSION,
    TTL_S,
    Approval,
    Item,
    Purged,
    RevealEvent,
    Scope,
    VaultStats,
)
from redaction.vault.cipher import KeyEncryptionKey, ScopeKeys, seal, unseal, unwrap_scope, wrap_scope
from redaction.vault.keys import FileRing, StaticRing
from redaction.vault.seen import Seen

HEAD = "0001"
_OBJECT_KEY = "object"
_BATCH = 500  # bound parameters of one statement; SQLite allows 32,766


def open_vault(home: Path) -> "SqlVault":
    """The vault of a home folder: HOME/vault.db, key from DRAGOMAN_VAULT_KEY or HOME/keys/vault.key."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    ring = StaticRing.from_environment(os.environ) or FileRing(home / "keys")
    return SqlVault(f"sqlite:///{home / 'vault.db'}", ring)


class SqlVault:
    """`redaction.vault.Vault` over SQLAlchemy Core. clock_ms: milliseconds since 1970."""

    def __init__(
        self, url: str, kek: KeyEncryptionKey, *, clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    ) -> None:
        self._kek = kek
        self._clock_ms = clock_ms
        self._seen = Seen()
        self._engine = sa.create_engine(url)
        sa.event.listen(self._engine, "connect", _settings)
        sa.event.listen(self._engine, "begin", _begin)
        with self._write() as connection:
            _migrate(connection)
            self._object_key = self._secret(connection)

    def known_scope(self, ref: str) -> Scope | None:
        seen = self._seen.by_ref(ref)
        return seen.scope if seen is not None else None

    def open_scope(self, ref: str, *, kind: str = SESSION, destination: str = "", ttl_s: int | None = None) -> Scope:
        known = self.known_scope(ref)
        if known is not None:
            return known
        life = ttl_s if ttl_s is not None else TTL_S.get(kind, OTHER_TTL_S)
        now = self._clock_ms()
        with self._write() as connection:
            row = connection.execute(sa.select(t.scope).where(t.scope.c.ref == ref)).first()
            if row is not None and row.expires <= now:
                self._shred(connection, row.id)
                row = None
            if row is None:
                return self._new_scope(connection, ref, kind, destination, life)
            self._touch(connection, row, now)
            return self._loaded(row, ref)

    def known_tokens(self, scope: Scope, items: Sequence[Item]) -> list[str] | None:
        return self._seen.tokens(scope, items)

    def issue(self, scope: Scope, items: Sequence[Item]) -> list[str]:
        known = self._seen.tokens(scope, items)
        if known is not None:
            return known
        now = self._clock_ms()
        with self._write() as connection:
            row = connection.execute(sa.select(t.scope).where(t.scope.c.id == scope.id)).first()
            if row is None or row.keys is None:
                self._seen.forget(scope.id)
                raise VaultError("the conversation's keys were destroyed; start a new one", code="shredded")
            keys = unwrap_scope(row.key_id, row.keys, scope.id, self._kek)
            self._seen.checked(row.ref or "", scope, keys)
            self._touch(connection, row, now)
            tokens = self._place(connection, scope, keys, items, now)
        self._seen.remember(scope, zip(items, tokens, strict=True))
        return tokens

    def restorable(self, scopes: Sequence[Scope], limit: int = MAX_RESTORABLE) -> Mapping[str, str]:
        found: dict[str, str] = {}
        twice: set[str] = set()
        with self._read() as connection:
            for scope in scopes:
                row = connection.execute(sa.select(t.scope).where(t.scope.c.id == scope.id)).first()
                if row is None or row.keys is None:
                    continue
                keys = unwrap_scope(row.key_id, row.keys, scope.id, self._kek)
                select = sa.select(t.mapping).where(t.mapping.c.scope == scope.id).limit(limit + 1 - len(found))
                for item in connection.execute(select):
                    (twice if item.token in found else set[str]()).add(item.token)
                    found[item.token] = unseal(keys, scope.id, item.token, item.entity_type, item.sealed)
        if len(found) > limit:
            raise VaultError(f"the conversation holds more than {limit} placeholders; start a new one", code="full")
        return {token: value for token, value in found.items() if token not in twice}

    def bind(self, destination: str, object_id: str, scopes: Sequence[Scope], ttl_s: int | None = None) -> None:
        now, ref = self._clock_ms(), self._object_ref(destination, object_id)
        life = (ttl_s if ttl_s is not None else TTL_S[SESSION]) * 1000
        with self._write() as connection:
            where = (t.binding.c.destination == destination) & (t.binding.c.object_ref == ref)
            have = set(connection.execute(sa.select(t.binding.c.scope).where(where)).scalars())
            for place, scope in enumerate(scopes):
                row = connection.execute(sa.select(t.scope).where(t.scope.c.id == scope.id)).first()
                if row is None or row.keys is None or scope.id in have:
                    continue
                keys = unwrap_scope(row.key_id, row.keys, scope.id, self._kek)
                sealed = seal(keys, scope.id, "object", destination, object_id)
                connection.execute(
                    t.binding.insert().values(
                        destination=destination, object_ref=ref, scope=scope.id, place=place, sealed=sealed, lost=0,
                        created=now, expires=now + life,
                    )
                )  # fmt: skip
                later = max(row.expires, now + life)
                connection.execute(t.scope.update().where(t.scope.c.id == scope.id).values(expires=later))

    def binding(self, destination: str, object_id: str) -> tuple[Scope, ...]:
        now, ref = self._clock_ms(), self._object_ref(destination, object_id)
        select = (
            sa.select(t.scope)
            .join(t.binding, t.binding.c.scope == t.scope.c.id)
            .where((t.binding.c.destination == destination) & (t.binding.c.object_ref == ref))
            .where(t.scope.c["keys"].is_not(None) & (t.scope.c.expires > now))
            .order_by(t.binding.c.place)
        )
        with self._write() as connection:
            rows = connection.execute(select).all()
            for row in rows:
                self._touch(connection, row, now)
            return tuple(self._loaded(row, row.ref or "") for row in rows)

    def expired(self, destination: str, object_id: str) -> int:
        ref = self._object_ref(destination, object_id)
        where = (t.binding.c.destination == destination) & (t.binding.c.object_ref == ref)
        with self._read() as connection:
            return int(connection.execute(sa.select(sa.func.sum(t.binding.c.lost)).where(where)).scalar() or 0)

    def shred(self, scope_id: str) -> bool:
        with self._write() as connection:
            return self._shred(connection, scope_id)

    def purge(self) -> Purged:
        now = self._clock_ms()
        with self._write() as connection:
            due = sa.select(t.scope.c.id).where(t.scope.c["keys"].is_not(None) & (t.scope.c.expires <= now))
            ids = list(connection.execute(due).scalars())
            count = sa.select(sa.func.count()).select_from(t.mapping)
            mappings = sum(
                connection.execute(count.where(t.mapping.c.scope == scope_id)).scalar_one() for scope_id in ids
            )
            for scope_id in ids:
                self._shred(connection, scope_id)
            gone = connection.execute(t.binding.delete().where(t.binding.c.expires <= now)).rowcount
        return Purged(len(ids), mappings, gone)

    def stats(self) -> VaultStats:
        live, now = t.scope.c["keys"].is_not(None), self._clock_ms()
        with self._read() as connection:
            kinds = sa.select(t.scope.c.kind, t.scope.c.destination, sa.func.count()).where(live)
            scopes = {
                (a, b): n for a, b, n in connection.execute(kinds.group_by(t.scope.c.kind, t.scope.c.destination))
            }
            types = sa.select(t.mapping.c.entity_type, sa.func.count()).group_by(t.mapping.c.entity_type)
            keys = sa.select(t.scope.c.key_id, sa.func.count()).where(live).group_by(t.scope.c.key_id)
            return VaultStats(
                scopes=scopes,
                mappings={row[0]: row[1] for row in connection.execute(types)},
                bindings=connection.execute(sa.select(sa.func.count()).select_from(t.binding)).scalar_one(),
                expired=connection.execute(
                    sa.select(sa.func.count()).select_from(t.scope).where(live & (t.scope.c.expires <= now))
                ).scalar_one(),
                shredded=connection.execute(
                    sa.select(sa.func.count()).select_from(t.scope).where(t.scope.c.shredded.is_not(None))
                ).scalar_one(),
                keys={row[0]: row[1] for row in connection.execute(keys)},
            )

    def reveal(self, scope_id: str, token: str, approval: Approval, record: Callable[[RevealEvent], None]) -> str:
        if not approval.approver or approval.approver == approval.requester or not approval.reason:
            raise VaultError("an original is shown for a reason and with a second person", code="needs_two_people")
        with self._read() as connection:
            row = connection.execute(sa.select(t.scope).where(t.scope.c.id == scope_id)).first()
            where = (t.mapping.c.scope == scope_id) & (t.mapping.c.token == token)
            item = connection.execute(sa.select(t.mapping).where(where)).first()
        found = row is not None and row.keys is not None and item is not None
        record(RevealEvent(approval, scope_id, token, item.entity_type if item is not None else "", found))
        if not found:
            raise VaultError("there is no such placeholder in that scope", code="unknown_scope")
        assert row is not None
        assert item is not None
        keys = unwrap_scope(row.key_id, row.keys, scope_id, self._kek)
        return unseal(keys, scope_id, token, item.entity_type, item.sealed)

    def rotate_kek(self) -> int:
        with self._write() as connection:
            old = sa.select(t.scope).where(t.scope.c["keys"].is_not(None) & (t.scope.c.key_id != self._kek.current))
            rows = connection.execute(old).all()
            for row in rows:
                keys = unwrap_scope(row.key_id, row.keys, row.id, self._kek)
                name, wrapped = wrap_scope(keys, row.id, self._kek)
                change = t.scope.update().where(t.scope.c.id == row.id)
                connection.execute(change.values(key_id=name, keys=wrapped))
            stored = connection.execute(sa.select(t.secret).where(t.secret.c.key_id != self._kek.current)).all()
            for row in stored:
                plain = self._kek.unwrap(row.key_id, row.wrapped, row.name.encode())
                name, wrapped = self._kek.wrap(plain, row.name.encode())
                change = t.secret.update().where(t.secret.c.name == row.name)
                connection.execute(change.values(key_id=name, wrapped=wrapped))
        return len(rows)

    def close(self) -> None:
        self._seen.clear()
        self._engine.dispose()

    # --- inside --------------------------------------------------------------------------------------------------

    def _new_scope(self, connection: sa.Connection, ref: str, kind: str, destination: str, life: int) -> Scope:
        now, scope_id, keys = self._clock_ms(), secrets.token_hex(16), ScopeKeys.random()
        length = SESSION_LENGTH if kind == SESSION else WIDE_LENGTH
        name, wrapped = wrap_scope(keys, scope_id, self._kek)
        connection.execute(
            t.scope.insert().values(
                id=scope_id, ref=ref, kind=kind, destination=destination, token_length=length, key_id=name,
                keys=wrapped, ttl_s=life, created=now, used=now, expires=now + life * 1000,
            )
        )  # fmt: skip
        scope = Scope(scope_id, kind, destination, length, keys.token, keys.commit)
        self._seen.checked(ref, scope, keys)
        return scope

    def _loaded(self, row: "sa.Row[tuple[object, ...]]", ref: str) -> Scope:
        keys = unwrap_scope(row.key_id, row.keys, row.id, self._kek)
        scope = Scope(row.id, row.kind, row.destination, row.token_length, keys.token, keys.commit)
        self._seen.checked(ref, scope, keys)
        return scope

    def _place(
        self, connection: sa.Connection, scope: Scope, keys: ScopeKeys, items: Sequence[Item], now: int
    ) -> list[str]:
        """A token for each item; on a conflict the first writer keeps it and the next counter is tried."""
        tokens: dict[Item, str] = {}
        open_items, counter = list(dict.fromkeys(items)), 0
        while open_items:
            drawn = {item: mint(keys.token, *item, scope.token_length, counter) for item in open_items}
            taken = self._taken(connection, scope.id, list(drawn.values()))
            left, rows = [], []
            for item, token in drawn.items():
                ref = _surface_ref(keys, item)
                owner = taken.setdefault(token, ref)
                if owner != ref:
                    left.append(item)
                    continue
                tokens[item] = token
                sealed = seal(keys, scope.id, token, item[0], item[1])
                rows.append(
                    {"scope": scope.id, "token": token, "entity_type": item[0], "counter": counter,
                     "surface_ref": ref, "sealed": sealed, "created": now}
                )  # fmt: skip
            if rows:
                connection.execute(t.mapping.insert().prefix_with("OR IGNORE", dialect="sqlite"), rows)
            open_items, counter = left, counter + 1
        return [tokens[item] for item in items]

    def _taken(self, connection: sa.Connection, scope_id: str, tokens: Sequence[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for start in range(0, len(tokens), _BATCH):
            part = tokens[start : start + _BATCH]
            where = (t.mapping.c.scope == scope_id) & t.mapping.c.token.in_(part)
            rows = connection.execute(sa.select(t.mapping.c.token, t.mapping.c.surface_ref).where(where))
            found.update((row.token, row.surface_ref) for row in rows)
        return found

    def _touch(self, connection: sa.Connection, row: "sa.Row[tuple[object, ...]]", now: int) -> None:
        later = max(row.expires, now + row.ttl_s * 1000)
        connection.execute(t.scope.update().where(t.scope.c.id == row.id).values(used=now, expires=later))

    def _shred(self, connection: sa.Connection, scope_id: str) -> bool:
        now = self._clock_ms()
        live = (t.scope.c.id == scope_id) & t.scope.c["keys"].is_not(None)
        gone = connection.execute(t.scope.update().where(live).values(keys=None, ref=None, shredded=now)).rowcount
        lost = connection.execute(t.mapping.delete().where(t.mapping.c.scope == scope_id)).rowcount
        bound = t.binding.update().where(t.binding.c.scope == scope_id)
        connection.execute(bound.values(sealed=None, lost=t.binding.c.lost + lost))
        self._seen.forget(scope_id)
        return bool(gone)

    def _object_ref(self, destination: str, object_id: str) -> bytes:
        message = f"{destination}\0{object_id}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._object_key, message, sha256)

    def _secret(self, connection: sa.Connection) -> bytes:
        row = connection.execute(sa.select(t.secret).where(t.secret.c.name == _OBJECT_KEY)).first()
        if row is not None:
            return self._kek.unwrap(row.key_id, row.wrapped, _OBJECT_KEY.encode())
        key = secrets.token_bytes(32)
        name, wrapped = self._kek.wrap(key, _OBJECT_KEY.encode())
        connection.execute(t.secret.insert().values(name=_OBJECT_KEY, key_id=name, wrapped=wrapped))
        return key

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            # The statement's parameters could hold what must not be seen: only the kind of error is told.
            raise VaultError(f"the vault's database does not answer ({type(error).__name__})") from None

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        with self._write() as connection:
            yield connection


def _surface_ref(keys: ScopeKeys, item: Item) -> bytes:
    message = "\0".join(("surface", *item)).encode("utf-8", "surrogatepass")
    return hmac.digest(keys.token, message, sha256)[:16]


def _settings(connection: object, _: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    connection.isolation_level = None  # type: ignore[attr-defined]
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _migrate(connection: sa.Connection) -> None:
    """Bring the schema up to date; one query when it is (loading Alembic takes 0.2 s)."""
    if sa.inspect(connection).has_table("vault_version"):
        if connection.exec_driver_sql("SELECT version_num FROM vault_version").scalar() == HEAD:
            return
        raise VaultError("vault.db belongs to another version of dragoman", code="schema")
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "redaction.vault:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
