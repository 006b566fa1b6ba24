"""Services that are not changed at all, behind a router with our nftables rules: official SDKs, real TLS, IPv4 and IPv6.

The app knows no proxy; it trusts our CA and sends to the providers' names and addresses.
"""

import contextlib
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from proxy.fakes.leaks import assert_no_leak
from tests.namespaces import within
from tests.transparent import MAIL, PHONE, STRANGER, TEXT, USER, Place, placed, post


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, throwaway_ca: Any) -> Iterator[Place]:
    with placed(tmp_path_factory.mktemp("transparent") / "home", throwaway_ca, "--interface", "lan0") as made:
        yield made


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
        reading.join(60)


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
            sender.settimeout(60)
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
        receiver.settimeout(60)
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
    place.process.wait(120)
    with pytest.raises(ConnectionRefusedError):
        place.ask("203.0.113.10", post("api.openai.com"))
    checked = place.dragoman("net", "check")
    assert (checked.returncode, "nothing listens" in checked.stdout) == (1, True)
    assert sum(len(place.received(api)) for api in place.fakes) == before
    assert place.dragoman("net", "remove").returncode == 0
    assert place.dragoman("net", "check").returncode == 1
