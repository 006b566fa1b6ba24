"""The least that a request costs with a durable record before its first byte: the bare gateway and one commit.

Run as `python -m proxy.bench.floor PORT UPSTREAM FOLDER`; prints `ready` and serves until it is ended. What is recorded
is a row of fixed bytes, in a thread that commits all that waits at once: no gate, no tree, no signature, no index.
"""

import asyncio
import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

from aiohttp import web

from audit.engines import PRAGMAS, use_wal
from proxy.bench.bare import BareGateway, listen
from proxy.messages import Origin

ROW = b"x" * 1600
"""As long as an entry of the log is on average."""


class Rows:
    """Rows in an SQLite file of this folder, written as the audit log is: WAL, one commit for all that wait."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "floor.db"
        self._waiting: SimpleQueue[Callable[[], object]] = SimpleQueue()
        threading.Thread(target=self._write, name="floor-writer", daemon=True).start()

    async def append(self) -> None:
        """Returns when a row is durable."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.put(lambda: loop.call_soon_threadsafe(done.set_result, None))
        await done

    def _write(self) -> None:
        connection = sqlite3.connect(self._file, isolation_level=None)
        use_wal(connection)
        for pragma in PRAGMAS:
            connection.execute(pragma)
        connection.execute("CREATE TABLE entry (idx INTEGER PRIMARY KEY, body BLOB NOT NULL)")
        while True:
            told = [self._waiting.get()]
            told += [self._waiting.get_nowait() for _ in range(self._waiting.qsize())]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO entry (body) VALUES (?)", [(ROW,)] * len(told))
            connection.execute("COMMIT")
            for tell in told:
                tell()


class RecordingGateway(BareGateway):
    """The bare one, which sends nothing before a row is durable."""

    def __init__(self, origin: Origin, rows: Rows) -> None:
        super().__init__(origin)
        self._rows = rows

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request through."""
        await self._rows.append()
        return await super().handle(request)


async def serve(port: int, upstream: str, folder: Path) -> None:
    """Serve until the process is ended."""
    host, _, upstream_port = upstream.rpartition(":")
    gateway = RecordingGateway(Origin("http", host, int(upstream_port)), Rows(folder))
    await listen(gateway.handle, port)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
