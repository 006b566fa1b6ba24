"""A false positive handled: an exception for one value, with an end, an approver, and a case that proves it.

The value enters as a keyed hash; the text of the policy file enters and leaves. Nothing is written here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import product

from policies.errors import UnknownNameError, UsageError
from policies.language.edit import add_exception
from policies.language.problems import closest
from policies.load import Loaded
from policies.model import Action, Consent, FindingFacts, Flag, PolicyInput, SubjectFacts
from policies.policy import Policy

MAX_DAYS = 366
"""An exception that nobody looks at for longer is a rule."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for. refs: keyed hashes of the value. applications: empty for all. rule, destination: may be ""."""

    entity_type: str
    refs: frozenset[str]
    applications: tuple[str, ...]
    days: int
    because: str
    approved_by: str
    rule: str = ""
    destination: str = ""


@dataclass(frozen=True, slots=True)
class Excepted:
    """The new text of the file, the rule that the value is excepted from, and the exception's last day."""

    text: str
    rule: str
    until: date


def except_value(text: str, loaded: Loaded, wanted: Wanted, today: date) -> Excepted:
    """The file with the exception. Raises UsageError, UnknownNameError for a request that makes no sense."""
    policy = loaded.policy
    if not 1 <= wanted.days <= MAX_DAYS:
        raise UsageError(f"an exception lasts 1 to {MAX_DAYS} days")
    for name in wanted.applications:
        _known("application", name, policy.applications)
    if wanted.destination:
        _known("destination", wanted.destination, policy.destinations)
    known = {one for types in policy.groups.values() for one in types} | {one.name for one in policy.entities}
    _known("entity type", wanted.entity_type, sorted(known))
    rule, destination, application = _deciding(policy, wanted, today)
    until = today + timedelta(days=wanted.days)
    new = add_exception(
        text,
        rule=rule,
        entity_type=wanted.entity_type,
        refs=sorted(wanted.refs),
        destination=destination,
        application=application,
        applications=wanted.applications,
        until=until,
        approved_by=wanted.approved_by,
        because=wanted.because,
        flags={"consent": "given", "objected": "no", "minor": "no"} if policy.index.uses_flags else {},
    )
    return Excepted(new, rule, until)


def _known(what: str, name: str, known: Iterable[str]) -> None:
    names = list(known)
    if name not in names:
        raise UnknownNameError(f"there is no {what} '{name[:60]}'; {closest(name, names)}")


def _deciding(policy: Policy, wanted: Wanted, today: date) -> tuple[str, str, str]:
    """The rule that changes or stops such values, and a destination and an application for which it does."""
    at = datetime.combine(today, time(12), UTC)
    # What is stopped for want of consent is not stopped for its value: of that no value is ever excepted.
    willing = SubjectFacts("requester", Consent.GIVEN, Flag.NO, Flag.NO)
    finding = FindingFacts(wanted.entity_type, segment_kind="user")
    destinations = (wanted.destination,) if wanted.destination else tuple(policy.destinations)
    applications = wanted.applications or ("", *policy.applications)
    found: dict[str, tuple[str, str, str]] = {}
    for destination, application in product(destinations, applications):
        decision = policy.decide(PolicyInput(application, destination, at, (finding,), subjects=(willing,))).decisions[
            0
        ]
        if decision.rule_id and decision.action is not Action.ALLOW:
            found.setdefault(decision.rule_id, (decision.rule_id, destination, application))
    if wanted.rule:
        _known("rule", wanted.rule, [rule.id for rule in policy.rules])
        if wanted.rule not in found:
            raise UsageError(f"rule '{wanted.rule}' does not decide about {wanted.entity_type} there")
        return found[wanted.rule]
    if not found:
        raise UsageError(f"no rule changes or stops {wanted.entity_type} there, so there is nothing to except it from")
    if len(found) > 1:
        raise UsageError(f"several rules decide about {wanted.entity_type}; say --rule {' or --rule '.join(found)}")
    return next(iter(found.values()))
