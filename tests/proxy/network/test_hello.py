"""The first bytes of a TLS client that hides where it goes (Encrypted ClientHello): its outer name is what counts."""

import asyncio

import pytest

from proxy.doors.network.routing import ENCRYPTED_CLIENT_HELLO
from tests.network_fakes import ALERT, WAIT_S, hello


def client_hello(name: str, *, hidden: bool) -> bytes:
    """A ClientHello for an outer name; with `hidden`, it has the extension in which another name is encrypted.

    One record with one message, whose last part are the extensions (RFC 8446 section 4.1.2).
    """
    body = hello(name)[9:]
    at = 34  # version and random
    at += 1 + body[at]  # session
    at += 2 + int.from_bytes(body[at : at + 2])  # cipher suites
    at += 1 + body[at]  # compression
    extensions = body[at + 2 :]
    if hidden:
        # Outer type, HKDF-SHA256 with AES-128-GCM, config 7, an encapsulated key and a payload that nobody here can read.
        sealed = b"\x00\x00\x01\x00\x01\x07\x00\x20" + bytes(32) + b"\x00\x40" + bytes(64)
        extensions += ENCRYPTED_CLIENT_HELLO.to_bytes(2) + len(sealed).to_bytes(2) + sealed
    body = body[:at] + len(extensions).to_bytes(2) + extensions
    message = b"\x01" + len(body).to_bytes(3) + body
    return b"\x16\x03\x01" + len(message).to_bytes(2) + message


async def first_answer(running, upstream, tunnel_to: str, data: bytes) -> bytes:
    reader, writer = await running.tunnel(tunnel_to, upstream.port)
    writer.write(data)
    got = await asyncio.wait_for(reader.read(7), WAIT_S)
    writer.transport.abort()
    return got


async def test_an_opened_host_ends_with_us_whatever_is_hidden(running, gate, upstream):
    """The server's answer is ours, so a client that insists on its hidden name gives up; nothing went anywhere."""
    got = await first_answer(running, upstream, "api.example", client_hello("api.example", hidden=True))
    assert got[:1] == b"\x16"
    assert upstream.connections == 0


@pytest.mark.parametrize("address", ["pass.example", "127.0.0.1"])
async def test_what_passes_unread_may_not_hide_where_it_goes(start_door, gate, upstream, address):
    gate.pass_hosts = {"pass.example", "127.0.0.1"}
    running = await start_door()
    got = await first_answer(running, upstream, address, client_hello("pass.example", hidden=True))
    assert got == ALERT
    assert upstream.connections == 0
    assert gate.refused[-1][1].code == "hidden_destination"


async def test_the_same_without_hiding_passes(running, gate, upstream):
    gate.pass_hosts = {"pass.example"}
    got = await first_answer(running, upstream, "pass.example", client_hello("pass.example", hidden=False))
    assert got[:1] == b"\x16"
    assert gate.passes == [("pass.example", upstream.port, "127.0.0.1", "")]
