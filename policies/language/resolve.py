"""Names become things: destinations from the register, hosts, applications, purposes, groups and exceptions.

A validated file enters together with its tree, so that every name that means nothing is reported where it stands. Rules
are compiled in `policies.language.compile`; this is what they refer to.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from policies.declared import Controller, ExceptionTerms, Purpose
from policies.destination import Credentials, Destination, FormatHint
from policies.errors import Problem
from policies.language.problems import closest
from policies.language.schema import DestinationSection, PolicyFile
from policies.language.tree import Node, Path, Sources
from policies.model import MediaAction, MediaKind
from policies.register import EditionSection, Register, canonical_digest, read_fact

UNKNOWN_NAME = "unknown"


@dataclass(slots=True)
class Findings:
    """Problems found so far, each placed by the path of the value it is about."""

    tree: Node
    sources: Sources
    problems: list[Problem] = field(default_factory=list)

    def add(
        self, path: Path, message: str, code: str, hint: str = "", *, warning: bool = False, quote: bool = True
    ) -> None:
        """Notes a problem at a path of the file; at the key where the value is a mapping.

        quote: False where the line may hold a person's name, which no error shows.
        """
        node, place, complete = self.tree.find(path)
        where = node.place if complete and not isinstance(node.value, (dict, list)) else place
        problem = self.sources.problem(where, message, code, hint, "warning" if warning else "error")
        self.problems.append(problem if quote else replace(problem, source=""))

    def unknown(self, path: Path, what: str, name: str, known: Iterable[str], *, of: str = "") -> None:
        """Notes a name that nothing has. of: what it would belong to."""
        whose = f" of {of}" if of else ""
        names = sorted(known)
        hint = closest(name, names) if names else f"no {what} is named yet"
        self.add(path, f"there is no {what} '{name[:60]}'{whose}", "unknown_name", hint)


def resolve_destinations(file: PolicyFile, register: Register, found: Findings) -> dict[str, Destination]:
    """Every destination of the file, with the facts of the edition it extends and its own on top."""
    return {name: _destination(name, section, register, found, file) for name, section in file.destinations.items()}


def _destination(
    name: str, section: DestinationSection, register: Register, found: Findings, file: PolicyFile
) -> Destination:
    path: Path = ("destinations", name)
    edition = _edition(path, section, register, found) if section.extends else None
    if edition is None and section.plan is not None and not section.extends:
        found.add((*path, "plan"), "a plan needs an edition that knows it", "no_edition", "add `extends: bundled:...`")
    if edition is not None and section.plan is not None and section.plan not in edition.plans:
        found.unknown((*path, "plan"), "plan", section.plan, edition.plans, of=section.extends or name)
    plan = section.plan if edition is not None and section.plan in edition.plans else None
    facts = edition.facts_for(plan) if edition else {}
    facts |= {key: read_fact(one, declared=True) for key, one in section.facts.items()}
    for purpose in section.role:
        if purpose not in file.purposes:
            found.unknown((*path, "role", purpose), "purpose", purpose, file.purposes)
    upstream = section.upstream if section.upstream is not None else (edition.upstream if edition else "")
    origin, base_path = split_upstream(upstream)
    hosts = section.hosts if section.hosts is not None else (edition.hosts if edition and not section.upstream else ())
    if section.hosts is None and section.upstream:
        hosts = (urlsplit(section.upstream).hostname or "",)
    formats = section.formats if section.formats is not None else (edition.formats if edition else ())
    carriers = section.credentials or (edition.credentials if edition else None)
    return Destination(
        name=name,
        title=section.title or (edition.title if edition else name),
        origin=origin,
        base_path=base_path,
        hosts=tuple(hosts),
        formats=tuple(FormatHint(one.path, one.format) for one in formats),
        credentials=Credentials(carriers.headers, carriers.query) if carriers else Credentials(("authorization",)),
        operator=section.operator or (edition.operator if edition else UNKNOWN_NAME),
        plan=plan or "",
        edition=section.extends or "",
        facts=facts,
        role=dict(section.role),
        agreement=section.agreement,
        transfer=section.transfer,
        store=section.store,
        until=section.until,
        models=dict(section.models),
        digest=canonical_digest(edition.model_dump(mode="json")) if edition else "",
        endpoints={
            at: {key: read_fact(one) for key, one in variant.facts.items() if key not in section.facts}
            for at, variant in (edition.endpoints if edition else {}).items()
        },
    )


def split_upstream(upstream: str) -> tuple[str, str]:
    """`https://host/prefix/` as origin and base path without a slash at its end."""
    if not upstream:
        return "", ""
    parts = urlsplit(upstream)
    return f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")


def _edition(path: Path, section: DestinationSection, register: Register, found: Findings) -> EditionSection | None:
    named = (section.extends or "").removeprefix("bundled:")
    name, _, day = named.partition("@")
    where = (*path, "extends")
    if name not in register.editions:
        found.unknown(where, "bundled destination", name, register.editions)
        return None
    days = register.editions[name]
    if not day:
        hint = f"pin it: `extends: bundled:{name}@{register.latest(name)}`"
        found.add(where, "an edition needs its day, so that facts never change by themselves", "no_edition", hint)
        return None
    if day not in days:
        found.unknown(where, "edition", day, days, of=name)
        return None
    return days[day]


def resolve_hosts(destinations: Mapping[str, Destination], found: Findings) -> dict[str, str]:
    """Host name -> destination; one host belongs to one destination."""
    hosts: dict[str, str] = {}
    for name, destination in destinations.items():
        for host in destination.hosts:
            other = hosts.setdefault(host, name)
            if other != name:
                message = f"the host {host} belongs to '{other}' already"
                hint = f"give '{name}' hosts of its own, or `hosts: []` when it is only used through the gateway"
                found.add(("destinations", name), message, "host_twice", hint)
    return hosts


def resolve_media(path: Path, table: Mapping[str, MediaAction], found: Findings) -> dict[str, MediaAction]:
    """A media table; keys are kinds or media types."""
    kinds = [kind.value for kind in MediaKind]
    for key in table:
        if key not in kinds and "/" not in key:
            found.unknown((*path, key), "kind of media", key, kinds)
        elif table[key] is MediaAction.RETYPE and key not in (MediaKind.DOCUMENT, "application/pdf"):
            hint = "write `inspect`, or `document: retype`"
            found.add((*path, key), "only documents can be retyped", "senseless", hint)
    return dict(table)


def resolve_purposes(file: PolicyFile, found: Findings) -> dict[str, Purpose]:
    """Every purpose; `todo` is refused in prod."""
    purposes = {}
    for name, one in file.purposes.items():
        path: Path = ("purposes", name)
        if one.controller not in file.controllers:
            found.unknown((*path, "controller"), "controller", one.controller, file.controllers)
        for key, value in (("basis", one.basis), ("special_basis", one.special_basis)):
            if value == "todo" and file.environment == "prod":
                found.add((*path, key), f"'{key}' is still `todo`, and the environment is prod", "todo_in_prod", _TODO)
        purposes[name] = Purpose(name, one.controller, one.basis, one.special_basis, one.persons, one.notice, one.dpia)
    for name, destination in file.destinations.items():
        if destination.transfer == "todo" and file.environment == "prod":
            at = ("destinations", name, "transfer")
            found.add(at, "'transfer' is still `todo`, and the environment is prod", "todo_in_prod", _TODO)
    return purposes


_TODO = "somebody has to decide it: what stands here is printed as your organisation's declaration"


def resolve_controllers(file: PolicyFile) -> dict[str, Controller]:
    """Every controller."""
    return {name: Controller(name, one.name, one.contact, one.country) for name, one in file.controllers.items()}


def resolve_exceptions(file: PolicyFile, found: Findings) -> dict[str, tuple[ExceptionTerms, ...]]:
    """Exceptions by the rule they are from."""
    rules = {rule.id for rule in file.rules}
    by_rule: dict[str, list[ExceptionTerms]] = {}
    for index, one in enumerate(file.exceptions):
        path: Path = ("exceptions", index)
        if one.rule not in rules:
            found.unknown((*path, "rule"), "rule", one.rule, rules)
        for position, name in enumerate(one.applications):
            if name not in file.applications:
                found.unknown((*path, "applications", position), "application", name, file.applications)
        refs = _refs((*path, "values"), one.values, file, found)
        terms = ExceptionTerms(
            one.id or f"{one.rule}-{index + 1}", one.rule, refs, frozenset(one.applications), one.until, one.approved_by
        )
        by_rule.setdefault(one.rule, []).append(terms)
    return {rule: tuple(terms) for rule, terms in by_rule.items()}


def _refs(path: Path, values: tuple[str, ...], file: PolicyFile, found: Findings) -> frozenset[str]:
    refs: set[str] = set()
    for index, value in enumerate(values):
        name = value.removeprefix("hashed:")
        if name == value:
            if len(value) == 64 and all(char in "0123456789abcdef" for char in value):
                refs.add(value)
            else:
                hint = "`dragoman policy except VALUE` writes the hash; the value itself never stands in a file"
                found.add(
                    (*path, index), "an exception names keyed hashes or `hashed:NAME`", "raw_value", hint, quote=False
                )
        elif name in file.hashed:
            refs |= set(file.hashed[name])
        else:
            found.unknown((*path, index), "list", name, file.hashed, of="`hashed`")
    return frozenset(refs)
