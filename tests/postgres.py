"""A real PostgreSQL for tests: one server per test process on a Unix socket, an empty database per test.

Use it from a conftest: `from tests.postgres import postgres_server, postgres_url` (and name both in `__all__`).
The server refuses to run as root, so under root it runs as `postgres` or `nobody`. Nothing listens on a network.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

_numbers = count()


@dataclass(frozen=True)
class PostgresServer:
    """A server on a socket in `folder`; `url(name)` is SQLAlchemy's for one of its databases."""

    folder: Path

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://tester@/{database}?host={self.folder}"

    def new(self) -> str:
        """The name of a new, empty database."""
        name = f"test_{next(_numbers)}"
        self.run(f"CREATE DATABASE {name}")
        return name

    def run(self, statement: str) -> None:
        """One statement outside of a transaction, as `CREATE DATABASE` needs it."""
        import psycopg

        with psycopg.connect(f"host={self.folder} user=tester dbname=postgres", autocommit=True) as connection:
            connection.execute(statement.encode())


def server_programs() -> Path:
    """The folder with initdb and pg_ctl; skips where there is none."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: float(path.parts[-3]))
    found = shutil.which("pg_ctl") or (str(debian[-1]) if debian else None)
    if found is None:
        pytest.skip("PostgreSQL is not installed; run: apt-get install postgresql")
    return Path(found).resolve().parent


def _owner() -> pwd.struct_passwd | None:
    """Whom the server runs as under root; None where we may run it ourselves."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    owner = names.get("postgres") or names.get("nobody")
    if owner is None:
        pytest.skip("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
    return owner


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A server that lives as long as the test process; its files are gone afterwards."""
    programs, owner = server_programs(), _owner()
    # Not under pytest's own folder: that is closed to other users, and a socket's path has 107 characters at most.
    folder = Path(tempfile.mkdtemp(prefix="dragoman-postgres-"))
    data = folder / "data"
    if owner is not None:
        os.chown(folder, owner.pw_uid, owner.pw_gid)

    def call(*command: str | Path) -> None:
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "HOME": str(folder)}
        # Output goes to a file: a pipe would be held open by the server that pg_ctl leaves behind.
        with (folder / "calls.log").open("a+b") as log:
            done = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
                user=owner.pw_uid if owner is not None else None,
                group=owner.pw_gid if owner is not None else None,
                extra_groups=[] if owner is not None else None,
            )
            if done.returncode:
                log.seek(0)
                pytest.fail(f"{Path(command[0]).name} failed:\n{log.read().decode(errors='replace')}")

    # No fsync: what a power cut does to PostgreSQL is not ours to test.
    options = f"-c listen_addresses= -c fsync=off -c shared_buffers=16MB -c max_connections=50 -k {folder}"
    try:
        call(programs / "initdb", "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-locale")
        call(programs / "pg_ctl", "-D", data, "-w", "-l", folder / "server.log", "-o", options, "start")
        try:
            yield PostgresServer(folder)
        finally:
            call(programs / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """SQLAlchemy's URL of a new, empty database, which is dropped when the test ends."""
    name = postgres_server.new()
    yield postgres_server.url(name)
    postgres_server.run(f"DROP DATABASE {name} WITH (FORCE)")
