"""A process of our own beside the doors: started with one line, started again when it ends, never in their way.

It reads its settings from the first line of standard input, answers with one line of JSON, and takes the end of
standard input as the sign to end, so that it never outlives its parent.
"""

import asyncio
import json
import logging
import sys
from collections.abc import Mapping
from typing import Any

log = logging.getLogger("dragoman")

START_S = 120.0
"""Only a guard: on a machine that is busy, a start takes many times as long."""
END_S = 5.0
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0


class ChildProcess:
    """`start` returns what it answers, or why it does not run; `stop` ends it. What happens to it raises nothing.

    module: run with `python -m`. name: for people, as in `the console`.
    """

    def __init__(self, module: str, line: bytes, name: str, *, first_wait_s: float = FIRST_WAIT_S) -> None:
        self._module, self._line, self._name, self._first_wait_s = module, line, name, first_wait_s
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self.starts = 0
        self.again = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> Mapping[str, Any] | str:
        """Starts it and watches over it. Returns its answer, or one line that says why it does not run."""
        found = await self._start()
        if not isinstance(found, str):
            self._watching = asyncio.create_task(self._watch())
        return found

    async def stop(self) -> None:
        """Ends it; safe to call twice."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
            self._watching = None
        if self._process is not None:
            await _end(self._process)
            self._process = None

    async def _start(self) -> Mapping[str, Any] | str:
        self.starts += 1
        try:
            # A session of its own: Ctrl-C is for the parent, which then ends this one in order.
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", self._module),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
            async with asyncio.timeout(START_S):
                answer = json.loads(await _told(self._process, self._line))
        except (OSError, TimeoutError, ValueError):
            answer = {"error": f"{self._name} did not start"}
        if "error" in answer:
            if self._process is not None:
                await _end(self._process)
                self._process = None
            return str(answer["error"])
        return dict(answer)

    async def _watch(self) -> None:
        wait_s = self._first_wait_s
        while True:
            if self._process is not None:
                code = await self._process.wait()
                log.warning("%s ended (exit code %s) and starts again; traffic goes on", self._name, code)
            await asyncio.sleep(wait_s)
            # One that ends again and again is started ever more slowly.
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)
            found = await self._start()
            if isinstance(found, str):
                log.warning("%s", found)
            else:
                self.again.set()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Closes its input, which it takes as the sign to end; kills it where it does not."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(END_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _told(process: asyncio.subprocess.Process, line: bytes) -> bytes:
    """Tells it its settings and returns the line that it answers."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line)
    await process.stdin.drain()
    return await process.stdout.readline()
