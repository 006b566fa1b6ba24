"""Whom a request is about: persons that headers or a field of the body name, and what they said about it.

Runs after the body was read. Identifiers become keyed references for the record and facts for the policy here, and go
no further.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from policies.model import SubjectFacts
from proxy.framing.coding import decode_body
from proxy.identity import Subject, trust_of
from proxy.messages import utf8
from proxy.steps.flag_facts import claim_facts, header_facts
from proxy.steps.work import GateLimits, Services, Work

MAX_IDENTIFIER = 512
"""Code points of an identifier in a body; what is longer is a text and no identifier."""


async def find_subjects(work: Work, services: Services, limits: GateLimits) -> None:
    """Sets the subjects of the record and of the decision. Raises what the ledger's references raise."""
    policy, identity = work.active.policy, work.identity
    subjects = identity.subjects
    if not subjects:
        named = await _own(work, services, limits)
        if named is not None:
            subjects = (named,)
            work.facts.subjects = await services.references.subjects(subjects)
    work.persons = subjects
    await find_flags(work, services, identity.purpose or policy.purpose_for(identity.application))


async def find_flags(work: Work, services: Services, purpose: str) -> None:
    """Sets what the persons of the transfer said about a purpose."""
    policy, identity, subjects = work.active.policy, work.identity, work.persons
    source = policy.subject_source
    if source is None:
        work.subjects = tuple([SubjectFacts(role=one.role) for one in subjects])
    elif source.source == "header":
        egress = work.facts.egress
        believed = trust_of(egress.peer, identity.identified_by == "credential", policy)(source.at)
        work.subjects = header_facts(
            [utf8(line) for line in egress.headers.all(source.at)] if believed else (), subjects, purpose
        )
    elif source.source == "claim":
        work.subjects = claim_facts(work.claims.get(source.at), subjects, purpose)
    else:
        work.subjects = await services.flags(source, subjects, purpose)


async def _own(work: Work, services: Services, limits: GateLimits) -> Subject | None:
    """The requester, where the policy says in which field or claim this application names them."""
    application = work.active.policy.applications.get(work.identity.application)
    where = application.subject if application is not None else ""
    if where.startswith("/"):
        return await services.offload(len(work.facts.egress.body), lambda: subject_in_body(work, where, limits))
    return _identifier(work.claims.get(where.removeprefix("claim:"))) if where.startswith("claim:") else None


def subject_in_body(work: Work, pointer: str, limits: GateLimits) -> Subject | None:
    """The requester that a JSON pointer (RFC 6901) names in the body, or None where it names no identifier."""
    egress = work.facts.egress
    body = decode_body(egress.body, egress.headers.get("content-encoding"), limit=limits.body_bytes)
    try:
        value: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    for step in pointer.split("/")[1:]:
        value = _member(value, step.replace("~1", "/").replace("~0", "~"))
    return _identifier(value)


def _identifier(value: Any) -> Subject | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return Subject(value) if isinstance(value, str) and 0 < len(value) <= MAX_IDENTIFIER else None


def _member(value: Any, step: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    return None
