"""Headers of the PROXY protocol: what the specification allows is read whole, at any cut, and everything else is refused."""

import struct
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.doors.proxy_protocol import SIGNATURE, NamedPeers, Preface, read
from proxy.errors import ConfigError, FormatError

PORTS = st.integers(0, 65_535)
ADDRESSES = st.ip_addresses()


def version1(source: IPv4Address | IPv6Address, port: int) -> bytes:
    return f"PROXY TCP{source.version} {source} {type(source)(1)} {port} 443\r\n".encode()


def version2(source: IPv4Address | IPv6Address, port: int, more: bytes = b"", command: int = 0x21) -> bytes:
    body = source.packed + type(source)(1).packed + struct.pack("!HH", port, 443) + more
    return SIGNATURE + struct.pack("!BBH", command, 0x11 if source.version == 4 else 0x21, len(body)) + body


@given(ADDRESSES, PORTS, st.binary(max_size=200), st.binary(max_size=60), st.data())
def test_a_header_is_read_whole_and_nothing_behind_it(
    source: IPv4Address | IPv6Address, port: int, rest: bytes, more: bytes, data: st.DataObject
) -> None:
    header = data.draw(st.sampled_from([version1(source, port), version2(source, port, more)]))
    assert read(header + rest) == Preface(len(header), (str(source), port))
    assert read(header[: data.draw(st.integers(0, len(header) - 1))]) is None


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY UNKNOWN\r\n",
        b"PROXY UNKNOWN ffff:f...f:ffff 1.2.3.4 5 6\r\n",
        version2(IPv4Address("1.2.3.4"), 5, command=0x20),
        SIGNATURE + bytes([0x20, 0, 0, 0]),
        SIGNATURE + bytes([0x21, 0, 0, 3]) + b"abc",
    ],
)
def test_a_balancer_that_speaks_for_itself_names_nobody(header: bytes) -> None:
    assert read(header + b"GET") == Preface(len(header), None)


@given(st.binary(min_size=16, max_size=300))
@example(b"PROXY TCP4 1.2.3.4 1.2.3.4 70000 443\r\n")
@example(b"PROXY TCP4 fd00::1 fd00::2 1 2\r\n")
@example(b"PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n")
@example(b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n")
@example(b"PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n")
@example(b"PROXY TCP4 " + b"1" * 200)
@example(b"PROXY TCP4 1.2.3.4 1.2.3.4 \xd9\xa3 2\r\n")
@example(SIGNATURE + bytes([0x31, 0x11, 0, 12]) + bytes(12))
@example(SIGNATURE + bytes([0x21, 0x12, 0, 12]) + bytes(12))
@example(SIGNATURE + bytes([0x21, 0x11, 0, 8]) + bytes(8))
@example(SIGNATURE + bytes([0x21, 0x11, 255, 255]))
@example(b"GET / HTTP/1.1\r\n\r\n")
@example(b"\x16\x03\x01\x02\x00" + bytes(20))
def test_what_is_no_header_is_refused(data: bytes) -> None:
    try:
        found = read(data)
    except FormatError:
        return
    assert data.startswith((SIGNATURE, b"PROXY "))
    assert found is None or found.size <= len(data)


def test_only_named_peers_are_believed() -> None:
    peers = NamedPeers(("10.0.0.7", "fd00::/64"))
    assert [peers.believes(peer) for peer in ("10.0.0.7", "::ffff:10.0.0.7", "fd00::9", "10.0.0.8", "", "x")] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]
    assert not NamedPeers(())
    with pytest.raises(ConfigError, match="proxy_protocol"):
        NamedPeers(("the balancer",))
