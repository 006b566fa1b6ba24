"""A fake provider in a thread of its own, for tests that have no event loop of their own.

The loop lives and ends with the thread; only finished values (`received`, `url`) cross over.
"""

import asyncio
import threading
from types import TracebackType
from typing import Any, Self

from proxy.fakes.leaks import assert_no_leak
from proxy.fakes.server import FakeProvider
from proxy.fakes.traffic import Received


class RunningProvider:
    """A `FakeProvider` as a plain context manager; takes the same arguments (`hold` excepted: it needs your loop)."""

    def __init__(self, api: str = "openai", **options: Any) -> None:
        if "hold" in options:
            raise ValueError("a hold belongs to one event loop: use `async with FakeProvider(hold=…)`")
        self._fake = FakeProvider(api, **options)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake-provider", daemon=True)

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return self._fake.url

    @property
    def received(self) -> list[Received]:
        """What came so far."""
        return list(self._fake.received)

    def assert_no_leak(self, values: list[str]) -> None:
        """Raise AssertionError if something was received that holds one of the values, or if nothing was received."""
        assert self.received, "the fake provider received nothing, so this check would prove nothing"
        assert_no_leak(self.received, values)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._fake.__aenter__(), self._loop).result()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            asyncio.run_coroutine_threadsafe(self._fake.__aexit__(kind, error, trace), self._loop).result()
        finally:
            self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
