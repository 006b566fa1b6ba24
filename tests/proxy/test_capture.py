"""The nftables rules as text: what they say, what is refused, what a listing gives away, and that what we ship is it."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.capture import Capture, plan_digest, read_listing, rules_digest, ruleset
from proxy.commands.net import examine, listening_ports
from proxy.errors import ConfigError

ROOT = Path(__file__).parents[2]
ROUTER = Capture(interfaces=("lan0",), allow=("udp/53",))
POD = Capture(proxy_user=10001, tcp=(80, 443))


@pytest.mark.parametrize(("name", "capture"), [("router", ROUTER), ("pod", POD)])
def test_the_file_that_is_shipped_is_the_plan(name: str, capture: Capture) -> None:
    assert (ROOT / "deploy" / "nftables" / f"{name}.nft").read_text() == ruleset(capture)


def chain(text: str, name: str) -> list[str]:
    """The rules of a chain, less its head."""
    lines = text.partition(f"\tchain {name} {{\n")[2].partition("\n\t}")[0].splitlines()
    return [line.strip() for line in lines[1:]]


def test_at_a_router_everything_is_led_to_the_door_or_dropped() -> None:
    text = ruleset(ROUTER)
    assert chain(text, "capture")[-1] == "meta l4proto tcp redirect to :9080"
    assert chain(text, "past")[1:] == [
        "udp dport 443 reject with icmpx type port-unreachable",
        "udp dport 53 accept",
        "drop",
    ]


def test_on_a_machine_dragoman_itself_is_the_first_that_is_left_alone() -> None:
    text = ruleset(Capture(proxy_user=990, users=(1002, 1001), tcp=(443,), bypass=("10.0.0.0/8", "fd00::/8")))
    assert chain(text, "capture")[:5] == [
        "meta skuid 990 return",
        "meta skuid != { 1001, 1002 } return",
        "fib daddr type local return",
        "ip daddr { 10.0.0.0/8 } return",
        "ip6 daddr { fd00::/8 } return",
    ]
    assert chain(text, "past")[0] == "meta skuid 990 return"


@pytest.mark.parametrize(
    ("capture", "stopped"),
    [
        (POD, ["tcp dport { 443, 80 } reject with tcp reset"]),
        (
            Capture(proxy_user=1, cgroups=("app",)),
            [
                'socket cgroupv2 level 1 "app" meta l4proto tcp ct direction original reject with tcp reset',
                'socket cgroupv2 level 1 "app" tcp dport { 443, 80 } reject with tcp reset',
            ],
        ),
    ],
    ids=["ports", "all"],
)
def test_on_a_machine_what_was_opened_before_the_rules_ends(capture: Capture, stopped: list[str]) -> None:
    assert chain(ruleset(capture), "past")[-len(stopped) :] == stopped


@pytest.mark.parametrize(
    "capture",
    [
        Capture(),
        Capture(interfaces=("lan0",), proxy_user=1),
        Capture(proxy_user=1, users=(1,)),
        Capture(interfaces=("lan0",), users=(1,)),
        Capture(proxy_user=1, allow=("udp/53",)),
        Capture(interfaces=('lan0" drop; #',)),
        Capture(interfaces=("a" * 16,)),
        Capture(interfaces=("lan0",), port=0),
        Capture(interfaces=("lan0",), tcp=(70_000,)),
        Capture(interfaces=("lan0",), bypass=("10.0.0.1/8",)),
        Capture(interfaces=("lan0",), bypass=("everything",)),
        Capture(interfaces=("lan0",), allow=("sctp/1",)),
        Capture(interfaces=("lan0",), allow=("udp/0",)),
        Capture(interfaces=("lan0",), allow=("udp/443",)),
        Capture(interfaces=("lan0",), allow=("udp/00443",)),
    ],
)
def test_what_would_not_protect_is_refused(capture: Capture) -> None:
    with pytest.raises(ConfigError):
        ruleset(capture)


NAMES = st.text(st.characters(max_codepoint=0x2FF), min_size=1, max_size=17)


@given(NAMES)
def test_no_name_of_an_interface_gets_out_of_its_quotes(name: str) -> None:
    try:
        text = ruleset(Capture(interfaces=(name,)))
    except ConfigError:
        return
    assert text.count(f'iifname != {{ "{name}" }} return') == 2
    assert text.count('"') == 2 + 2 * 2
    assert len(text.splitlines()) == len(ruleset(Capture(interfaces=("x",))).splitlines())


@given(st.sets(st.integers(1, 65535), max_size=5), st.sets(st.integers(1, 65535), max_size=5))
def test_two_plans_have_one_digest_only_when_they_are_one(first: set[int], second: set[int]) -> None:
    digests = [plan_digest(Capture(interfaces=("lan0",), tcp=tuple(ports))) for ports in (first, second)]
    assert (digests[0] == digests[1]) == (first == second)


def loaded_listing(capture: Capture) -> str:
    """A listing as it would be if nft printed what it reads."""
    text = ruleset(capture).partition("\ntable inet dragoman {")
    listing = text[1] + text[2]
    return listing.replace(' -"', f' {rules_digest(listing)}"')


def test_a_rule_that_was_changed_is_seen() -> None:
    listing = loaded_listing(ROUTER)
    loaded = read_listing(listing)
    assert loaded is not None
    assert (loaded.unaltered, loaded.port, loaded.plan) == (True, 9080, plan_digest(ROUTER))
    changed = read_listing(listing.replace("drop", "accept", 1))
    assert changed is not None
    assert not changed.unaltered
    assert read_listing("table inet dragoman {\n}\n") is None


@pytest.mark.parametrize(
    ("listing", "wanted", "ports", "good"),
    [
        (None, None, {9080}, [False]),
        (loaded_listing(ROUTER), None, {9080}, [True, True]),
        (loaded_listing(ROUTER), ROUTER, {9080}, [True, True, True]),
        (loaded_listing(ROUTER), POD, {9080}, [True, False, True]),
        (loaded_listing(ROUTER), None, {80}, [True, False]),
        (loaded_listing(ROUTER).replace("udp dport 53", "udp dport 5"), None, {9080}, [False]),
    ],
)
def test_a_check_says_what_is_wrong(
    listing: str | None, wanted: Capture | None, ports: set[int], good: list[bool]
) -> None:
    checks = examine(listing, wanted, frozenset(ports))
    assert [item.ok for item in checks] == good
    assert all(item.ok or item.advice for item in checks)


def test_listening_ports_are_read_in_both_families(tmp_path: Path) -> None:
    head = "  sl  local_address rem_address   st\n"
    (tmp_path / "tcp").write_text(
        head + "   0: 0100007F:2378 00000000:0000 0A 0\n   1: 0100007F:0050 0100007F:1F90 01 0\n"
    )
    (tmp_path / "tcp6").write_text(head + f"   0: {'0' * 32}:01BB {'0' * 32}:0000 0A 0\n")
    assert listening_ports(tmp_path) == {0x2378, 443}
    assert listening_ports(tmp_path / "nowhere") == frozenset()


@pytest.mark.parametrize("capture", [ROUTER, POD, Capture(proxy_user=1, users=(2,), bypass=("10.0.0.0/8", "fd00::/8"))])
def test_nft_takes_the_rules(capture: Capture) -> None:
    nft = shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin")
    if nft is None or subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs nft and the right to make a network namespace")
    command = ["unshare", "-n", nft, "-f", "-"]
    done = subprocess.run(command, input=ruleset(capture), capture_output=True, text=True, timeout=150, check=False)
    assert (done.returncode, done.stderr) == (0, "")
