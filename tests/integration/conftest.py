"""A whole dragoman in the test's own event loop: real sockets, SQLite, keys; only the providers are fakes.

Detection runs in process and with the pattern recognizers, so that a stand is there in a moment; worker processes and
models have tests of their own.
"""

import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import orjson
import pytest

from proxy.app import App
from proxy.config import Limits, Settings, parse_origin
from proxy.fakes.server import FakeProvider
from redaction.detect import Engine
from redaction.detectors import build_engine
from redaction.pool import DetectionResult
from redaction.segment import Segment
from redaction.settings import EngineSettings


class InProcessDetection:
    """The engine itself, without processes around it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.version = engine.version
        self.seen: list[Segment] = []

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def detect(self, segments: Sequence[Segment], *, deadline_s: float = 10.0) -> DetectionResult:
        self.seen.extend(segments)
        return DetectionResult(tuple(self._engine.detect(segments)), self.version, 0, 0)


@dataclass(frozen=True, slots=True)
class Stand:
    """One running dragoman with fakes behind it."""

    app: App
    fakes: dict[str, FakeProvider]
    gateway: str
    home: Path
    addresses: Any

    def client(self, destination: str = "", **options: Any) -> httpx.AsyncClient:
        """A plain HTTP client with a destination's base URL."""
        return httpx.AsyncClient(base_url=f"{self.gateway}/{destination}", trust_env=False, timeout=20, **options)

    def received(self, name: str = "openai") -> list[Any]:
        """What a fake got."""
        return self.fakes[name].received

    def records(self, kind: str = "") -> list[dict[str, Any]]:
        """The log's entries, read past the product; oldest first."""
        with sqlite3.connect(f"file:{self.home / 'audit.db'}?mode=ro", uri=True) as connection:
            rows = connection.execute("SELECT body FROM entry ORDER BY idx").fetchall()
        entries = [orjson.loads(body) for (body,) in rows]
        return [entry for entry in entries if not kind or entry["kind"] == kind]

    async def settled(self) -> None:
        """Every outcome is written."""
        assert self.app._gateway is not None
        await self.app._gateway.drain()


@pytest.fixture(scope="session")
def patterns_engine() -> Engine:
    """The pattern recognizers alone."""
    return build_engine(EngineSettings(languages=("en", "de", "vi"), detectors=("patterns",)))


@pytest.fixture
def stand(tmp_path: Path, patterns_engine: Engine) -> Callable[..., Any]:
    """`async with stand(openai={"chunk": 3}, gemini={}, settings={...}) as it`: starts fakes, then dragoman."""

    @asynccontextmanager
    async def start(
        *,
        settings: dict[str, Any] | None = None,
        detection: Any = None,
        home: Path | None = None,
        **fakes: dict[str, Any],
    ) -> AsyncIterator[Stand]:
        async with AsyncExitStack() as stack:
            running = {
                name: await stack.enter_async_context(FakeProvider(options.pop("api", name), **options))
                for name, options in (fakes or {"openai": {}}).items()
            }
            base = Settings(
                home=home or tmp_path / "home",
                listen="127.0.0.1:0",
                admin="127.0.0.1:0",
                modes=(),
                detectors=("patterns",),
                upstreams=MappingProxyType({name: parse_origin(fake.url, what=name) for name, fake in running.items()}),
                limits=Limits(drain_s=5),
            )
            app = App(replace(base, **(settings or {})), detection=detection or InProcessDetection(patterns_engine))
            addresses = await app.start()
            stack.push_async_callback(app.close)
            host, port = addresses.gateway
            yield Stand(app, running, f"http://{host}:{port}", base.home, addresses)

    return start


def chat(text: str, **more: Any) -> dict[str, Any]:
    """A chat completion request with one user message."""
    return {"model": "fake-echo", "messages": [{"role": "user", "content": text}], **more}


@pytest.fixture(name="chat")
def chat_fixture() -> Callable[..., dict[str, Any]]:
    """Makes a chat completion request."""
    return chat
