"""A whole dragoman in the test's own event loop: real sockets, SQLite, keys; only the providers are fakes.

Detection runs in process and with the pattern recognizers, so that a stand is there in a moment; worker processes and
models have tests of their own. Through the network door the fakes speak TLS under the providers' real names, which
lead to this machine; nothing in dragoman's configuration says so.
"""

import functools
import socket
import sqlite3
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import orjson
import pytest

from audit.commands.reading import reading
from audit.verify import Verified, verify_store
from proxy.app import App
from proxy.config import Limits, Settings, parse_origin
from proxy.fakes.server import FakeProvider
from proxy.running.ca import CERTIFICATE_FILE
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

    async def detect(
        self, segments: Sequence[Segment], *, deadline_s: float = 10.0, owner: bytes = b""
    ) -> DetectionResult:
        self.seen.extend(segments)
        return DetectionResult(tuple(self._engine.detect(segments)), self.version, 0, 0)


HOSTS = {
    "openai": "api.openai.com",
    "gemini": "generativelanguage.googleapis.com",
    "anthropic": "api.anthropic.com",
    "llama": "api.llama.com",
    "bedrock": "bedrock-runtime.eu-central-1.amazonaws.com",
    "azure-openai": "firm.openai.azure.com",
    "groq": "api.groq.com",
    "together": "api.together.xyz",
    "mistral": "api.mistral.ai",
    "cohere": "api.cohere.com",
    "vertex": "aiplatform.googleapis.com",
}
"""The providers' names in the bundled register."""

DOORS = ("gateway", "network")


@dataclass(frozen=True, slots=True)
class Stand:
    """One running dragoman with fakes behind it. door: the way in that `client`, `base` and `route` take."""

    app: App
    fakes: dict[str, FakeProvider]
    gateway: str
    home: Path
    addresses: Any
    door: str = "gateway"

    def base(self, destination: str = "") -> str:
        """A destination's base URL, as an app behind this door has it."""
        if self.door == "gateway":
            return f"{self.gateway}/{destination}".rstrip("/")
        return f"https://{HOSTS[destination]}:{self.fakes[destination].port}"

    @property
    def proxy(self) -> str | None:
        """The HTTPS proxy of the app; None at the gateway, which needs none."""
        if self.door == "gateway":
            return None
        host, port = self.addresses.network[0]
        return f"http://{host}:{port}"

    @property
    def ca(self) -> Path | None:
        """The certificate that the app has to trust; None at the gateway."""
        return None if self.door == "gateway" else self.home / "ca" / CERTIFICATE_FILE

    def client(self, destination: str = "", **options: Any) -> httpx.AsyncClient:
        """A plain HTTP client with a destination's base URL."""
        if self.ca is not None:
            options = {"proxy": self.proxy, "verify": ssl.create_default_context(cafile=self.ca), **options}
        return httpx.AsyncClient(**{"base_url": self.base(destination), "trust_env": False, "timeout": 60, **options})

    def route(self, destination: str, path: str = "") -> dict[str, Any]:
        """How an SDK gets to a destination: arguments for `sdk.call`. path: of the API, such as `/v1`."""
        return {"base_url": self.base(destination) + path, "proxy": self.proxy, "ca": self.ca}

    def received(self, name: str = "openai") -> list[Any]:
        """What a fake got."""
        return self.fakes[name].received

    def records(self, kind: str = "") -> list[dict[str, Any]]:
        """The log's entries, read past the product; oldest first."""
        with sqlite3.connect(f"file:{self.home / 'audit.db'}?mode=ro", uri=True) as connection:
            rows = connection.execute("SELECT body FROM entry ORDER BY idx").fetchall()
        entries = [orjson.loads(body) for (body,) in rows]
        return [entry for entry in entries if not kind or entry["kind"] == kind]

    def verified(self) -> Verified:
        """The log, checked entry by entry against its signed root. Raises VerifyError."""
        with reading(self.home, None) as log:
            return verify_store(log.store, [log.vkey])

    async def settled(self) -> None:
        """Every outcome is written."""
        await self.app.ways_in.idle()


@pytest.fixture(scope="session", autouse=True)
def patient() -> Iterator[None]:
    """Whoever is asked on this machine may take its time; what is refused after a time has tests that set their own."""
    with pytest.MonkeyPatch.context() as patched:
        for module in ("flags", "flag_database", "token_keys"):
            patched.setattr(f"proxy.outbound.{module}.TIMEOUT_S", 60.0)
        patched.setattr("proxy.steps.closing.RECORD_S", 60.0)
        patched.setattr("proxy.running.adapters.STORE_S", 60.0)
        yield


@pytest.fixture(scope="session")
def patterns_engine() -> Engine:
    """The pattern recognizers alone."""
    return build_engine(EngineSettings(languages=("en", "de", "vi"), detectors=("patterns",)))


@contextmanager
def names_lead_to_this_machine() -> Iterator[None]:
    """The providers' names are this machine, and no other name is known; no test asks a name server."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name in HOSTS.values():
            return real("127.0.0.1", *args, **kwargs)
        if name in {None, "localhost", "127.0.0.1", "::1", "0.0.0.0"}:
            return real(host, *args, **kwargs)
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", getaddrinfo)
        yield


@pytest.fixture
def names_lead_here() -> Iterator[None]:
    """See `names_lead_to_this_machine`."""
    with names_lead_to_this_machine():
        yield


@pytest.fixture
def stand(tmp_path: Path, patterns_engine: Engine, throwaway_ca: Any, names_lead_here: None) -> Callable[..., Any]:
    """`async with stand(openai={"chunk": 3}, gemini={}, settings={...}) as it`: starts fakes, then dragoman.

    door: `gateway` or `network`; the network door is only started where it is asked for.
    """
    return starting(tmp_path, patterns_engine, throwaway_ca)


def starting(tmp_path: Path, patterns_engine: Engine, throwaway_ca: Any) -> Callable[..., Any]:
    """What starts a stand, see the fixture."""

    @asynccontextmanager
    async def start(
        *,
        door: str = "gateway",
        settings: dict[str, Any] | None = None,
        detection: Any = None,
        home: Path | None = None,
        upstreams: Mapping[str, Any] = MappingProxyType({}),
        **fakes: dict[str, Any],
    ) -> AsyncIterator[Stand]:
        network = door == "network"
        async with AsyncExitStack() as stack:
            running = {}
            for name, options in (fakes or {"openai": {}}).items():
                options = {"api": name, **({"tls": throwaway_ca.server(HOSTS[name])} if network else {}), **options}
                running[name] = await stack.enter_async_context(FakeProvider(**options))
            replaced = {} if network else {name: parse_origin(fake.url, what=name) for name, fake in running.items()}
            base = Settings(
                home=home or tmp_path / "home",
                listen="127.0.0.1:0",
                admin="127.0.0.1:0",
                modes=("regular@127.0.0.1:0",) if network else (),
                detectors=("patterns",),
                upstreams=MappingProxyType({**replaced, **upstreams}),
                upstream_ca=throwaway_ca.path if network else None,
                limits=Limits(drain_s=5),
            )
            app = App(replace(base, **(settings or {})), detection=detection or InProcessDetection(patterns_engine))
            addresses = await app.start()
            stack.push_async_callback(app.close)
            host, port = addresses.gateway
            yield Stand(app, running, f"http://{host}:{port}", base.home, addresses, door)

    return start


@pytest.fixture(params=DOORS)
def each_door(request: pytest.FixtureRequest, stand: Callable[..., Any]) -> Callable[..., Any]:
    """`stand` through one door after the other: a test that asks for it runs once for each."""
    return functools.partial(stand, door=request.param)


@pytest.fixture
async def own_model() -> AsyncIterator[FakeProvider]:
    """A model of the company's own on this machine, without TLS."""
    async with FakeProvider("openai") as fake:
        yield fake


@pytest.fixture
def beside_own_model(tmp_path: Path, each_door: Callable[..., Any]) -> Callable[..., Any]:
    """`stand` under a policy that names `own-llama`; `own` is the URL where that is."""
    path = tmp_path / "own.yaml"

    def start(own: str, policy: str, *, settings: dict[str, Any] | None = None, **fakes: Any) -> Any:
        path.write_text(policy)
        upstreams = {"own-llama": parse_origin(own, what="own-llama")}
        return each_door(
            settings={"policy": path, **(settings or {})}, upstreams=upstreams, **(fakes or {"openai": {}})
        )

    return start


def chat(text: str, **more: Any) -> dict[str, Any]:
    """A chat completion request with one user message."""
    return {"model": "fake-echo", "messages": [{"role": "user", "content": text}], **more}


@pytest.fixture(name="chat")
def chat_fixture() -> Callable[..., dict[str, Any]]:
    """Makes a chat completion request."""
    return chat
