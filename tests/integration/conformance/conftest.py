"""One dragoman for all rows: both doors, and behind it a fake of every provider under its real name, by TLS."""

import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
import pytest_asyncio

from proxy.config import parse_origin
from proxy.fakes.behaviour import Play
from proxy.fakes.server import FakeProvider
from redaction.detect import Engine
from redaction.detectors import build_engine
from redaction.pool import DetectionResult
from redaction.settings import EngineSettings
from tests.integration.conftest import HOSTS, Stand, names_lead_to_this_machine, starting
from tests.ports import free_port

APIS = {"azure-openai": "openai", "groq": "openai", "together": "openai", "mistral": "openai", "vertex": "gemini"}
"""What a destination's fake speaks, where that is not its name."""


class Detection:
    """The pattern recognizers, or the whole detection where a test sets it; in this process."""

    def __init__(self, engine: Engine) -> None:
        self.patterns = self.engine = engine
        self.version = engine.version

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def detect(self, segments: Sequence[Any], *, deadline_s: float = 10.0, owner: bytes = b"") -> DetectionResult:
        return DetectionResult(tuple(self.engine.detect(segments)), self.version, 0, 0)


@dataclass
class Bench:
    """The dragoman of all rows. clients: by door, and `direct` for what an app would get without us."""

    stand: Stand
    detection: Detection
    ollama: FakeProvider
    clients: dict[str, httpx.AsyncClient] = field(default_factory=dict)

    def fake(self, destination: str) -> FakeProvider:
        """The provider behind a destination."""
        return self.ollama if destination == "ollama" else self.stand.fakes[destination]

    def url(self, door: str, destination: str) -> str:
        """Where an app behind that door sends to."""
        if door == "gateway":
            return f"{self.stand.gateway}/{destination}"
        if destination == "ollama":
            return self.ollama.url
        return f"https://{HOSTS[destination]}:{self.fake(destination).port}"

    def set(self, destination: str, *, api: str = "", chunk: int = 0, wire: int = 0) -> FakeProvider:
        """The provider, about to answer so and with nothing received yet."""
        fake = self.fake(destination)
        fake.api = api or APIS.get(destination, destination)
        fake.play = replace(Play(), chunk=chunk, scheme=fake.play.scheme)
        fake.wire, fake.hold = wire, None
        fake.received.clear()
        return fake


@pytest.fixture(scope="session")
def whole_engine() -> Engine:
    """Every detector with its models."""
    return build_engine(EngineSettings())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: Any, patterns_engine: Engine, throwaway_ca: Any) -> AsyncIterator[Bench]:
    detection = Detection(patterns_engine)
    start: Callable[..., Any] = starting(tmp_path_factory.mktemp("conformance"), patterns_engine, throwaway_ca)
    fakes: dict[str, Any] = {name: {"api": APIS.get(name, name)} for name in HOSTS}
    with names_lead_to_this_machine():
        async with AsyncExitStack() as stack:
            ollama = await stack.enter_async_context(FakeProvider("ollama"))
            # The gateway's way to the same fakes; for the network door their names are enough.
            ports: dict[str, int] = {}
            for name in HOSTS:
                fakes[name]["port"] = ports[name] = free_port()
            origins = {name: parse_origin(f"https://{HOSTS[name]}:{port}", what=name) for name, port in ports.items()}
            origins["ollama"] = parse_origin(ollama.url, what="ollama")
            it = await stack.enter_async_context(start(door="network", detection=detection, upstreams=origins, **fakes))
            made = Bench(it, detection, ollama)
            seen = ssl.create_default_context(cafile=it.ca)
            options: dict[str, Any] = {"trust_env": False, "timeout": 60}
            for name, more in {
                "gateway": {}, "network": {"proxy": it.proxy, "verify": seen}, "direct": {"verify": throwaway_ca.client()},
            }.items():  # fmt: skip
                made.clients[name] = await stack.enter_async_context(httpx.AsyncClient(**options, **more))
            yield made
