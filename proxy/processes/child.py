"""One child of the supervisor: started with what it has to know, listened to, told to end, ended."""

import asyncio
import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from proxy.errors import ConfigError
from proxy.processes.telling import HEARING

log = logging.getLogger("dragoman")

START_S = 240.0
"""Models are loaded meanwhile, on a machine that may be busy."""
ASK_S = 5.0
SILENT = 6
"""Questions without an answer after which a child counts as hanging. Questions and not seconds: a machine that was
suspended has lost time for both of them."""


class Child:
    """role: `ledger`, `detection` or `door`. said: called with everything that it says."""

    def __init__(self, role: str, said: Callable[[dict[str, Any]], None] = lambda _: None) -> None:
        self.role = role
        self._said = said
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[None] | None = None
        self._unanswered = 0
        self._ready: asyncio.Future[dict[str, Any]] | None = None
        self.drained = asyncio.Event()

    @property
    def pid(self) -> int:
        """Of the process; 0 before it was started."""
        return self._process.pid if self._process is not None else 0

    async def start(self, line: Mapping[str, Any], descriptors: Sequence[int], metrics: Path) -> dict[str, Any]:
        """Returns what it says when it is ready. Raises ConfigError with its own words where it cannot be."""
        self._ready = asyncio.get_running_loop().create_future()
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "proxy.processes", self.role),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=descriptors,
            env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(metrics)},
            # A session of its own: Ctrl-C is for the supervisor, which ends its children in order.
            start_new_session=True,
        )
        self._reading = asyncio.create_task(self._read())
        self.tell(json.dumps(line))
        try:
            async with asyncio.timeout(START_S):
                ready = await self._ready
            self._asking = asyncio.create_task(self._ask())
            return ready
        except TimeoutError:
            await self.end()
            raise ConfigError(f"the {self.role} process was not ready after {START_S:g} s") from None
        except BaseException:
            await self.end()
            raise

    def tell(self, word: str) -> None:
        """One line to the child; nothing where it is gone."""
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(word.encode() + b"\n")

    async def wait(self) -> int:
        """Its exit code, when it has ended and everything that it said was heard."""
        assert self._process is not None, "wait() before start()"
        code = await self._process.wait()
        if self._asking is not None:
            self._asking.cancel()
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)
        return code

    async def end(self, limit_s: float = 5.0) -> None:
        """Close its input, which it takes as the sign to end; kill it where it does not. May be called twice."""
        if self._process is None:
            return
        if self._asking is not None:
            self._asking.cancel()
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(limit_s):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _ask(self) -> None:
        """Whether it hears, again and again; one that does not is killed, and replaced like any other that ended."""
        assert self._process is not None
        while self._unanswered < SILENT:
            self._unanswered += 1
            self.tell(HEARING)
            await asyncio.sleep(ASK_S)
        log.warning("a %s process has not answered for %g s and is killed", self.role, SILENT * ASK_S)
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        assert self._ready is not None
        while line := await self._process.stdout.readline():
            message = json.loads(line)
            if HEARING in message:
                self._unanswered = 0
            if not self._ready.done():
                if "error" in message:
                    self._ready.set_exception(ConfigError(message["error"]))
                elif "ready" in message:
                    self._ready.set_result(message)
            self._said(message)
        self.drained.set()  # whoever is gone has nothing open
        if not self._ready.done():
            self._ready.set_exception(ConfigError(f"the {self.role} process ended before it was ready"))
