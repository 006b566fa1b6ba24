"""Vaults on both databases, with a clock that tests turn."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from redaction.vault import SqlVault
from redaction.vault.keys import StaticRing
from redaction.vault.seen import Seen
from tests.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

KEY = bytes(range(32))
TABLES = (
    *("vault_scope", "vault_mapping", "vault_binding", "vault_person", "vault_answer", "vault_secret"),
    "vault_version",
)
DAY_MS = 86_400_000


@dataclass
class Clock:
    """Milliseconds since 1970 for the database, seconds for what is trusted unseen."""

    now_ms: int = 1_790_000_000_000

    def ms(self) -> int:
        return self.now_ms

    def seconds(self) -> float:
        return self.now_ms / 1000


@dataclass
class Site:
    """One database that several vaults, as several processes would, share."""

    url: str
    clock: Clock = field(default_factory=Clock)
    opened: list[Any] = field(default_factory=list)

    def open(self, ring: Any = None) -> SqlVault:
        vault = SqlVault(self.url, ring or StaticRing(KEY), clock_ms=self.clock.ms, seen=Seen(clock=self.clock.seconds))
        self.opened.append(vault)
        return vault

    def run(self, statement: str, **values: Any) -> list[Any]:
        """SQL past the vault, as somebody with the database would."""
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            result = connection.execute(sa.text(statement), values)
            return list(result.all()) if result.returns_rows else []

    def close(self) -> None:
        while self.opened:
            self.opened.pop().close()


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """An empty database of each kind."""
    sqlite = request.param == "sqlite"
    made = Site(f"sqlite:///{tmp_path / 'vault.db'}" if sqlite else request.getfixturevalue("postgres_url"))
    yield made
    made.close()


@pytest.fixture
def dump(site: Site, tmp_path: Path) -> Callable[[], bytes]:
    """Everything that the database holds: SQLite's files byte for byte, PostgreSQL's rows with bytea as bytes."""

    def read() -> bytes:
        if site.url.startswith("sqlite"):
            return b"".join(path.read_bytes() for path in sorted(tmp_path.glob("vault.db*")))
        rows = []
        for table in TABLES:
            for row in site.run(f"SELECT * FROM {table}"):  # the closed list above
                rows += [bytes(cell) if isinstance(cell, bytes | memoryview) else str(cell).encode() for cell in row]
        return b"\n".join(rows)

    return read
