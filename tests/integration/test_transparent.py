"""Services that are not changed at all, behind a router with our nftables rules: official SDKs, real TLS, IPv4 and IPv6.

The app knows no proxy; it trusts our CA and sends to the providers' names and addresses.
"""

import contextlib
import re
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
import pytest

from proxy.ca import CERTIFICATE_FILE
from proxy.fakes.leaks import assert_no_leak
from proxy.fakes.server import FakeProvider
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
        end = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0)

    def dragoman(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.net.run(self.net.router, *DRAGOMAN, *arguments)

    def ask(self, address: str, request: bytes, *, sni: str = "", port: int = 443) -> bytes:
        """What the app gets for raw bytes, over TLS where a name is given; b"" where it is closed without a word."""

        def work() -> bytes:
            with contextlib.ExitStack() as stack:
                connection = stack.enter_context(socket.create_connection((address, port), timeout=20))
                if sni:
                    context = ssl.create_default_context(cafile=self.ca)
                    connection = stack.enter_context(context.wrap_socket(connection, server_hostname=sni))
                connection.settimeout(20)
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


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, throwaway_ca: Any) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("transparent") / "home"
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
        applied = net.run(net.router, *DRAGOMAN, "net", "apply", "--interface", "lan0")
        assert applied.returncode == 0, applied.stderr
        process = stack.enter_context(_started(net, home, throwaway_ca.path))
        yield Place(net, home, process, fakes)


@contextlib.contextmanager
def _started(net: Machines, home: Path, ca: Path) -> Iterator[subprocess.Popen[str]]:
    options = ("--mode", "transparent@:9080", "--listen", "127.0.0.1:8788", "--admin", "127.0.0.1:0", "--workers", "1")
    command = (*DRAGOMAN, "run", "--home", str(home), *options, "--detectors", "patterns", "--upstream-ca", str(ca))
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
            process.wait(60)


@pytest.fixture(scope="module")
def app_sdk(place: Place) -> Iterator[Any]:
    """The official SDKs on the app's machine."""
    from tests.conftest import OUTSIDE, ROOT, Sdk

    if not OUTSIDE.exists():
        pytest.skip("the official SDKs are not installed; `make outside` does it")
    client = str(ROOT / "tests" / "outside" / "sdk_client.py")
    command = ["ip", "netns", "exec", place.net.app, str(OUTSIDE), "-u", client]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        sdk = Sdk(process)
        reading = threading.Thread(target=sdk.read, daemon=True)
        reading.start()
        yield sdk
        assert process.stdin is not None
        process.stdin.close()
        process.terminate()
        reading.join(10)


@pytest.mark.outside
@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_unchanged_openai_over_ipv4(place: Place, app_sdk: Any, mode: str, stream: bool) -> None:
    call = {"model": "fake-echo", "messages": USER}
    route = {"base_url": "https://api.openai.com/v1", "ca": place.ca, "mode": mode, "stream": stream}
    value = await app_sdk.call("openai", "chat.completions.create", **route, **call)
    if stream:
        assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in value) == TEXT
    else:
        assert value["choices"][0]["message"]["content"] == TEXT
    assert_no_leak(place.received("openai"), [MAIL, PHONE])
    newest = place.entries("transfer")[-1]
    assert newest["destination"]["name"] == "openai"


@pytest.mark.outside
@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_unchanged_gemini_over_ipv6(place: Place, app_sdk: Any, mode: str) -> None:
    route = {"base_url": "https://generativelanguage.googleapis.com", "ca": place.ca, "mode": mode}
    value = await app_sdk.call("google-genai", "models.generate_content", **route, model="fake-echo", contents=TEXT)
    assert value["candidates"][0]["content"]["parts"][0]["text"] == TEXT
    assert_no_leak(place.received("gemini"), [MAIL, PHONE])


@pytest.mark.outside
async def test_unchanged_anthropic_over_whatever_it_takes(place: Place, app_sdk: Any) -> None:
    route = {"base_url": "https://api.anthropic.com", "ca": place.ca, "stream": True}
    call = {"model": "fake-echo", "max_tokens": 99, "messages": USER}
    chunks = await app_sdk.call("anthropic", "messages.create", **route, **call)
    assert "".join((chunk.get("delta") or {}).get("text") or "" for chunk in chunks) == TEXT
    assert_no_leak(place.received("anthropic"), [MAIL, PHONE])


@pytest.mark.outside
async def test_an_app_that_does_not_trust_us_sends_nothing(place: Place, app_sdk: Any) -> None:
    before = len(place.received("openai"))
    call = {"model": "fake-echo", "messages": USER}
    error = await app_sdk.call("openai", "chat.completions.create", base_url="https://api.openai.com/v1", **call)
    assert error.name == "APIConnectionError"
    assert len(place.received("openai")) == before
    place.until(lambda: "client_distrusts_ca" in {entry["reason"] for entry in place.entries("blocked")})


@pytest.mark.parametrize("address", ["203.0.113.10", "2001:db8:f::12"])
def test_the_record_is_there_and_names_who_was_asked(place: Place, address: str) -> None:
    name = "api.openai.com" if "." in address else "api.anthropic.com"
    before = len(place.entries("transfer"))
    assert place.ask(address, post(name), sni=name).startswith(b"HTTP/1.1 ")
    (entry,) = place.entries("transfer")[before:]
    assert (entry["host"], entry["mode"]) == (name, "transparent")


@pytest.mark.parametrize(
    ("address", "sni", "host", "reason"),
    [
        ("203.0.113.10", "stranger.example", "stranger.example", "unregistered_host"),
        ("203.0.113.10", "api.openai.com", "stranger.example", "destination_mismatch"),
        ("203.0.113.10", "api.openai.com", "api.anthropic.com", "destination_mismatch"),
        ("2001:db8:f::11", "generativelanguage.googleapis.com", "api.openai.com", "destination_mismatch"),
    ],
)
def test_names_that_disagree_or_are_unknown_get_nowhere(
    place: Place, address: str, sni: str, host: str, reason: str
) -> None:
    before = sum(len(place.received(api)) for api in place.fakes)
    try:
        answer = place.ask(address, post(host), sni=sni)
    except (ssl.SSLError, ConnectionError):
        answer = b""
    assert not answer or answer.startswith((b"HTTP/1.1 421 ", b"HTTP/1.1 403 "))
    assert place.entries("blocked")[-1]["reason"] == reason
    assert sum(len(place.received(api)) for api in place.fakes) == before


def test_an_address_that_cannot_prove_the_name_gets_nothing(place: Place) -> None:
    answer = place.ask(STRANGER, post("api.openai.com"), sni="api.openai.com")
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert re.search(rb"dragoman-reason: *upstream_untrusted", answer, re.IGNORECASE)
    assert place.received("stranger") == []


@pytest.mark.parametrize(("address", "port"), [("203.0.113.10", 443), ("2001:db8:f::11", 443), ("203.0.113.10", 5432)])
def test_raw_tcp_is_closed_whatever_its_port(place: Place, address: str, port: int) -> None:
    before = len(place.entries("blocked"))
    with contextlib.suppress(ConnectionError):
        assert place.ask(address, b"\x00\x00\x00\x08\x04\xd2\x16\x2f" + MAIL.encode(), port=port) == b""
    assert [entry["reason"] for entry in place.entries("blocked")[before:]] == ["not_http"]


@pytest.mark.parametrize(("address", "family"), [("203.0.113.10", socket.AF_INET), ("2001:db8:f::11", socket.AF_INET6)])
def test_quic_is_rejected_so_that_clients_fall_back(place: Place, address: str, family: int) -> None:
    def work() -> None:
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.settimeout(20)
            sender.connect((address, 443))
            sender.send(b"\xc3\x00\x00\x00\x01" + b"\x00" * 1195)
            sender.recv(1)

    with pytest.raises(ConnectionRefusedError):
        within(place.net.app, work)


@pytest.mark.parametrize(("address", "family"), [("203.0.113.10", socket.AF_INET), ("2001:db8:f::11", socket.AF_INET6)])
def test_other_datagrams_do_not_pass_the_router(place: Place, address: str, family: int) -> None:
    with contextlib.ExitStack() as stack:
        receiver = within(place.net.provider, lambda: socket.socket(family, socket.SOCK_DGRAM))
        stack.enter_context(receiver)
        receiver.bind((address, 5000))
        sender = stack.enter_context(within(place.net.app, lambda: socket.socket(family, socket.SOCK_DGRAM)))
        from_router = stack.enter_context(within(place.net.router, lambda: socket.socket(family, socket.SOCK_DGRAM)))
        sender.sendto(b"from the app", (address, 5000))
        from_router.sendto(b"from the router", (address, 5000))
        receiver.settimeout(20)
        assert receiver.recv(100) == b"from the router"  # sent later, and the only one that arrives


def test_the_door_cannot_be_asked_directly(place: Place) -> None:
    def work() -> None:
        with socket.create_connection(("10.77.0.1", 9080), timeout=1):
            pass

    with pytest.raises(TimeoutError):
        within(place.net.app, work)


def test_the_rules_are_seen_and_a_change_of_them_as_well(place: Place) -> None:
    good = place.dragoman("net", "check", "--interface", "lan0", "--json")
    assert (good.returncode, [item["ok"] for item in orjson.loads(good.stdout)]) == (0, [True, True, True])
    assert place.dragoman("net", "check", "--interface", "lan9").returncode == 1
    place.net.run(place.net.router, "nft", "insert", "rule", "inet", "dragoman", "past", "accept")
    assert place.dragoman("net", "check").returncode == 1
    assert place.dragoman("net", "apply", "--interface", "lan0").returncode == 0
    assert place.dragoman("net", "check").returncode == 0


def test_without_a_door_apps_reach_nobody(place: Place) -> None:
    """The rules stay when dragoman ends: that is what makes them fail closed."""
    before = sum(len(place.received(api)) for api in place.fakes)
    place.process.terminate()
    place.process.wait(60)
    with pytest.raises(ConnectionRefusedError):
        place.ask("203.0.113.10", post("api.openai.com"))
    checked = place.dragoman("net", "check")
    assert (checked.returncode, "nothing listens" in checked.stdout) == (1, True)
    assert sum(len(place.received(api)) for api in place.fakes) == before
    assert place.dragoman("net", "remove").returncode == 0
    assert place.dragoman("net", "check").returncode == 1
