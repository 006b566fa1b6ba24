"""Where data may go: what the register and the policy know about one destination, resolved and immutable.

Facts enter with their source, the day they were read and the quoted words; what nobody could read is `unknown` and is
never guessed. Credentials, URLs with user data and anything measured at run time never enter.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType

UNKNOWN = "unknown"

type FactValue = str | int | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact about a destination.

    value: closed words (`no`, `opt-in`), a number of days, country codes (ISO 3166-1 alpha-2, sorted), or `unknown`.
    source: the page it was read on. read: the day. quote: the page's own words.
    seen: where a copy was read, when it was not the page itself (an archive, and the copy's day).
    declared: True when the policy file states it on its own authority (a contract), instead of the register.
    """

    value: FactValue = UNKNOWN
    source: str = ""
    read: date | None = None
    quote: str = ""
    seen: str = ""
    declared: bool = False

    @property
    def known(self) -> bool:
        """False when the value is `unknown`."""
        return self.value != UNKNOWN


@dataclass(frozen=True, slots=True)
class FormatHint:
    """Requests whose path starts with `path` are in wire format `format` (a name from `proxy.formats`)."""

    path: str
    format: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """Names of the destination's own credential carriers, lower case: headers, and query parameters."""

    headers: tuple[str, ...] = ()
    query: tuple[str, ...] = ()


def _no_facts() -> Mapping[str, Fact]:
    return MappingProxyType({})


def _no_endpoints() -> Mapping[str, Mapping[str, Fact]]:
    return MappingProxyType({})


def _no_roles() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Destination:
    """One recipient.

    name: as in the policy and in the gateway's path. title: for people.
    origin: `https://host[:port]` where requests go, "" when only configuration knows it (`--upstream`).
    base_path: path prefix at the origin, "" or `/...` without a slash at the end.
    hosts: lower-case host names; a leading `*.` stands for one or more labels, a `*` elsewhere for part of one.
    operator: who runs it: `us`, or the name of an organisation. plan: the plan the facts were read for, or "".
    edition: `bundled:<name>@<date>` that it extends, or "".
    role: per purpose: processor, controller, joint-controller, none, unknown. agreement: a reference, not a text.
    transfer: the mechanism that the organisation declares. store: `never` or `allowed`.
    endpoints: facts that differ for paths under a prefix.
    until: last day on which rules other than those for expired destinations apply, or None.
    """

    name: str
    title: str = ""
    origin: str = ""
    base_path: str = ""
    hosts: tuple[str, ...] = ()
    formats: tuple[FormatHint, ...] = ()
    credentials: Credentials = Credentials()
    operator: str = UNKNOWN
    plan: str = ""
    edition: str = ""
    facts: Mapping[str, Fact] = field(default_factory=_no_facts)
    role: Mapping[str, str] = field(default_factory=_no_roles)
    agreement: str = ""
    transfer: str = UNKNOWN
    store: str = "allowed"
    until: date | None = None
    models: Mapping[str, str] = field(default_factory=_no_roles)
    digest: str = ""
    endpoints: Mapping[str, Mapping[str, Fact]] = field(default_factory=_no_endpoints)

    def fact(self, name: str) -> FactValue:
        """The value of a fact, `unknown` where nobody knows it; rules ask for these."""
        found = self.facts.get(name)
        return found.value if found else UNKNOWN

    def facts_at(self, path: str) -> dict[str, Fact]:
        """The facts for one endpoint: the destination's, with what differs under the longest matching path."""
        prefixes = [one for one in self.endpoints if path == one or path.startswith(one.rstrip("/") + "/")]
        own = self.endpoints[max(prefixes, key=len)] if prefixes else {}
        return {**self.facts, **own}

    def role_for(self, purpose: str) -> str:
        """The recipient's role for a purpose, `unknown` where the contract was not entered."""
        return self.role.get(purpose, UNKNOWN)

    def expired(self, when: datetime) -> bool:
        """True from the first moment (UTC) of the day after `until`."""
        return self.until is not None and when >= datetime.combine(self.until + timedelta(days=1), time.min, UTC)

    def format_for(self, path: str) -> str:
        """The wire format for a path at the destination: the longest matching prefix, else `generic`."""
        found, longest = "generic", -1
        for hint in self.formats:
            prefix = hint.path
            if len(prefix) > longest and (path == prefix or path.startswith(prefix.rstrip("/") + "/")):
                found, longest = hint.format, len(prefix)
        return found

    def as_record(self, purpose: str, path: str = "") -> dict[str, str | int | bool | None]:
        """The facts as they stand, flat, for an audit record: lists joined with a comma, `unknown` included.

        path: of the endpoint, for facts that differ there.
        """
        record: dict[str, str | int | bool | None] = {
            "destination": self.name,
            "operator": self.operator,
            "role": self.role_for(purpose),
            "agreement": self.agreement or None,
            "transfer": self.transfer,
            "store": self.store,
            "edition": self.edition or None,
            "plan": self.plan or None,
            "register_digest": self.digest or None,
        }
        for name, fact in sorted(self.facts_at(path).items()):
            record[name] = ",".join(fact.value) if isinstance(fact.value, tuple) else fact.value
        return record


class HostTable:
    """Host name -> destination. An exact name comes before a pattern, a longer pattern before a shorter one."""

    __slots__ = ("_exact", "_patterns")

    def __init__(self, hosts: Mapping[str, str]) -> None:
        self._exact = {host: name for host, name in hosts.items() if "*" not in host}
        wild = sorted((host for host in hosts if "*" in host), key=lambda host: (-len(host), host))
        self._patterns = tuple((_host_pattern(host), hosts[host]) for host in wild)

    def find(self, host: str) -> str | None:
        """The destination's name for a host (no port), or None."""
        key = host_key(host)
        found = self._exact.get(key)
        if found is None:
            found = next((name for pattern, name in self._patterns if pattern.fullmatch(key)), None)
        return found


def _host_pattern(host: str) -> re.Pattern[str]:
    head, rest = ("(?:[a-z0-9_-]+\\.)+", host[2:]) if host.startswith("*.") else ("", host)
    return re.compile(head + "[a-z0-9_-]+".join(re.escape(part) for part in rest.split("*")))


def host_key(host: str) -> str:
    """A host name as it is compared: lower case, without the root dot. A port is not part of it."""
    return host.lower().rstrip(".")
