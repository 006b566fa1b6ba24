"""Hosts outside the register that are no mere strangers: model services (shadow AI) and resolvers over HTTPS or TLS.

A refusal of such a host says what it is, and its record names the service. The name of any other unknown host stays
out of the log: a person chose it, and it may be a person's. Pure.
"""

from dataclasses import replace

from policies.known_hosts import HostKind, KnownHost, known_host
from proxy.messages import Origin, Refusal
from proxy.steps.records import Facts

UNREGISTERED = ("unregistered_host", "destination_unknown")
"""Codes of a refusal that only says that the host is not in the register."""
SHADOW_AI = "this is a model service that nobody registered; add it to the policy as a destination, or stop using it"
RESOLVER = "name lookups over HTTPS or TLS hide where an app goes next; use the network's own resolver"


def hides_names(host: str) -> bool:
    """Whether the host answers name lookups out of sight; such a one never passes unread."""
    found = known_host(host)
    return found is not None and found.kind is HostKind.RESOLVER


def service_of(facts: Facts, origin: Origin | None) -> KnownHost | None:
    """The service at an unregistered origin, noted in the facts; None where nobody knows it."""
    found = known_host(origin.host) if origin is not None else None
    if found is not None:
        facts.provider = found.service
        facts.host = found.name
    return found


def said(facts: Facts, refusal: Refusal) -> Refusal:
    """The refusal as it is told and recorded: with its own code where the unregistered host is a known one."""
    if facts.destination is not None or refusal.code not in UNREGISTERED:
        return refusal
    found = service_of(facts, facts.egress.origin)
    if found is None:
        return refusal
    if found.kind is HostKind.RESOLVER:
        return replace(refusal, status=403, code="hidden_resolver", message=RESOLVER)
    return replace(refusal, status=403, code="shadow_ai", message=SHADOW_AI)
