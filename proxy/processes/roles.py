"""What each child of the supervisor does: the composition of the ledger writer, of detection and of a door worker."""

import asyncio
import contextlib
import gc
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.errors import LedgerError
from proxy.config import Settings
from proxy.processes.channel import Folder, listen
from proxy.processes.telling import Told, say, settings_from_json

if TYPE_CHECKING:
    from audit.log import Ledger
    from proxy.app import App

FAILED = 4
"""Exit code of a ledger writer whose log has to be recovered by another start."""
LOOK_S = 0.2
GOODBYE_S = 10.0
"""How long the writer waits for its workers to end when it is told to end itself."""
LOCK_S = 5.0


@dataclass(frozen=True, slots=True)
class Line:
    """What a child was told at first, and what it is told from then on."""

    data: Mapping[str, Any]
    words: Told

    @property
    def settings(self) -> Settings:
        return settings_from_json(self.data["settings"])


async def detection(line: Line) -> int:
    """Serves detection until it is told to end."""
    from proxy.processes.detection import SOCKET, Switchboard

    settings = line.settings
    folder = Folder(settings.home)
    board = Switchboard(settings.worker_count)
    server = await listen(folder, SOCKET, board.serve)
    line.words.ready()
    async for _ in line.words:
        pass
    server.close()
    await board.close()
    return 0


async def ledger(line: Line) -> int:
    """Serves the log until it is told to end, or until the log fails."""
    from proxy.erasure.upkeep import keep_up
    from proxy.outbound.witnesses import asked
    from proxy.processes.ledger import Writer
    from proxy.processes.ledger_words import SOCKET
    from proxy.running.databases import vault_of
    from proxy.running.metrics import Metrics

    settings = line.settings
    expected: list[int] | None = line.data["expected"]
    async with AsyncExitStack() as stack:
        threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="dragoman")
        stack.callback(threads.shutdown, wait=True, cancel_futures=True)
        folder = Folder(settings.home)
        opened = await _open_log(settings, resume=expected is not None)
        stack.callback(opened.close)
        await asyncio.to_thread(prepare, settings)
        vault = await asyncio.to_thread(vault_of, settings)
        stack.callback(vault.close)
        metrics = Metrics()
        metrics.takes.set(1)
        observe = metrics.observe
        upkeep = await keep_up(opened, vault, threads, observe)
        stack.callback(upkeep.cancel)
        await stack.enter_async_context(asked(opened, threads, observe, settings))
        writer = Writer(opened)
        server = await listen(folder, SOCKET, writer.serve)
        stack.callback(server.close)
        if expected is not None:
            await writer.recover(expected)
        line.words.ready()
        ending = asyncio.create_task(_heard_out(line.words))
        failing = asyncio.create_task(writer.failed.wait())
        await asyncio.wait({ending, failing}, return_when=asyncio.FIRST_COMPLETED)
        for task in (ending, failing):
            task.cancel()
        if writer.failed.is_set():
            return FAILED
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                while writer.peers:  # noqa: ASYNC110 (a connection that ends tells nobody but its own task)
                    await asyncio.sleep(0.02)
    return 0


async def _open_log(settings: Settings, *, resume: bool) -> "Ledger":
    """The process before this one may still be ending."""
    from proxy.running.databases import serve_log

    loop = asyncio.get_running_loop()
    until = loop.time() + LOCK_S
    while True:
        try:
            return await asyncio.to_thread(serve_log, settings, resume=resume)
        except LedgerError as error:
            if error.code != "ledger_in_use" or loop.time() > until:
                raise
        await asyncio.sleep(0.1)


async def _heard_out(words: Told) -> None:
    async for _ in words:
        pass


def prepare(settings: Settings) -> None:
    """Makes what every worker relies on, once and before there are several: keys, authority, control database."""
    from proxy.running.databases import control_of
    from proxy.running.keys import ensure_key, private_dir

    home = private_dir(settings.home)
    control_of(settings).close()
    for name in ("scope.key", "values.key"):
        ensure_key(home / "keys" / name)
    if settings.modes:
        from proxy.running.ca import ensure_ca

        ensure_ca(home / "ca")


async def door(line: Line) -> int:
    """Serves both doors until it is told to retire, to drain or to end."""
    from proxy.app import App, Parts
    from proxy.processes.detection_client import remote
    from proxy.processes.ledger_client import RemoteLedger
    from proxy.processes.sockets import given

    settings = line.settings
    folder = Folder(settings.home)
    log = await asyncio.to_thread(RemoteLedger, settings, folder)
    await log.start()
    key = bytes.fromhex(line.data["pieces"])
    parts = Parts(log, remote(folder), given(line.data["sockets"]), key, leads=bool(line.data["leads"]))
    app = App(settings, parts=parts)
    await app.start()
    # What was made until here lives as long as the process: the collector need not walk over it again and again.
    gc.collect()
    gc.freeze()
    line.words.ready()
    reporting = asyncio.create_task(_report(app))
    ending: asyncio.Task[None] | None = None
    async for word in line.words:
        if ending is None and word in {"retire", "drain"}:
            ending = asyncio.create_task(_ended(app, word))
    if ending is not None:
        ending.cancel()
    reporting.cancel()
    await app.close()
    return 0


async def _ended(app: "App", word: str) -> None:
    await (app.retire() if word == "retire" else app.drain())
    say({"drained": True})


async def _report(app: "App") -> None:
    """Whether it takes transfers, when that changes; and the gauges, which nobody asks this process for."""
    before = None
    while True:
        takes = app.takes_transfers()
        app.metrics.open.set(app.gate.open_transfers)
        app.metrics.takes.set(takes)
        if takes != before:
            say({"takes": takes})
            before = takes
        await asyncio.sleep(LOOK_S)


def metrics_folder(folder: Path) -> Path:
    """Where the processes of one machine keep their counters; empty at each start of the supervisor."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for one in folder.glob("*.db"):
        one.unlink()
    return folder
