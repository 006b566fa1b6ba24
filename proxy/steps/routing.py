"""A routed transfer: the policy sends it to another destination than the app asked for, such as a model of the company.

The decision was made for where it goes. What was for the first recipient stays with us: its credentials, and the names
of its models. Only destinations that speak the same wire format can take each other's requests. Pure, like the rest of
the path.
"""

import json
from collections.abc import Mapping
from urllib.parse import parse_qsl

from policies.destination import Destination
from proxy.errors import FormatError, RefusedError, UnavailableError
from proxy.formats.jsonscan import scan, string_of
from proxy.formats.shape import Shape
from proxy.messages import Headers
from proxy.steps.reading import check_keeping, upstream_of
from proxy.steps.work import Services, Work, known

_ANYTHING = Shape()


def reroute(work: Work, services: Services) -> None:
    """Make the destination that the rules route to the recipient, where they do.

    Raises RefusedError: `route_incompatible`, `destination_stopped`, `destination_without_upstream`, `store_refused`;
    UnavailableError.
    """
    name = known(work.decision).route_to
    if name:
        redirect(work, services, work.active.policy.destinations[name], "routes")


def redirect(work: Work, services: Services, target: Destination, verb: str) -> None:
    """Make another destination the recipient. verb: what the policy does (`routes`, `mirrors`). Raises as `reroute`."""
    source, active = work.destination, services.active()
    if target.name in active.stopped_destinations:
        raise RefusedError(
            f"the policy {verb} this to {target.name}, which was stopped by an officer", code="destination_stopped"
        )
    if active.stale:
        raise UnavailableError("the control database was not reachable for seconds", code="control_away")
    head, inspected = known(work.head), known(work.inspected)
    if target.format_for(head.path) != source.format_for(head.path):
        raise _incompatible(target, verb, "does not speak the same wire format at this path")
    if known(work.endpoint).session is not None:
        raise _incompatible(target, verb, "cannot take over a session")
    if inspected.state:
        why = f"does not know the objects that {source.name} keeps; start a new conversation"
        raise _incompatible(target, verb, why)
    if any(key in source.credentials.query for key, _ in parse_qsl(head.query, keep_blank_values=True)):
        raise _incompatible(target, verb, "must not see the credential in the query; send it as a header")
    work.routed_from = source
    work.facts.destination = target
    work.origin = upstream_of(target, services)
    work.facts.host = work.origin.authority
    check_keeping(work)


def routed_headers(work: Work, headers: Headers, key: str | None) -> Headers:
    """The fields for the new recipient: without the first one's credentials, with the key that we hold, if we do."""
    source, target = known(work.routed_from), work.destination
    kept = headers.without(source.credentials.headers)
    if key is None or not target.credentials.headers:
        return kept
    carrier = target.credentials.headers[0]
    return kept.with_field(carrier, f"Bearer {key}" if carrier == "authorization" else key)


def renamed_model(body: bytes, models: Mapping[str, str]) -> bytes:
    """A JSON body whose `model` is called what the new recipient calls it; every other byte stays.

    models: name that apps use -> name there; empty: names are the same. Raises RefusedError (`route_model_unknown`).
    """
    if not models:
        return body
    try:
        text = body.decode()
        found = scan(text, _ANYTHING, keys=False)
    except (UnicodeDecodeError, FormatError):
        return body
    named = [leaf for leaf in found.leaves if leaf.frame is found.root and leaf.key == "model"]
    for leaf in reversed(named):
        new = models.get(string_of(text[leaf.start : leaf.end]))
        if new is None:
            raise RefusedError(
                "the policy sends this elsewhere, but names no model for it there (`models` of the destination)",
                code="route_model_unknown",
            )
        text = f"{text[: leaf.start]}{json.dumps(new)}{text[leaf.end :]}"
    return text.encode()


def _incompatible(target: Destination, verb: str, why: str) -> RefusedError:
    return RefusedError(f"the policy {verb} this to {target.name}, which {why}", code="route_incompatible")
