"""Which packets are led to the transparent door, as an nftables ruleset. Pure: options in, text out, listings read.

Two places: a router, a bridge or a namespace through which apps send (`interfaces`), or the machine or pod on which
they run themselves (`proxy_user`). In both, what could leave past the door is stopped as well: HTTP/3 is rejected, so
that clients fall back to TCP, and whatever else an interface forwards is dropped unless it was allowed in words.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from proxy.errors import ConfigError

FAMILY, TABLE = "inet", "dragoman"
DEFAULT_PORT = 9080
WEB = (80, 443)
ALLOWED = re.compile(r"(tcp|udp)/(\d{1,5})")
_COMMENT = re.compile(r'^\s*comment "dragoman ([0-9a-f]{12}) ([0-9a-f]{12}|-)"\n?', re.MULTILINE)
_REDIRECT = re.compile(r"redirect to :(\d+)")
_CGROUP = re.compile(r"[A-Za-z0-9_.:@\\-]+(/[A-Za-z0-9_.:@\\-]+)*")
_UNCONFIRMED = re.compile(r"\n?\tchain unconfirmed_([0-9a-f]{12}) \{\n\t\}\n")
_NAME = re.compile(r"[A-Za-z0-9_.:@-]{1,15}")  # IFNAMSIZ is 16 with the final zero


@dataclass(frozen=True, slots=True)
class Capture:
    """What is captured.

    interfaces: where apps' packets come in; empty: those of this machine. proxy_user: user id of dragoman itself, whose
    packets are left alone; users: ids of the apps, empty for everybody else; cgroups: of the apps instead, as paths
    below the root of cgroup version 2 (`system.slice/app.service`). port: of the transparent door.
    tcp: destination ports, empty for all. bypass: networks that are reached directly. allow: what an interface may
    forward besides, as `udp/53`.
    """

    interfaces: tuple[str, ...] = ()
    proxy_user: int | None = None
    users: tuple[int, ...] = ()
    port: int = DEFAULT_PORT
    tcp: tuple[int, ...] = ()
    bypass: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    cgroups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """A table as the kernel has it. plan: digest of the plan that it was made of. unaltered: nobody changed a rule.

    mark: of the `apply` whose rules still go by themselves, "" where they stay.
    """

    plan: str
    unaltered: bool
    port: int
    mark: str = ""


def ruleset(capture: Capture, *, rules: str = "-") -> str:
    """The whole file for `nft -f`: it replaces an older table of ours in one step and touches no other.

    rules: digest of the loaded rules (see `rules_digest`), "-" while nobody has seen them. Raises ConfigError.
    """
    check(capture)
    chains = _at_interfaces(capture) if capture.interfaces else _at_home(capture)
    body = "\n\n".join(
        f"\tchain {name} {{\n" + "".join(f"\t\t{line}\n" for line in lines) + "\t}" for name, lines in chains
    )
    head = f'\tcomment "dragoman {sha256(body.encode()).hexdigest()[:12]} {rules}"'
    return f"table {FAMILY} {TABLE}\ndelete table {FAMILY} {TABLE}\ntable {FAMILY} {TABLE} {{\n{head}\n\n{body}\n}}\n"


def plan_digest(capture: Capture) -> str:
    """What tells one plan from another: 12 hexadecimal digits of a SHA-256."""
    found = _COMMENT.search(ruleset(capture))
    assert found is not None
    return found[1]


def rules_digest(listing: str) -> str:
    """The same of a table as `nft --stateless list table` prints it, less its comment."""
    return sha256(_UNCONFIRMED.sub("", _COMMENT.sub("", listing)).encode()).hexdigest()[:12]


def read_listing(listing: str) -> Loaded | None:
    """What a listing says; None where it is no table that `apply` made."""
    comment, redirect = _COMMENT.search(listing), _REDIRECT.search(listing)
    if comment is None or redirect is None:
        return None
    waiting = _UNCONFIRMED.search(listing)
    unaltered = comment[2] == rules_digest(listing)
    return Loaded(comment[1], unaltered, int(redirect[1]), waiting[1] if waiting is not None else "")


def unconfirmed(mark: str) -> str:
    """For `nft -f`, behind a ruleset: an empty chain that says that it goes when nobody confirms it in time.

    mark: 12 hexadecimal digits of this `apply`, so that no other's time counts for it.
    """
    return f"add chain {FAMILY} {TABLE} unconfirmed_{mark}\n"


def confirmed(mark: str) -> str:
    """For `nft -f`: that chain is taken away."""
    return f"delete chain {FAMILY} {TABLE} unconfirmed_{mark}\n"


def restoring(listing: str | None) -> str:
    """The file for `nft -f` that brings a table back as it was listed; None: that takes ours away."""
    return f"table {FAMILY} {TABLE}\ndelete table {FAMILY} {TABLE}\n{listing or ''}"


def check(capture: Capture) -> None:
    """Refuse what would not protect, or what would be read as something else by nft. Raises ConfigError."""
    if bool(capture.interfaces) == (capture.proxy_user is not None):
        raise ConfigError(
            "name the interfaces that apps come in by (--interface), or dragoman's own user (--proxy-user)"
        )
    if capture.proxy_user is not None and capture.proxy_user in capture.users:
        raise ConfigError("dragoman's own user cannot be captured: its packets would come back to it for ever")
    if capture.users and capture.interfaces:
        raise ConfigError("--user holds for processes of this machine; packets that come in by an interface have none")
    _check_cgroups(capture)
    if capture.allow and not capture.interfaces:
        raise ConfigError("--allow holds for what an interface forwards; on this machine nothing else is stopped")
    for name in capture.interfaces:
        if not _NAME.fullmatch(name):
            raise ConfigError(f"{name!r} is no name of a network interface")
    for port in (capture.port, *capture.tcp):
        if not 0 < port < 65536:
            raise ConfigError(f"{port} is no port")
    for network in capture.bypass:
        _network(network)
    for item in capture.allow:
        _check_allowed(item)


def _check_cgroups(capture: Capture) -> None:
    if capture.cgroups and (capture.interfaces or capture.users):
        raise ConfigError("--cgroup holds for processes of this machine, in place of --user")
    for path in capture.cgroups:
        if not _CGROUP.fullmatch(path):
            raise ConfigError(f"--cgroup {path}: write a path below /sys/fs/cgroup, such as system.slice/app.service")


def _check_allowed(item: str) -> None:
    found = ALLOWED.fullmatch(item)
    if found is None or not 0 < int(found[2]) < 65536:
        raise ConfigError(f"--allow {item}: write tcp/PORT or udp/PORT")
    if found[1] == "udp" and int(found[2]) == 443:
        raise ConfigError("udp/443 is HTTP/3, for which there is no gate: it would leave unseen")


def _at_interfaces(capture: Capture) -> list[tuple[str, list[str]]]:
    others = f"iifname != {_set(f'"{name}"' for name in capture.interfaces)} return"
    around = _around(capture)
    return [
        (
            "capture",
            [
                "type nat hook prerouting priority -100; policy accept;",
                others,
                "fib daddr type local return",
                *around,
                f"{_tcp(capture)} redirect to :{capture.port}",
            ],
        ),
        (
            "past",
            [
                "type filter hook forward priority 0; policy accept;",
                others,
                *around,
                "udp dport 443 reject with icmpx type port-unreachable",
                *(f"{item.partition('/')[0]} dport {item.partition('/')[2]} accept" for item in capture.allow),
                "drop",
            ],
        ),
        ("door", _door(capture)),
    ]


def _at_home(capture: Capture) -> list[tuple[str, list[str]]]:
    own = [f"meta skuid {capture.proxy_user} return"]
    if capture.users:
        own.append(f"meta skuid != {_set(str(user) for user in capture.users)} return")
    # Whoever talks to this very machine (a database, the gateway) needs no door.
    around = [*own, "fib daddr type local return", *_around(capture)]
    # One line for each group, because a process above that level has none to compare and would fall through a "not".
    groups = sorted(set(capture.cgroups))
    whose = [f'socket cgroupv2 level {path.count("/") + 1} "{path}" ' for path in groups] or [""]
    return [
        (
            "capture",
            [
                "type nat hook output priority -100; policy accept;",
                *around,
                *(f"{who}{_tcp(capture)} redirect to :{capture.port}" for who in whose),
            ],
        ),
        (
            "past",
            [
                "type filter hook output priority 0; policy accept;",
                *around,
                *(f"{who}udp dport 443 reject with icmpx type port-unreachable" for who in whose),
                *(f"{who}{opened} reject with tcp reset" for who in whose for opened in _opened_before(capture)),
            ],
        ),
        ("door", _door(capture)),
    ]


def _opened_before(capture: Capture) -> tuple[str, ...]:
    """Packets of connections that apps had opened before the rules came: nobody leads them to the door any more."""
    if capture.tcp:
        return (_tcp(capture),)
    # What answers somebody else's connection (ssh) goes on. A packet that fits no connection has no direction.
    return ("meta l4proto tcp ct direction original", f"tcp dport {_set(str(port) for port in WEB)}")


def _door(capture: Capture) -> list[str]:
    # Connected to directly, the door would take itself for the destination. Each line names the port: a line that only
    # tells other TCP ports to go on would leave the drop to everything that is no TCP, neighbour discovery included.
    return [
        "type filter hook input priority 0; policy accept;",
        f"tcp dport {capture.port} ct status dnat accept",
        f"tcp dport {capture.port} drop",
    ]


def _around(capture: Capture) -> list[str]:
    networks = [_network(text) for text in capture.bypass]
    lines = []
    for version, word in ((4, "ip"), (6, "ip6")):
        if chosen := [str(network) for network in networks if network.version == version]:
            lines.append(f"{word} daddr {_set(chosen)} return")
    return lines


def _tcp(capture: Capture) -> str:
    return f"tcp dport {_set(str(port) for port in capture.tcp)}" if capture.tcp else "meta l4proto tcp"


def _set(items: Iterable[str]) -> str:
    return "{ " + ", ".join(sorted(set(items))) + " }"


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise ConfigError(f"--bypass {text}: write a network, such as 10.0.0.0/8 or fd00::/8") from None
