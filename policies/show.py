"""The effective policy, everything resolved: what an auditor reads instead of five files.

A compiled policy enters; plain data and text leave. Keyed hashes of exceptions are counted, never listed.
"""

import io
from typing import Any

from ruamel.yaml import YAML

from policies.destination import Destination
from policies.policy import Policy
from policies.rules import DestinationWhen, Rule


def as_data(policy: Policy) -> dict[str, Any]:
    """The policy as JSON-ready data."""
    return {
        "name": policy.name,
        "digest": policy.digest,
        "version": policy.version,
        "description": policy.description,
        "environment": policy.environment.value,
        "controllers": {
            name: {"name": one.name, "contact": one.contact, "country": one.country}
            for name, one in policy.controllers.items()
        },
        "purposes": {
            name: {"controller": one.controller, "basis": one.basis, "special_basis": one.special_basis}
            | {"persons": list(one.persons), "notice": one.notice, "dpia": one.dpia}
            for name, one in policy.purposes.items()
        },
        "applications": {
            name: {"purposes": list(one.purposes), "owner": one.owner, "subject": one.subject}
            | {"media": {key: value.value for key, value in one.media.items()}}
            | {"shares_objects_with": sorted(one.shares_objects_with)}
            for name, one in policy.applications.items()
        },
        "unknown_applications": policy.unknown_applications,
        "unknown_hosts": policy.unknown_hosts,
        "destinations": {name: destination_data(one) for name, one in policy.destinations.items()},
        "rules": [rule_data(rule) for rule in policy.rules],
        "media": {key: value.value for key, value in policy.media.items()},
        "restore": {"tools": dict(policy.tools), "other": policy.tools_default},
        "response": {"unexpected": policy.response.unexpected, "buffer": policy.response.buffer},
        "exceptions": [
            {"id": one.id, "rule": one.rule, "values": len(one.refs), "applications": sorted(one.applications)}
            | {"until": one.until.isoformat(), "approved_by": one.approved_by}
            for terms in policy.exceptions.values()
            for one in terms
        ],
        "observe": None
        if policy.observe is None
        else {
            "applications": sorted(policy.observe.applications),
            "until": policy.observe.until.isoformat(),
            "approved_by": policy.observe.approved_by,
        },
    }


def destination_data(one: Destination) -> dict[str, Any]:
    """A destination with every fact, its source, the day it was read and the quoted words."""
    return {
        "title": one.title,
        "origin": one.origin,
        "base_path": one.base_path,
        "hosts": list(one.hosts),
        "operator": one.operator,
        "plan": one.plan,
        "edition": one.edition,
        "role": dict(one.role),
        "agreement": one.agreement,
        "transfer": one.transfer,
        "store": one.store,
        "until": one.until.isoformat() if one.until else None,
        "facts": {
            name: {
                "value": list(fact.value) if isinstance(fact.value, tuple) else fact.value,
                "source": fact.source,
                "read": fact.read.isoformat() if fact.read else None,
                "quote": fact.quote,
                "seen": fact.seen,
                "declared": fact.declared,
            }
            for name, fact in sorted(one.facts.items())
        },
    }


def rule_data(rule: Rule) -> dict[str, Any]:
    """A rule with its names resolved."""
    return {
        "id": rule.id,
        "when": _when(rule),
        "do": rule.does.value,
        "to": rule.decision.to or None,
        "params": dict(rule.decision.params),
        "because": rule.decision.because,
        **({"purpose": rule.purpose} if rule.purpose else {}),
        **({"keep": {"days": rule.keep_days}} if rule.keep_days else {}),
    }


def _when(rule: Rule) -> dict[str, Any]:
    when = rule.when
    sets = {
        "entity": when.entities,
        "segment": when.segments,
        "language": when.languages,
        "recognizer": when.recognizers,
        "media": when.media,
        "application": when.applications,
        "application_not": when.applications_not,
        "purpose": when.purposes,
        "purpose_not": when.purposes_not,
        "endpoint": when.endpoints,
        "model": when.models,
    }
    shown: dict[str, Any] = {key: _words(names) for key, names in sets.items() if names}
    if when.any_entity:
        shown["entity"] = ["any"]
    elif when.rest:
        shown["entity"] = ["none"]
    if when.destination:
        shown["destination"] = _destination(when.destination)
    if when.subject:
        one = when.subject
        flags = {"consent": one.consent, "objected": one.objected, "minor": one.minor}
        shown["subject"] = {key: _words(names) for key, names in flags.items() if names}
        shown["subject"]["participants"] = "all" if one.everybody else "requester"
    numbers = {"score_at_least": when.score_at_least, "count_at_least": when.count_at_least}
    shown |= {key: value for key, value in numbers.items() if value}
    if when.size_at_least:
        shown["size_at_least"] = when.size_at_least
    if when.window:
        clock = [f"{minute // 60:02}:{minute % 60:02}" for minute in (when.window.start, when.window.end)]
        shown["time"] = {
            "days": sorted(when.window.days),
            "from": clock[0],
            "to": clock[1],
            "zone": str(when.window.zone),
        }
    if when.share is not None:
        shown["share"] = when.share / 100
    return shown


def _destination(when: DestinationWhen) -> dict[str, Any]:
    sets = {
        "name": when.names,
        "name_not": when.names_not,
        "operator": when.operators,
        "operator_not": when.operators_not,
        "role": when.roles,
        "role_not": when.roles_not,
        "transfer": when.transfers,
        "transfer_not": when.transfers_not,
        "store": when.store,
    }
    shown: dict[str, Any] = {key: _words(names) for key, names in sets.items() if names}
    if when.expired is not None:
        shown["expired"] = when.expired
    facts = {}
    for fact in when.facts:
        parts = {"is": fact.one_of, "not": fact.none_of, "within": fact.within}
        facts[fact.name] = {key: _words(names) for key, names in parts.items() if names}
        if fact.at_most is not None:
            facts[fact.name]["at_most"] = [str(fact.at_most)]
    return shown | ({"facts": facts} if facts else {})


def _words(names: frozenset[str] | None) -> list[str]:
    return sorted(name or "unknown" for name in names or ())


def as_text(policy: Policy) -> str:
    """The policy as YAML for reading; it is not a policy file."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 120
    out = io.StringIO()
    yaml.dump(as_data(policy), out)
    return out.getvalue()
