"""Connections to a host before anything of them is read: opened, closed, or passed unread as the policy says in words.

What passes unread is recorded like a transfer, with the host's name and nothing else, because nothing else is known.
"""

import secrets
from enum import StrEnum

from audit.commitment import REQUEST_IN, REQUEST_OUT, commit
from audit.record import TransferRecord
from policies.destination import Destination
from proxy.formats.base import MediaPart
from proxy.messages import Origin
from proxy.steps import unregistered
from proxy.steps.reading import upstream_named
from proxy.steps.records import Facts
from proxy.steps.work import Services

NOBODY = Destination(name="unregistered")


class HostVerdict(StrEnum):
    """What happens to a connection to a host, before anything of it is read."""

    OPEN = "open"
    PASS = "pass"  # noqa: S105 (a verdict, not a password)
    CLOSED = "closed"


def screen_host(services: Services, host: str, port: int) -> HostVerdict:
    """What happens to a connection to this host: opened, passed unread with a record, or closed."""
    policy = services.active().policy
    if policy.destination_for_host(host) or upstream_named(Origin("https", host, port), services):
        return HostVerdict.OPEN
    passes = policy.unknown_hosts == "pass" and not unregistered.hides_names(host)
    return HostVerdict.PASS if passes else HostVerdict.CLOSED


def passing_record(facts: Facts, origin: Origin, services: Services) -> TransferRecord:
    """The record that a connection passes unread; counts one to a known model service. facts: new ones."""
    if known_service := unregistered.service_of(facts, origin):
        services.observe("shadow_ai", known_service.service)
    facts.host, facts.action, facts.destination = origin.authority, "allow", NOBODY
    facts.uninspected = ((MediaPart("", "application/octet-stream", 0), "policy_pass"),)
    # There is no body to commit to and no scope; a key that nobody keeps says just that.
    key = secrets.token_bytes(32)
    facts.commitment_in = commit(key, facts.transfer, REQUEST_IN, b"")
    commitment_out = commit(key, facts.transfer, REQUEST_OUT, b"")
    return services.records.make(facts, bytes_out=0, commitment_out=commitment_out)
