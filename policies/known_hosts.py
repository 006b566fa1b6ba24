"""Hosts that everybody can know by name: model services and resolvers, whether or not a policy has registered them.

Only facts about names: what happens to such a host is decided elsewhere. The list is data (`known_hosts.txt`) and is
never complete; a host that is not in it is merely unknown.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from importlib import resources

from policies.destination import HostTable, host_key
from policies.register import bundled_register


class HostKind(StrEnum):
    """What a known host does."""

    MODEL = "model"
    RESOLVER = "resolver"


@dataclass(frozen=True, slots=True)
class KnownHost:
    """A service behind a host name. name: the host where the list spells it out, "" where only a pattern fits; what
    stands in the place of a pattern's `*` was chosen by somebody, and may be somebody's name."""

    kind: HostKind
    service: str
    name: str = ""


def known_host(host: str) -> KnownHost | None:
    """Whose host this is (no port), None where the list does not say. Destinations of the bundled register count."""
    table, services = _table()
    pattern = table.find(host)
    if pattern is None:
        return None
    return replace(services[pattern], name="" if "*" in pattern else host_key(host))


def read(text: str) -> dict[str, KnownHost]:
    """Host pattern -> service, of a file in the form of `known_hosts.txt`. Raises ValueError with the line."""
    found: dict[str, KnownHost] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) < 3 or words[0] not in set(HostKind) or (set(words[2:]) & found.keys()):
            raise ValueError(f"line {number}: write a kind, a service and hosts that stand nowhere else")
        found |= dict.fromkeys(words[2:], KnownHost(HostKind(words[0]), words[1]))
    return found


@lru_cache(maxsize=1)
def _table() -> tuple[HostTable, dict[str, KnownHost]]:
    services = read(resources.files("policies").joinpath("bundled", "known_hosts.txt").read_text(encoding="utf-8"))
    register = bundled_register()
    for name, editions in register.editions.items():
        for host in editions[register.latest(name)].hosts:
            services.setdefault(host, KnownHost(HostKind.MODEL, name))
    return HostTable({host: host for host in services}), services
