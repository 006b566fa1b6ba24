"""Files are read in processes of their own, started when the first file comes; one that takes too long is ended.

A few at a time, the others wait. What a process answers is checked like anything from outside.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

from proxy.documents.base import DocumentError, Opened
from proxy.documents.frames import MAX_FILE, MAX_HEAD, SIZES, from_json, packed, to_json, unpacked

LIMIT_S = 60.0  # for one file, with ten pictures of words in it
_STOP_S = 3.0


class DocumentPool:
    """Reads and rewrites files off the event loop. languages: ISO 639-1, for words in images. size: processes."""

    def __init__(self, languages: tuple[str, ...], *, size: int = 2, limit_s: float = LIMIT_S) -> None:
        self._languages = languages
        self._limit_s = limit_s
        self._idle: list[_Process] = []
        self._free = asyncio.Semaphore(size)
        self._closed = False

    async def read(self, raw: bytes, media_type: str, images: str) -> Opened:
        """What a file says. images: what the policy says of images in it. Raises DocumentError."""
        head = {"do": "read", "type": media_type, "images": images, "languages": self._languages}
        answer, _ = await self._ask(head, raw)
        try:
            return from_json(answer)
        except (KeyError, TypeError, ValueError):
            raise _nonsense() from None

    async def rewrite(self, raw: bytes, media_type: str, images: str, new: Mapping[int, str], before: Opened) -> bytes:
        """The file with new texts by their numbers, without what images tell of their taker. Raises DocumentError."""
        head = {"do": "rewrite", "type": media_type, "images": images, "languages": self._languages,
                "new": dict(new), "before": to_json(before)}  # fmt: skip
        _, written = await self._ask(head, raw)
        return written

    async def close(self) -> None:
        """End every process."""
        self._closed = True
        while self._idle:
            await self._idle.pop().stop()

    async def _ask(self, head: dict[str, Any], raw: bytes) -> tuple[dict[str, Any], bytes]:
        async with self._free:
            process = self._idle.pop() if self._idle else await _Process.started()
            try:
                async with asyncio.timeout(self._limit_s):
                    answer, written = await process.ask(packed(head, raw))
            except TimeoutError:
                await process.stop()
                raise DocumentError(
                    "document_too_large", f"a file takes longer than {self._limit_s:g} s to read"
                ) from None
            except BaseException:
                await process.stop()
                raise
            if self._closed:
                await process.stop()
            else:
                self._idle.append(process)
        if "error" in answer:
            raise DocumentError(str(answer["error"]), str(answer.get("message", "")))
        return answer, written


class _Process:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def started(cls) -> "_Process":
        kept = {name: os.environ[name] for name in ("PATH", "TESSDATA_PREFIX", "PYTHONPATH") if name in os.environ}
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                *("-X", "utf8", "-m", "proxy.documents.worker"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=kept,
                process_group=0,  # what it started ends with it
            )
        )

    async def ask(self, frame: bytes) -> tuple[dict[str, Any], bytes]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(frame)
            await stdin.drain()
            head_size, file_size = SIZES.unpack(await stdout.readexactly(SIZES.size))
            if head_size > MAX_HEAD or file_size > MAX_FILE:
                raise _nonsense()
            head = unpacked(await stdout.readexactly(head_size))
            return head, await stdout.readexactly(file_size)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise DocumentError("document_unreadable", "a file ended the process that read it") from None
        except ValueError:
            raise _nonsense() from None

    async def stop(self) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), _STOP_S)


def _nonsense() -> DocumentError:
    return DocumentError("document_unreadable", "the process that reads files answered nonsense")
