"""dragoman on a router or a pod made of network namespaces, with our nftables rules, and fake providers behind it.

Use it from a test module: `from tests.transparent import placed`, and a module fixture around it.
"""

import contextlib
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from proxy.fakes.server import FakeProvider
from proxy.running.ca import CERTIFICATE_FILE
from tests.namespaces import Inside, Machines, machines, within

MAIL, PHONE = "anna.schmidt@example.com", "+49 171 2345678"
TEXT = f"Grüße an {MAIL} 👋, {PHONE}"
USER = [{"role": "user", "content": TEXT}]
DRAGOMAN = (sys.executable, "-c", "from proxy.cli import main; main()")

PLACES = {
    "openai": ("api.openai.com", ["203.0.113.10"]),
    "gemini": ("generativelanguage.googleapis.com", ["2001:db8:f::11"]),
    "anthropic": ("api.anthropic.com", ["203.0.113.12", "2001:db8:f::12"]),
}
STRANGER = "203.0.113.20"
HOSTS = "".join(f"{address} {name}\n" for name, addresses in PLACES.values() for address in addresses)


@dataclass
class Place:
    """Everything that runs. fakes: by API, one per address."""

    net: Machines
    home: Path
    process: subprocess.Popen[str]
    fakes: dict[str, list[FakeProvider]]

    @property
    def ca(self) -> Path:
        return self.home / "ca" / CERTIFICATE_FILE

    def received(self, api: str) -> list[Any]:
        return [call for fake in self.fakes[api] for call in fake.received]

    def entries(self, kind: str) -> list[dict[str, Any]]:
        with sqlite3.connect(f"file:{self.home / 'audit.db'}?mode=ro", uri=True) as connection:
            rows = connection.execute("SELECT body FROM entry ORDER BY idx").fetchall()
        return [entry for (body,) in rows if (entry := orjson.loads(body))["kind"] == kind]

    def until(self, holds: Callable[[], bool]) -> None:
        """Waits for what another process writes."""
        end = time.monotonic() + 100
        while not holds():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0)

    def dragoman(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.net.run(self.net.router, *DRAGOMAN, *arguments)

    def ask(self, address: str, request: bytes, *, sni: str = "", port: int = 443) -> bytes:
        """What the app gets for raw bytes, over TLS where a name is given; b"" where it is closed without a word."""

        def work() -> bytes:
            with contextlib.ExitStack() as stack:
                connection = stack.enter_context(socket.create_connection((address, port), timeout=60))
                if sni:
                    context = ssl.create_default_context(cafile=self.ca)
                    connection = stack.enter_context(context.wrap_socket(connection, server_hostname=sni))
                connection.settimeout(60)
                connection.sendall(request)
                got = b""
                with contextlib.suppress(ConnectionError, ssl.SSLError):
                    while piece := connection.recv(65_536):
                        got += piece
                        if b"\r\n\r\n" in got:
                            break
                return got

        return within(self.net.app, work)


def post(host: str, *, body: bytes = b"") -> bytes:
    """A chat completion for whatever host."""
    body = body or orjson.dumps({"model": "fake-echo", "messages": USER})
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    return head.encode() + b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


@contextlib.contextmanager
def placed(home: Path, throwaway_ca: Any, *capture: str, prepare: str = "true", workers: int = 1) -> Iterator[Place]:
    """Everything, started. capture: options of `dragoman net apply`; prepare: commands of a shell before it."""
    addresses = [f"{item}/{64 if ':' in item else 24}" for _, some in PLACES.values() for item in some]
    with contextlib.ExitStack() as stack:
        net = stack.enter_context(machines([*addresses, f"{STRANGER}/24"], HOSTS))
        inside = Inside(net.provider)
        stack.callback(inside.close)
        fakes: dict[str, list[FakeProvider]] = {}
        for api, (name, some) in PLACES.items():
            tls = throwaway_ca.server(name)
            fakes[api] = [FakeProvider(api, host=address, port=443, tls=tls, chunk=3) for address in some]
        # The stranger has the certificate of a provider, and no name in the register.
        fakes["stranger"] = [FakeProvider("openai", host=STRANGER, port=443, tls=throwaway_ca.server("other.example"))]
        for fake in (fake for some_fakes in fakes.values() for fake in some_fakes):
            inside.call(fake.__aenter__())
            stack.callback(lambda fake=fake: inside.call(fake.__aexit__(None, None, None)))
        apply = (*DRAGOMAN, "net", "apply", *capture)
        applied = net.run(net.router, "sh", "-c", f'{prepare} && exec "$0" "$@"', *apply)
        assert applied.returncode == 0, applied.stderr
        process = stack.enter_context(_started(net, home, throwaway_ca.path, workers))
        yield Place(net, home, process, fakes)


@contextlib.contextmanager
def _started(net: Machines, home: Path, ca: Path, workers: int) -> Iterator[subprocess.Popen[str]]:
    options = (
        "--mode",
        "transparent@:9080",
        "--listen",
        "127.0.0.1:8788",
        "--admin",
        "127.0.0.1:0",
        "--console",
        "off",
    )
    command = (*DRAGOMAN, "run", "--home", str(home), *options, "--workers", str(workers))
    command = (*command, "--detectors", "patterns", "--upstream-ca", str(ca))
    with subprocess.Popen(
        ["ip", "netns", "exec", net.router, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        try:
            told = ""
            while "metrics" not in told:
                line = process.stdout.readline()
                assert line, f"dragoman did not start: {told}"
                told += line
            # It goes on writing; a full pipe would stop it.
            threading.Thread(target=process.stdout.read, daemon=True).start()
            yield process
        finally:
            process.terminate()
            process.wait(120)
