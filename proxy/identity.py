"""Which app is it, for what purpose, in which session, about whom: from what a request carries and whom we trust.

Credentials are compared by digest in constant time; headers are believed only from where the policy says; nothing that
identifies a person leaves this room except as a value for the ledger's keyed references.
"""

import hmac
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from audit.flat import slotted
from policies.declared import Identify, Pods
from policies.policy import Policy
from proxy.aws_signing import is_signed, signer_of
from proxy.errors import RefusedError
from proxy.messages import Egress, utf8

CREDENTIAL_PREFIX = "drg_"
CREDENTIAL_HEADER = "dragoman-credential"
RECEIPT_HEADER = "dragoman-receipt"
"""`yes` in a request asks for the proof of its record; the answer holds it under the same name, in base64."""
OWN_HEADERS = (
    CREDENTIAL_HEADER,
    RECEIPT_HEADER,
    "dragoman-app",
    "dragoman-session",
    "dragoman-subject",
    "dragoman-purpose",
)
ROLES = ("requester", "author", "participant", "mentioned")
MAX_SUBJECTS = 1000
_NO_CLAIMS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Subject:
    """A person a transfer is about. identifier: the real one, kept in memory until it is a keyed reference."""

    identifier: str
    role: str = "requester"


@slotted
@dataclass(frozen=True, slots=True)
class Identity:
    """Who sends. application: name in the policy, or "" when nobody knows. session: trusted session name, or "".

    owner_key: digest of whatever credential the request carried, ours or the provider's; it keeps the scopes of two
    unknown apps apart and is never recorded. own_credential_in: the provider's carrier in which ours stood, or "".
    """

    application: str
    identified_by: str
    purpose: str
    session: str
    subjects: tuple[Subject, ...]
    owner_key: bytes
    own_credential_in: str = ""

    @property
    def owner(self) -> bytes:
        """Whose requests may be answered sooner because of earlier ones, which tells that those were made: those of the
        same application, else of the same credential."""
        return self.application.encode() or self.owner_key


@dataclass(frozen=True, slots=True)
class CredentialBook:
    """The credentials that were handed out: digest -> application. Immutable; replaced when it changes."""

    digests: Mapping[bytes, str]

    def application(self, credential: str) -> str | None:
        """The application of a credential, or None; every entry is compared, in constant time."""
        wanted = digest(credential)
        found: str | None = None
        for known, name in self.digests.items():
            if hmac.compare_digest(known, wanted):
                found = name
        return found


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of Kubernetes that runs at an address."""

    namespace: str
    labels: Mapping[str, str]


type PodAt = Callable[[str], Pod | None]
"""(address of a client) -> the one pod that is there, None where there is none, several, or nobody knows."""


class NoPods:
    """`services.Pods` outside Kubernetes."""

    async def know(self, namespaces: frozenset[str]) -> None: ...

    def at(self, address: str) -> Pod | None:
        return None


_NO_PODS = NoPods()


def digest(credential: str) -> bytes:
    """SHA-256 of a credential; enough, because credentials are 256 random bits."""
    return sha256(credential.encode()).digest()


def identify(
    egress: Egress,
    policy: Policy,
    book: CredentialBook,
    carriers: tuple[str, ...],
    claims: Mapping[str, Any] = _NO_CLAIMS,
    pod_at: PodAt = _NO_PODS.at,
) -> Identity:
    """Who sends this request, by the strongest thing that it shows.

    carriers: lower-case names of the destination's own credential headers; ours is accepted there, too. claims: of a
    token that was verified. pod_at: which pod a peer is. Raises RefusedError (`credential_unknown`,
    `application_unknown`, `subjects_too_many`).
    """
    credential, carrier = _credential(egress, carriers)
    trusted = trust_of(egress.peer, bool(credential), policy)
    if credential:
        found = book.application(credential)
        if found is None:
            raise RefusedError(
                "the dragoman credential is not known or has ended; ask for a new one with `dragoman app rotate`",
                code="credential_unknown",
                status=401,
            )
        name, how = found, "credential"
    else:
        name, how = _shown(egress, policy, carriers, claims, trusted, pod_at)
    if how == "header" and name not in policy.applications:
        raise RefusedError(
            "dragoman-app names an application that the policy does not know", code="application_unknown"
        )
    get = egress.headers.get
    purpose = said if (said := get("dragoman-purpose")) and trusted("dragoman-purpose") else ""
    session = utf8(said) if (said := get("dragoman-session")) and trusted("dragoman-session") else ""
    subjects = _subjects(egress) if get("dragoman-subject") is not None and trusted("dragoman-subject") else ()
    carried = "\0".join([f"{key}={value}" for key in carriers if (value := _lasting(egress, key))])
    return Identity(name, how, purpose, session, subjects, digest(credential or carried), carrier)


def _lasting(egress: Egress, carrier: str) -> str:
    """What stays the same in every request of one app: of a signature who made it, and from where."""
    value = egress.headers.get(carrier) or ""
    return f"{signer_of(value)} {egress.peer}" if is_signed(value) else value


def _credential(egress: Egress, carriers: tuple[str, ...]) -> tuple[str, str]:
    if egress.credential:
        return egress.credential, ""
    if given := egress.headers.get(CREDENTIAL_HEADER):
        return given, ""
    for name in carriers:
        value = _bare(egress.headers.get(name) or "")
        if value.startswith(CREDENTIAL_PREFIX):
            return value, name
    return "", ""


def _bare(value: str) -> str:
    """A credential without the word `Bearer`."""
    return value.removeprefix("Bearer ").removeprefix("bearer ").strip()


def fingerprint(key: str) -> str:
    """A provider's key as a policy names it; enough, because such keys are long and random."""
    return f"sha256:{digest(key).hex()}"


def _shown(
    egress: Egress,
    policy: Policy,
    carriers: tuple[str, ...],
    claims: Mapping[str, Any],
    trusted: "Callable[[str], bool]",
    pod_at: PodAt,
) -> tuple[str, str]:
    """The application that a request without our credential comes from, and how we know; strongest evidence first."""
    ways = policy.ways
    shown = [value for name in carriers for value in egress.headers.all(name)] if "provider_key" in ways else []
    keys = {fingerprint(_bare(value)) for value in shown}

    def by_header(identify: Identify) -> bool:
        name, _, value = identify.header.partition("=")
        # Exactly one: who appends a second line to a forwarded request would speak before the peer that we trust.
        return bool(name) and trusted(name) and egress.headers.all(name) == (value,)

    fits: dict[str, Callable[[Identify], bool]] = {
        "certificate": lambda one: one.certificate in egress.certificate,
        "claim": lambda one: _claimed(one.claim, claims),
        "provider_key": lambda one: one.provider_key in keys,
        "header": by_header,
        "pod": lambda one: one.pods is not None and _in_pod(one.pods, pod_at(egress.peer)),
        "network": lambda one: _in_networks(egress.peer, one.networks),
    }
    for how, applications in ways.items():
        for name, application in applications:
            if fits[how](application):
                return name, how
    named = _named(egress, trusted)
    return (named, "header") if named else ("", "none")


def _in_pod(wanted: Pods, pod: Pod | None) -> bool:
    """Whether that pod bears every label that is wanted."""
    return pod is not None and pod.namespace == wanted.namespace and wanted.labels.items() <= pod.labels.items()


def _claimed(wanted: str, claims: Mapping[str, Any]) -> bool:
    """Whether a claim has that value, or is a list that holds it."""
    name, _, value = wanted.partition("=")
    found = claims.get(name)
    return value in found if isinstance(found, list) else found == value


def _named(egress: Egress, trusted: "Callable[[str], bool]") -> str:
    """What `dragoman-app` says, if the peer is believed and says it once."""
    if egress.headers.get("dragoman-app") is None or not trusted("dragoman-app"):
        return ""
    values = egress.headers.all("dragoman-app")
    return values[0] if len(values) == 1 else ""


def trust_of(peer: str, has_credential: bool, policy: Policy) -> "Callable[[str], bool]":
    """Which of its own headers a request is believed: header name -> whether."""
    return lambda header: _believed(policy.trusts_header(header), peer, has_credential)


@lru_cache(maxsize=1024)
def _believed(sources: tuple[str, ...], peer: str, has_credential: bool) -> bool:
    """Headers mostly share their sources, and each connection of a client asks with the same words."""
    networks = tuple([source for source in sources if source != "credential"])
    return (has_credential and len(networks) < len(sources)) or _in_networks(peer, networks)


@lru_cache(maxsize=1024)
def _in_networks(peer: str, networks: tuple[str, ...]) -> bool:
    """Each connection of a client asks with the same words, request after request."""
    if not networks:
        return False
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in _parsed(networks))


@lru_cache(maxsize=1024)
def _parsed(networks: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Networks of a policy, which a test of membership would parse each time."""
    return tuple(ipaddress.ip_network(network) for network in networks)


def _subjects(egress: Egress) -> tuple[Subject, ...]:
    values = egress.headers.all("dragoman-subject")
    if len(values) > MAX_SUBJECTS:
        raise RefusedError("more than 1,000 dragoman-subject headers", code="subjects_too_many", status=400)
    # Who is asked about later is typed as people write it, not as Latin-1 shows the bytes.
    return tuple(_subject(utf8(value)) for value in values if value.strip())


def _subject(value: str) -> Subject:
    """`IDENTIFIER`, `IDENTIFIER; role=author` or `role=author; IDENTIFIER`."""
    parts = [part.strip() for part in value.split(";")]
    role = next((part.partition("=")[2].strip() for part in parts if part.lower().startswith("role=")), "requester")
    if role not in ROLES:
        raise RefusedError(
            f"the role in a dragoman-subject header is one of {', '.join(ROLES)}",
            code="subject_role_unknown",
            status=400,
        )
    return Subject(next((part for part in parts if part and not part.lower().startswith("role=")), ""), role)
