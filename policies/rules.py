"""One compiled rule: its conditions as data, and whether it applies to a context, a finding, a media part or the rest.

Conditions over closed sets (application, destination, flags, entity type, language) are kept apart from those over
open ones (score, count, size, time, share), because the first can be indexed and the second must be asked each time.
No code, expression or pattern of a policy file ever runs here: a condition is data.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from policies.destination import UNKNOWN, Destination, FactValue
from policies.model import Consent, Decision, Flag, MediaPart, PolicyInput, SubjectFacts

type Names = frozenset[str]


class Does(StrEnum):
    """What a rule may do; several map to the action `transform`, and `mirror` adds a recipient."""

    ALLOW = "allow"
    TOKENIZE = "tokenize"
    SURROGATE = "surrogate"
    REDACT = "redact"
    MASK = "mask"
    HASH = "hash"
    ROUTE = "route"
    HOLD = "hold"
    BLOCK = "block"
    MIRROR = "mirror"


@dataclass(frozen=True, slots=True)
class FactWhen:
    """A condition on one fact. one_of, none_of: closed words (`unknown` is one). within: all of a list, and known."""

    name: str
    one_of: Names | None = None
    none_of: Names | None = None
    within: Names | None = None
    at_most: int | None = None

    def holds(self, value: FactValue) -> bool:
        """Whether the fact's value fits; a list fits `one_of` when any of its members does."""
        words = {str(item) for item in value} if isinstance(value, tuple) else {str(value)}
        if self.one_of is not None and not words & self.one_of:
            return False
        if self.none_of is not None and words & self.none_of:
            return False
        if self.within is not None and (UNKNOWN in words or not words <= self.within):
            return False
        return self.at_most is None or (isinstance(value, int) and value <= self.at_most)


@dataclass(frozen=True, slots=True)
class DestinationWhen:
    """Conditions on the recipient; names hold "" for a host that is not in the register."""

    names: Names | None = None
    names_not: Names | None = None
    operators: Names | None = None
    operators_not: Names | None = None
    roles: Names | None = None
    roles_not: Names | None = None
    transfers: Names | None = None
    transfers_not: Names | None = None
    store: Names | None = None
    expired: bool | None = None
    facts: tuple[FactWhen, ...] = ()

    def holds(self, destination: Destination, purpose: str, expired: bool) -> bool:
        """Whether every condition fits this destination for this purpose."""
        pairs = (
            (destination.name, self.names, self.names_not),
            (destination.operator, self.operators, self.operators_not),
            (destination.role_for(purpose), self.roles, self.roles_not),
            (destination.transfer, self.transfers, self.transfers_not),
            (destination.store, self.store, None),
        )
        if not all(_fits(word, wanted, unwanted) for word, wanted, unwanted in pairs):
            return False
        if self.expired is not None and self.expired != expired:
            return False
        return all(fact.holds(destination.fact(fact.name)) for fact in self.facts)


@dataclass(frozen=True, slots=True)
class SubjectWhen:
    """Conditions on what people said. everybody: asks all persons of the transfer, not only the requester."""

    consent: Names | None = None
    objected: Names | None = None
    minor: Names | None = None
    everybody: bool = False

    def holds(self, flags: "Flags") -> bool:
        """Whether the combined flags fit."""
        consent, objected, minor = flags[3:] if self.everybody else flags[:3]
        return _fits(consent, self.consent) and _fits(objected, self.objected) and _fits(minor, self.minor)


type Flags = tuple[str, str, str, str, str, str]
"""Consent, objected, minor of the requester, then the same three over everybody."""

# The most restrictive first.
_CONSENT_RANK = {Consent.WITHDRAWN: 0, Consent.UNKNOWN: 1, Consent.GIVEN: 2}
_FLAG_RANK = {Flag.YES: 0, Flag.UNKNOWN: 1, Flag.NO: 2}
_NOBODY = (SubjectFacts(),)
_NOTHING_KNOWN: Flags = ("unknown",) * 6


def combined_flags(subjects: tuple[SubjectFacts, ...]) -> Flags:
    """The most restrictive flag of the requester, and of everybody.

    A transfer without a known requester has one of whom nothing is known, so that silence never counts as consent.
    """
    if not subjects:
        return _NOTHING_KNOWN
    requesters = tuple([one for one in subjects if one.role == "requester"])
    if requesters == subjects:
        worst = _worst(subjects)
        return worst + worst
    return _worst(requesters or _NOBODY) + _worst(subjects if requesters else subjects + _NOBODY)


def _worst(subjects: tuple[SubjectFacts, ...]) -> tuple[str, str, str]:
    if len(subjects) == 1:
        one = subjects[0]
        return (one.consent, one.objected, one.minor)
    return (
        min([one.consent for one in subjects], key=_CONSENT_RANK.__getitem__),
        min([one.objected for one in subjects], key=_FLAG_RANK.__getitem__),
        min([one.minor for one in subjects], key=_FLAG_RANK.__getitem__),
    )


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of the week. days: 0 Monday to 6 Sunday. start, end: minutes of the day; end <= start wraps midnight."""

    days: frozenset[int]
    start: int
    end: int
    zone: ZoneInfo

    def holds(self, when: datetime) -> bool:
        """Whether the moment lies in the window; after midnight a wrapped window belongs to the day it began."""
        local = when.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        if self.start < self.end:
            return local.weekday() in self.days and self.start <= minute < self.end
        if minute >= self.start:
            return local.weekday() in self.days
        return minute < self.end and (local.weekday() - 1) % 7 in self.days


@dataclass(frozen=True, slots=True)
class When:
    """All conditions of a rule; None where a rule does not ask.

    entities: types, or None for any part. any_entity: every finding, whatever its type. rest: the text in which
    nothing was found. media: kinds and media types; such a rule looks at media parts and at nothing else.
    applications: "" stands for an unknown one. share: hundredths of a percent of the sessions.
    """

    entities: Names | None = None
    any_entity: bool = False
    rest: bool = False
    segments: Names | None = None
    languages: Names | None = None
    recognizers: Names | None = None
    score_at_least: float = 0.0
    count_at_least: int = 0
    media: Names | None = None
    applications: Names | None = None
    applications_not: Names | None = None
    destination: DestinationWhen | None = None
    purposes: Names | None = None
    purposes_not: Names | None = None
    subject: SubjectWhen | None = None
    endpoints: Names | None = None
    models: Names | None = None
    size_at_least: int = 0
    window: Window | None = None
    share: int | None = None

    @property
    def names_entities(self) -> bool:
        """False for a rule that says nothing about findings: it looks at findings and at the rest alike."""
        return self.any_entity or self.rest or self.entities is not None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as it is applied. position: 0-based place in the order. decision: what it decides, made once.

    adds: True for a rule that counts: it can only restrict, and the walk goes on to the rules below; otherwise one
    finding more could lift a count over its threshold and so choose a weaker rule. asks: True when it has conditions
    that are not in the index. alone: the outcome of a part that only this rule decides. All three are made once,
    because they are read for every finding of every transfer. purpose, keep_days: of a mirror, see `model.Mirror`.
    """

    id: str
    position: int
    does: Does
    when: When
    decision: Decision
    output_may_train: bool = False
    purpose: str = ""
    keep_days: int = 0
    adds: bool = field(init=False, repr=False, compare=False)
    asks: bool = field(init=False, repr=False, compare=False)
    alone: "Part" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        when = self.when
        put = object.__setattr__
        put(self, "adds", when.count_at_least > 0)
        put(self, "asks", bool(when.size_at_least or when.window is not None or when.share is not None))
        put(self, "alone", Part(self.decision, self.position, self.decision.action.rank, (self,)))

    @property
    def permits(self) -> bool:
        """True when the rule lets data go to the destination that was asked for."""
        return self.does not in (Does.BLOCK, Does.HOLD, Does.ROUTE)


@dataclass(frozen=True, slots=True)
class Part:
    """The outcome for one part of a transfer. position: of the deciding rule; fired: every rule that took part."""

    decision: Decision
    position: int
    rank: int
    fired: tuple[Rule, ...] = ()


class Context(NamedTuple):
    """The closed-set facts of a transfer, as an index key; names that no rule mentions are "" already.

    A tuple, because one is made for every decision.
    """

    application: str
    destination: str
    purpose: str
    expired: bool
    endpoint: str
    model: str
    flags: Flags | None


def applies(rule: Rule, context: Context, destination: Destination) -> bool:
    """Whether the rule can apply in this context at all, whatever the findings, the time and the size are."""
    when = rule.when
    if context.expired and rule.permits and not (when.destination and when.destination.expired):
        return False
    if rule.does is Does.ROUTE and rule.decision.to == context.destination:
        return False  # already there: a rule that sends data home does not send it home again
    if when.destination and not when.destination.holds(destination, context.purpose, context.expired):
        return False
    if when.subject and (context.flags is None or not when.subject.holds(context.flags)):
        return False
    return (
        _fits(context.application, when.applications, when.applications_not)
        and _fits(context.purpose, when.purposes, when.purposes_not)
        and _fits(context.endpoint, when.endpoints)
        and _fits(context.model, when.models)
    )


def covers_finding(rule: Rule, entity_type: str, segment_kind: str, language: str, recognizer: str) -> bool:
    """Whether the rule looks at findings of this kind (its score and its open conditions are asked later)."""
    when = rule.when
    if when.media is not None or rule.does is Does.MIRROR:
        return False
    if when.names_entities and not when.any_entity and entity_type not in (when.entities or ()):
        return False
    return (
        _fits(segment_kind, when.segments) and _fits(language, when.languages) and _fits(recognizer, when.recognizers)
    )


def covers_rest(rule: Rule) -> bool:
    """Whether the rule looks at the text in which nothing was found."""
    when = rule.when
    about_findings = when.segments is not None or when.recognizers is not None or when.score_at_least or rule.adds
    if when.media is not None or rule.does is Does.MIRROR or about_findings:
        return False
    return when.rest or not when.names_entities


def covers_media(rule: Rule, part: MediaPart) -> bool:
    """Whether the rule looks at this media part."""
    wanted = rule.when.media
    return wanted is not None and (part.kind in wanted or part.media_type in wanted)


def holds_now(rule: Rule, given: PolicyInput) -> bool:
    """Whether the open conditions of the transfer as a whole fit: size, time window, share."""
    when = rule.when
    if when.size_at_least and given.size < when.size_at_least:
        return False
    if when.share is not None and (given.session_bucket is None or given.session_bucket >= when.share):
        return False
    return when.window is None or when.window.holds(given.time)


def _fits(word: str, wanted: Names | None, unwanted: Names | None = None) -> bool:
    return (wanted is None or word in wanted) and (unwanted is None or word not in unwanted)
