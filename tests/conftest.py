"""Fixtures that tests of every package may ask for: fake providers, a throwaway certificate authority, the SDKs."""

import asyncio
import itertools
import json
import os
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import HealthCheck, settings

from proxy.fakes.pytest_plugin import assert_no_leak, fake_provider
from tests.migrated import migrated_once
from tests.running import pytest_collection_modifyitems, pytest_configure

# A busy machine draws slowly; that says nothing about the code. Deadlines would assert timing.
# The same examples in every run, so that a run that fails fails again; others where somebody looks for new ones.
RANDOM = "DRAGOMAN_FUZZ" in os.environ
settings.register_profile("shared", derandomize=not RANDOM, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")

__all__ = [
    "assert_no_leak",
    "fake_provider",
    "migrations",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "sdk",
    "throwaway_ca",
]

ROOT = Path(__file__).parents[1]
OUTSIDE = ROOT / ".venv-outside" / "bin" / "python"


class ThrowawayCA:
    """A certificate authority for one test run. path: its certificate in PEM, for clients to trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dragoman tests, trust nowhere")])
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        certificate = (
            self._builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.path = folder / "ca.pem"
        self.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, *names: str) -> tuple[Path, Path]:
        """A server certificate and its key as PEM files, for host names and IP addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = [
            x509.IPAddress(ip_address(name)) if name.replace(".", "").isdigit() else x509.DNSName(name)
            for name in names
        ]
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            self._builder(subject, key.public_key())
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False,
            )
            .add_extension(authority, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        cert_file, key_file = self._folder / f"{names[0]}.pem", self._folder / f"{names[0]}.key"
        cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return cert_file, key_file

    def server(self, *names: str) -> ssl.SSLContext:
        """A server's TLS context with a new certificate for these names."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*self.issue(*names))
        return context

    def client(self) -> ssl.SSLContext:
        """A client's TLS context that trusts this authority alone."""
        return ssl.create_default_context(cafile=str(self.path))

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )


@pytest.fixture(scope="session", autouse=True)
def migrations() -> Iterator[Callable[..., None]]:
    """New SQLite files are made quickly, see `tests.migrated`; gives Alembic's own `upgrade`."""
    with migrated_once() as upgrade:
        yield upgrade


@pytest.fixture(scope="session")
def throwaway_ca(tmp_path_factory: pytest.TempPathFactory) -> ThrowawayCA:
    """A certificate authority that lives as long as the test run: `.path`, `.server("localhost")`, `.client()`."""
    return ThrowawayCA(tmp_path_factory.mktemp("throwaway-ca"))


@dataclass
class SdkError:
    """The exception that an SDK raised. name: of its class; parents: of its base classes, its own first."""

    module: str
    name: str
    parents: list[str]
    status: int | None
    code: str | None
    body: Any
    headers: dict[str, str]
    message: str


class SdkCall:
    """One call that runs in the SDK process. chunks: those that arrived so far."""

    def __init__(self) -> None:
        self.chunks: list[Any] = []
        self._loop = asyncio.get_running_loop()
        self._lines: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._last: dict[str, Any] | None = None

    async def chunk(self) -> Any:
        """The next chunk, as soon as the SDK handed it to its app. Fails when the stream has ended."""
        line = await self._next()
        assert line["event"] == "chunk", f"the stream ended: {line}"
        return line["value"]

    async def end(self) -> Any:
        """Waits for the end: the result of a call, None for a stream (see `chunks`), or an `SdkError`."""
        while self._last is None:
            await self._next()
        if self._last["event"] == "failed":
            return SdkError(**{name: value for name, value in self._last.items() if name not in {"id", "event"}})
        return self._last["value"]

    def arrived(self, line: dict[str, Any]) -> None:
        """Called by the reading thread."""
        self._loop.call_soon_threadsafe(self._lines.put_nowait, line)

    async def _next(self) -> dict[str, Any]:
        line = await self._lines.get()
        if line["event"] == "chunk":
            self.chunks.append(line["value"])
        else:
            self._last = line
        return line


@dataclass
class Sdk:
    """The official SDKs in a process of their own (tests/outside/sdk_client.py)."""

    process: subprocess.Popen[str]
    calls: dict[int, SdkCall] = field(default_factory=dict)
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def start(
        self,
        sdk: str,
        call: str,
        *,
        base_url: str,
        mode: str = "sync",
        stream: bool = False,
        proxy: str | None = None,
        ca: Path | None = None,
        api_key: str = "sk-test-0000",
        headers: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> SdkCall:
        """Begin a call. sdk: as `sdk_client.py` names them. call: path of the method.

        mode: sync or async. stream: ask for a stream (some have methods of their own) and iterate over it.
        ca: PEM file to trust. kwargs: those of the method.
        """
        if stream and sdk not in {"google-genai", "vertex", "bedrock", "mistralai", "cohere"}:
            kwargs["stream"] = True
        number = next(self.numbers)
        running = self.calls[number] = SdkCall()
        request = {
            "id": number, "sdk": sdk, "call": call, "mode": mode, "stream": stream, "base_url": base_url,
            "proxy": proxy, "ca": str(ca) if ca else None, "api_key": api_key, "headers": headers or {},
            "kwargs": kwargs,
        }  # fmt: skip
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return running

    async def call(self, sdk: str, call: str, **options: Any) -> Any:
        """A call from begin to end: its result, the chunks of a stream, or an `SdkError`."""
        running = self.start(sdk, call, **options)
        result = await running.end()
        return running.chunks if options.get("stream") and not isinstance(result, SdkError) else result

    def read(self) -> None:
        """The reading thread: hands every line to its call."""
        assert self.process.stdout is not None
        for text in self.process.stdout:
            line = json.loads(text)
            self.calls[line["id"]].arrived(line)
            if line["event"] != "chunk":
                del self.calls[line["id"]]


@pytest.fixture(scope="session")
def sdk() -> Iterator[Sdk]:
    """The official SDKs as clients; tests that ask for them carry the marker `outside`."""
    if not OUTSIDE.exists():
        pytest.skip("the official SDKs are not installed; `make outside` does it")
    command = [str(OUTSIDE), "-u", str(ROOT / "tests" / "outside" / "sdk_client.py")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    client = Sdk(process)
    reading = threading.Thread(target=client.read, name="sdk-client", daemon=True)
    reading.start()
    yield client
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    process.terminate()
    process.wait(60)
    reading.join(60)
    process.stdout.close()
