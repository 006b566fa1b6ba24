"""OCSF 1.9 for a SIEM: API Activity (6003) with `ai_operation`, `security_control` and `record_integrity`.

A transfer is one event when it is decided and another, with its status, when it ends; both share `correlation_uid`. A
refusal is one event. The attestation's fingerprint is over the event's RFC 8785 bytes without the fingerprint itself,
as its object asks; it has no signature and no `prev_event`: what is signed and in order is the log, and `unmapped`
names index and leaf hash of the entry that the event was made of, where they can be proven.
"""

import hashlib
from typing import Any

import orjson

from audit.formats.base import LineFormat, Place
from audit.values import ExportFormat

SCHEMA = "1.9.0"
CATEGORY, CLASS = 6, 6003
CREATE = 1
ALLOWED, DENIED = 1, 2
_DISPOSITION = {"allowed": 1, "blocked": 2, "corrected": 11, "logged": 17}
_SUCCESS, _FAILURE, _UNKNOWN = 1, 2, 0
_STATES = {"complete": _SUCCESS, "interrupted": _UNKNOWN}
"""How an outcome's state reads as a status; every other one is a failure."""
_INFORMATIONAL, _LOW = 1, 2
_SHA256 = 3

type Facts = dict[str, Any]


def _line(entry: bytes, place: Place) -> bytes | None:
    facts: Facts = orjson.loads(entry)
    if facts["kind"] not in {"transfer", "blocked", "outcome"}:
        return None
    return orjson.dumps(event(facts, place), option=orjson.OPT_SORT_KEYS)


def event(facts: Facts, place: Place) -> Facts:
    """The event of a transfer, a refusal or an outcome."""
    common: Facts = {
        "category_uid": CATEGORY,
        "class_uid": CLASS,
        "activity_id": CREATE,
        "type_uid": CLASS * 100 + CREATE,
        "time": facts["at"],
        "metadata": {
            "version": SCHEMA,
            "product": {"name": "dragoman", "vendor_name": "dragoman"},
            "profiles": ["ai_operation", "security_control", "record_integrity"],
            "uid": f"{place.log}/{place.index}",
            "original_event_uid": f"{facts['id']}/{facts['attempt']}/{facts['kind']}",
            "correlation_uid": facts["id"],
            "log_name": place.log,
        },
    }
    found = common | (_after(facts, place) if facts["kind"] == "outcome" else _before(facts, place))
    attestation: Facts = {
        "uid": common["metadata"]["uid"],
        "authority_uid": place.log,
        "chain_uid": place.log,
    }
    found["attestation_list"] = [attestation]
    # Strings, whole numbers and ASCII names only: sorted keys give the bytes of RFC 8785.
    digest = hashlib.sha256(orjson.dumps(found, option=orjson.OPT_SORT_KEYS)).hexdigest()
    attestation["fingerprint"] = {"algorithm_id": _SHA256, "algorithm": "SHA-256", "value": digest}
    return found


def _before(facts: Facts, place: Place) -> Facts:
    blocked = facts["kind"] == "blocked"
    destination, purpose = facts.get("destination", {}), facts.get("purpose", {})
    endpoint = {"hostname": facts.get("host", "unknown"), "name": destination.get("name", "unknown")}
    known = {name: facts[name] for name in ("environment", "door", "mode", "network", "session") if name in facts}
    declared = {
        "purpose": purpose.get("name"),
        "controller": purpose.get("controller"),
        "legal_basis": purpose.get("basis"),
        "contracting_entity": destination.get("contracting_entity"),
        "role": destination.get("role"),
        "transfer_mechanism": destination.get("transfer"),
        "retention": destination.get("retention"),
        "training": destination.get("training"),
    }
    return {
        **_decision(facts, blocked=blocked),
        "severity_id": _LOW if blocked else _INFORMATIONAL,
        "status_id": _FAILURE if blocked else _UNKNOWN,
        **({"status_code": facts["reason"]} if blocked else {}),
        "actor": {"application": {"name": facts["application"]}},
        "api": {
            "operation": facts.get("endpoint", "unknown"),
            "request": {"uid": facts["id"]},
            "service": {"name": facts.get("provider", "unknown")},
        },
        "src_endpoint": {"name": facts["application"]},
        "dst_endpoint": endpoint,
        "ai_model": {"name": facts.get("model", "unknown"), "ai_provider": facts.get("provider", "unknown")},
        "message_context": {"application": {"name": facts["application"]}},
        "unmapped": {
            **_entry(place),
            **known,
            **{name: value for name, value in declared.items() if value is not None},
            "findings": _counted(facts),
            "bytes_in": facts["bytes_in"],
            **({"bytes_out": facts["bytes_out"]} if "bytes_out" in facts else {}),
        },
    }


def _decision(facts: Facts, *, blocked: bool) -> Facts:
    changed = any(row["operator"] != "keep" for row in facts.get("findings", ()))
    if blocked:
        disposition = "blocked"
    elif facts["observe"]:
        disposition = "logged"
    else:
        disposition = "corrected" if changed else "allowed"
    policy = {"name": facts.get("policy_name", "unknown"), "uid": facts.get("policy_digest", "unknown")}
    return {
        "action_id": DENIED if blocked else ALLOWED,
        "disposition_id": _DISPOSITION[disposition],
        "policy": policy | ({"version": facts["policy_version"]} if "policy_version" in facts else {}),
    }


def _after(facts: Facts, place: Place) -> Facts:
    tokens = {"prompt_tokens": facts.get("tokens_in"), "completion_tokens": facts.get("tokens_out")}
    answered = facts.get("upstream_status", facts.get("status"))
    return {
        "severity_id": _INFORMATIONAL,
        "status_id": _STATES.get(facts["state"], _FAILURE),
        "status_code": facts.get("error", facts["state"]),
        "actor": {"application": {"name": "dragoman"}},
        "api": {"operation": "outcome", "request": {"uid": facts["id"]}},
        "src_endpoint": {"name": facts["node"]},
        **({"http_response": {"code": answered}} if answered is not None else {}),
        "message_context": {
            "application": {"name": "dragoman"},
            **{name: value for name, value in tokens.items() if value is not None},
        },
        "unmapped": {
            **_entry(place),
            "state": facts["state"],
            "restored": facts["restored"],
            "bytes_received": facts["bytes_received"],
            "findings": _counted(facts),
        },
    }


def _entry(place: Place) -> Facts:
    return {"audit_index": place.index, "audit_leaf": place.leaf}


def _counted(facts: Facts) -> list[Facts]:
    """How many of each kind of data and operator."""
    sums: dict[tuple[str, str], int] = {}
    for row in facts.get("findings", ()):
        key = row["entity_type"], row["operator"]
        sums[key] = sums.get(key, 0) + row["n"]
    return [{"entity_type": kind, "operator": operator, "n": n} for (kind, operator), n in sorted(sums.items())]


FORMAT = LineFormat(ExportFormat.OCSF, _line)
