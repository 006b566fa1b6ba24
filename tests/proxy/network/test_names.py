"""Who says where a request goes, and whether they all say the same."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.doors.network.names import Claims, agreed_origin, host_name, is_address, peer_address, split_authority
from proxy.messages import Origin

labels = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8).map(lambda text: "h" + text)
hosts = st.lists(labels, min_size=1, max_size=3).map(".".join)
ports = st.integers(1, 65535)


def spelled(name: str, upper: bool, dot: bool) -> str:
    return (name.upper() if upper else name) + ("." if dot else "")


@given(hosts, ports, st.booleans(), st.booleans(), st.booleans())
def test_any_spelling_of_one_name_agrees(name, port, upper, dot, with_port):
    authority = spelled(name, upper, dot) + (f":{port}" if with_port else "")
    claims = Claims("https", port, name, spelled(name, dot, upper), (authority,))
    assert agreed_origin(claims) == Origin("https", name, port)


@given(hosts, hosts, ports, st.sampled_from(["route", "sni", "authority"]))
def test_one_that_differs_is_enough_to_disagree(name, other, port, where):
    said = dict.fromkeys(["route", "sni", "authority"], name) | {where: other}
    origin = agreed_origin(Claims("https", port, said["route"], said["sni"], (said["authority"],)))
    assert (origin is None) == (name != other)


@given(hosts, ports, ports)
def test_a_host_field_with_another_port_disagrees(name, port, other):
    origin = agreed_origin(Claims("https", port, name, name, (f"{name}:{other}",)))
    assert (origin is None) == (port != other)


@pytest.mark.parametrize(
    ("claims", "host"),
    [
        # transparent: the packet has an address, the handshake a name, which the certificate will have to prove
        (Claims("https", 443, "192.0.2.1", "api.example", ("api.example",)), "api.example"),
        (Claims("https", 443, "192.0.2.1", "api.example", ("other.example",)), None),
        # no name in the handshake: the address is all that a certificate could prove
        (Claims("https", 443, "192.0.2.1", None, ("192.0.2.1",)), "192.0.2.1"),
        (Claims("https", 443, "192.0.2.1", None, ("api.example",)), None),
        (Claims("https", 443, "2001:db8::1", None, ("[2001:DB8:0::1]",)), "2001:db8::1"),
        # clear text: the field names it, and it is that name which gets resolved
        (Claims("http", 80, "192.0.2.1", None, ("api.example",)), "api.example"),
        (Claims("http", 80, "192.0.2.1", None, ()), "192.0.2.1"),
        (Claims("http", 80, "api.example", None, ()), "api.example"),
        (Claims("http", 80, "api.example", None, ("api.example", "other.example")), None),
        (Claims("https", 443, "", None, ()), None),
    ],
)
def test_what_names_the_destination_in_each_mode(claims, host):
    origin = agreed_origin(claims)
    assert (origin.host if origin else None) == host


@pytest.mark.parametrize(
    "authority",
    [
        "",
        " ",
        "a b",
        "user@host",
        "host:port",
        "host:",
        "host:99999",
        "a,b",
        "a/b",
        "[::1",
        "::1",
        "[x]:1",
        "h:1:2",
        "?",
    ],
)
def test_what_is_no_authority_is_none(authority):
    split = split_authority(authority)
    assert split is None or authority == "host:"


@given(st.text(max_size=40))
def test_any_text_is_an_authority_or_none_and_never_an_error(text):
    split = split_authority(text)
    assert split is None or split[0]


@given(st.ip_addresses())
def test_an_address_has_one_spelling(address):
    assert host_name(address.exploded) == host_name(f"[{address}]") == str(address)
    assert is_address(address.exploded)
    assert peer_address(address.exploded) in {str(address), str(getattr(address, "ipv4_mapped", None))}


def test_a_peer_is_an_address_without_zone_and_mapping():
    assert peer_address("::ffff:192.0.2.1") == "192.0.2.1"
    assert peer_address("fe80::1%eth0") == "fe80::1"
    assert peer_address("ignore-conn") == ""
