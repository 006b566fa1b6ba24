"""Who sends, how it is recognised, and where the flags of persons come from: names resolved, contradictions reported.

A validated file enters with its tree; whatever could be said twice, believed from anybody, or not be asked at all is
reported where it stands.
"""

import re
from ipaddress import ip_network

from policies.declared import Application, Identify, Pods, SubjectSource, Tokens
from policies.language.resolve import UNKNOWN_NAME, Findings, resolve_media
from policies.language.schema import PolicyFile
from policies.language.schema_senders import ApplicationSection, IdentifySection
from policies.language.tree import Path
from policies.model import MediaAction

# One statement that reads: what a database is asked with has no second one behind a semicolon.
_READS = re.compile(r"\s*(select|with)\b[^;]*;?\s*\Z", re.I)
_BOUND = re.compile(r"(?<![:\w]):([a-z]+)\b")
BOUND = ("subject", "purpose")
"""What a query may bind: `:subject` must stand in it, `:purpose` may."""


def resolve_applications(file: PolicyFile, found: Findings) -> dict[str, Application]:
    """Every application with its purposes."""
    _once(file, found)
    return {name: _application(name, section, file, found) for name, section in file.applications.items()}


def _application(name: str, section: ApplicationSection, file: PolicyFile, found: Findings) -> Application:
    path: Path = ("applications", name)
    if name == UNKNOWN_NAME:
        found.add(path, "'unknown' is the name of every app that nobody knows", "reserved_name", "choose another")
    named = [(("purpose",), section.purpose)] if section.purpose else []
    named_all: list[tuple[Path, str]] = [*named, *((("purposes", i), one) for i, one in enumerate(section.purposes))]
    for at, purpose in named_all:
        if purpose not in file.purposes:
            found.unknown((*path, *at), "purpose", purpose, file.purposes)
    purposes = tuple(dict.fromkeys(one for _, one in named_all))
    if section.subject.startswith("claim:") and file.tokens is None:
        _needs_tokens((*path, "subject"), found)
    media: dict[str, MediaAction] = resolve_media((*path, "media"), section.media, found)
    return Application(
        name=name,
        identify=_identify((*path, "identify"), section.identify, file, found),
        purpose=section.purpose or "",
        purposes=purposes,
        owner=section.owner,
        subject=section.subject,
        media=media,
        shares_objects_with=_shared((*path, "shares_objects_with"), name, section, file, found),
    )


def _shared(path: Path, name: str, section: ApplicationSection, file: PolicyFile, found: Findings) -> frozenset[str]:
    """With whom it shares what a provider keeps of it: applications of this policy, itself not among them."""
    for index, one in enumerate(section.shares_objects_with):
        if one not in file.applications:
            found.unknown((*path, index), "application", one, file.applications)
        elif one == name:
            message = "an application has what a provider keeps of it without sharing it with itself"
            found.add((*path, index), message, "senseless", "name another one, or delete it")
    return frozenset(section.shares_objects_with)


def _identify(path: Path, section: IdentifySection, file: PolicyFile, found: Findings) -> Identify:
    for index, network in enumerate(section.networks):
        check_network((*path, "networks", index), network, found)
    if section.claim and file.tokens is None:
        _needs_tokens((*path, "claim"), found)
    header = section.header.partition("=")[0].lower()
    believed = {name.lower(): words for name, words in file.trust.items()}.get(header, ())
    if header and not any(word != "credential" for word in believed):
        message = f"anybody could send the header '{header}', so it says nothing about who sends"
        hint = f"name the peers that set it: `trust: {{{header}: [10.1.2.0/24]}}`"
        found.add((*path, "header"), message, "anybody_could", hint)
    return Identify(
        credential=section.credential,
        header=section.header,
        networks=section.networks,
        certificate=section.certificate,
        claim=section.claim,
        provider_key=section.provider_key,
        pods=Pods(section.pods.namespace, section.pods.labels) if section.pods else None,
    )


def _needs_tokens(path: Path, found: Findings) -> None:
    hint = "add `tokens: {issuer: ..., audience: ..., keys: https://...}`, which says whose signature counts"
    found.add(path, "a claim counts only in a token that was verified, and nothing says how", "needs_tokens", hint)


def _once(file: PolicyFile, found: Findings) -> None:
    """No two applications may be recognised by the same thing."""
    for key in ("header", "certificate", "claim", "provider_key", "pods"):
        first: dict[str, str] = {}
        for name, section in file.applications.items():
            value = getattr(section.identify, key)
            if value and first.setdefault(str(value), name) != name:
                message = f"'{first[str(value)]}' is recognised by the same {key}"
                found.add(("applications", name, "identify", key), message, "identified_twice")


def check_network(path: Path, network: str, found: Findings) -> None:
    """Notes a text that is no CIDR range."""
    try:
        ip_network(network)
    except ValueError:
        hint = "write an address range like 10.0.0.0/8 or 2001:db8::/32, without host bits"
        found.add(path, f"'{network[:60]}' is not a network", "wrong_value", hint)


def resolve_tokens(file: PolicyFile, found: Findings) -> Tokens | None:
    """Whose tokens are believed."""
    one = file.tokens
    if one is None:
        return None
    if "://" in one.keys and not one.keys.startswith("https://"):
        hint = "use https, or a file of the home folder; who can change the keys can make tokens"
        found.add(("tokens", "keys"), "keys that come over an open line prove nothing", "wrong_value", hint)
    return Tokens(one.header.lower(), one.issuer, one.audience, one.keys, one.algorithms)


def resolve_subject_source(file: PolicyFile, found: Findings) -> SubjectSource | None:
    """Where the flags of persons come from."""
    one = file.subject_flags
    if one is None:
        return None
    if one.source == "claim" and file.tokens is None:
        _needs_tokens(("subject_flags", "source"), found)
    if one.source == "sql":
        _check_query(one.query, found)
    elif one.query is not None:
        message = f"flags from a {one.source} are not asked with a query"
        found.add(("subject_flags", "query"), message, "senseless", "delete the line, or `source: sql`")
    return SubjectSource(one.source, one.at, one.cache_seconds, one.query or "")


def _check_query(query: str | None, found: Findings) -> None:
    if query is None:
        hint = "add `query: SELECT consent FROM person WHERE id = :subject`"
        found.add(("subject_flags",), "`source: sql` needs a query", "missing_key", hint)
        return
    path: Path = ("subject_flags", "query")
    if _READS.match(query) is None:
        found.add(path, "the query is not one statement that reads", "wrong_value", "write one SELECT, without `;`")
        return
    bound = set(_BOUND.findall(query))
    if "subject" not in bound:
        found.add(path, "the query does not ask about anybody", "wrong_value", "compare a column with `:subject`")
    for name in sorted(bound - set(BOUND)):
        found.unknown(path, "parameter", name, BOUND)
