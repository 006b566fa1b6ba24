"""Everything that a policy can tell apart, as a finite space of points.

Each dimension (what was found, how sure, where it goes, which flags, ...) is cut into the pieces between which some
rule makes a difference; a rule is then a box in that space and a transfer with one finding is a point. Lint asks it
which rules can be reached, diff walks it, and tests draw their inputs from it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import product

from policies.destination import Destination
from policies.groups import ENTITY_TYPES, SECRETS
from policies.model import Consent, FindingFacts, Flag, PolicyInput, SubjectFacts
from policies.policy import Policy
from policies.rules import DestinationWhen, Does, Flags, Rule, SubjectWhen, When, Window, covers_rest

type Box = tuple[int, ...]
"""Per dimension a bit mask of its pieces."""

REST = "(nothing found)"
OTHER = "(any other)"
DIMENSIONS = (
    *("item", "situation", "score", "segment", "language", "recognizer", "flags"),
    *("endpoint", "model", "size", "time", "share"),
)


@dataclass(frozen=True, slots=True)
class Situation:
    """Who sends what for to whom; expired: the destination's last day has passed."""

    application: str
    purpose: str
    destination: str
    expired: bool


class Space:
    """The space of one policy, or of several at once (for comparing them).

    items: one entity type for each class of types that no rule tells apart. members: the whole class by that type.
    """

    def __init__(self, policies: Sequence[Policy], *, entity_types: Iterable[str] = ()) -> None:
        self.policies = tuple(policies)
        rules = [rule for policy in policies for rule in policy.rules]
        whens = [rule.when for rule in rules]
        named = {name for when in whens for name in when.entities or ()} | set(entity_types)
        self.members = _classes(sorted(named), whens, self.policies)
        self.items = (REST, *(name for name in self.members if name != OTHER), OTHER)
        self.scores = _thresholds(when.score_at_least for when in whens)
        self.segments = _words(when.segments for when in whens)
        self.languages = _words(when.languages for when in whens)
        self.recognizers = _words(when.recognizers for when in whens)
        self.endpoints = _words(when.endpoints for when in whens)
        self.models = _words(when.models for when in whens)
        self.sizes = _thresholds(when.size_at_least for when in whens)
        self.shares = _thresholds(when.share for when in whens)
        self.flags = _flag_pieces(dict.fromkeys(when.subject for when in whens if when.subject))
        self.windows = tuple(dict.fromkeys(when.window for when in whens if when.window))
        self.situations = tuple(dict.fromkeys(one for policy in policies for one in _situations(policy)))

    @cached_property
    def times(self) -> tuple[tuple[int, int, int], ...]:
        """Pieces of the week as (month, weekday, minute in UTC), one for each combination of open windows."""
        seen: dict[tuple[bool, ...], tuple[int, int, int]] = {}
        for piece in _moments(self.windows):
            moment = _instant(self.years[0], piece)
            seen.setdefault(tuple(window.holds(moment) for window in self.windows), piece)
        return tuple(seen.values())

    @cached_property
    def years(self) -> tuple[int, int]:
        """A year before every destination's last day, and one after."""
        untils = [one.until for policy in self.policies for one in policy.destinations.values() if one.until]
        return (min(untils).year - 1, max(untils).year + 1) if untils else (2026, 2027)

    @cached_property
    def sizes_of(self) -> tuple[int, ...]:
        """How many pieces each dimension has, in the order of DIMENSIONS."""
        return tuple(len(pieces) for pieces in self._pieces)

    @cached_property
    def _pieces(self) -> tuple[Sequence[object], ...]:
        return (
            *(self.items, self.situations, self.scores, self.segments, self.languages, self.recognizers, self.flags),
            *(self.endpoints, self.models, self.sizes, self.times, (*self.shares, None)),
        )

    def whole(self) -> Box:
        """The box that holds every point."""
        return tuple((1 << size) - 1 for size in self.sizes_of)

    def points(self) -> Iterator[tuple[int, ...]]:
        """Every point, as an index per dimension."""
        return product(*(range(size) for size in self.sizes_of))

    def describe(self, point: Sequence[int]) -> dict[str, object]:
        """A point's pieces by the dimension's name."""
        return {name: pieces[index] for name, pieces, index in zip(DIMENSIONS, self._pieces, point, strict=True)}

    def input_at(self, point: Sequence[int]) -> PolicyInput:
        """A transfer at a point: one finding, or none."""
        item, place, score, segment, language, recognizer, flags, endpoint, model, size, moment, share = point
        situation = self.situations[place]
        found = self.items[item]
        spoken = self.languages[language]
        facts = FindingFacts(
            found if found != OTHER else "SOMETHING_ELSE",
            min(1.0, float(self.scores[score])),
            self.segments[segment] or "unknown",
            spoken,
            self.recognizers[recognizer],
        )
        return PolicyInput(
            application=situation.application,
            destination=situation.destination,
            time=_instant(self.years[1 if situation.expired else 0], self.times[moment]),
            findings=() if found == REST else (facts,),
            purpose=situation.purpose,
            subjects=_subjects(self.flags[flags]),
            languages=frozenset({spoken} if spoken else ()),
            size=int(self.sizes[size]),
            endpoint=self.endpoints[endpoint],
            model=self.models[model],
            session_bucket=None if share == len(self.shares) else int(self.shares[share]),
        )


class Boxes:
    """Makes the boxes of one policy's rules in a space."""

    def __init__(self, space: Space, policy: Policy) -> None:
        self._space = space
        self._policy = policy
        self._destinations: dict[DestinationWhen | None, int] = {}
        self._masks: dict[tuple[str, str], int] = {}
        for index, situation in enumerate(space.situations):
            bit = 1 << index
            for key in (
                ("application", situation.application),
                ("purpose", situation.purpose),
                ("destination", situation.destination),
                ("expired", str(situation.expired)),
            ):
                self._masks[key] = self._masks.get(key, 0) | bit

    def of(self, rule: Rule) -> Box:
        """The box in which the rule applies to a finding or to the rest; a dimension it cannot meet is 0."""
        space, when = self._space, rule.when
        return (
            self._items(rule),
            self._situation(rule),
            _mask(space.scores, lambda score: score >= when.score_at_least),
            _mask(space.segments, lambda word: when.segments is None or (word or "unknown") in when.segments),
            _named(space.languages, when.languages),
            _named(space.recognizers, when.recognizers),
            _mask(space.flags, lambda flags: when.subject is None or when.subject.holds(flags)),
            _named(space.endpoints, when.endpoints),
            _named(space.models, when.models),
            _mask(space.sizes, lambda size: size >= when.size_at_least),
            self._time(when.window),
            self._share(when.share),
        )

    def _items(self, rule: Rule) -> int:
        when = rule.when
        if when.media is not None:
            return 0
        rest = 1 if covers_rest(rule) or rule.does is Does.MIRROR else 0
        if rule.does is Does.MIRROR:
            return rest
        if when.any_entity or not when.names_entities:
            return rest | (((1 << len(self._space.items)) - 1) & ~1)
        return rest | _named(self._space.items, when.entities or frozenset())

    def _situation(self, rule: Rule) -> int:
        when = rule.when
        mask = self._destination(when.destination)
        mask &= self._any("application", when.applications) & ~self._none("application", when.applications_not)
        mask &= self._any("purpose", when.purposes) & ~self._none("purpose", when.purposes_not)
        if rule.permits and not (when.destination and when.destination.expired):
            mask &= ~self._masks.get(("expired", "True"), 0)
        if rule.does is Does.ROUTE:
            mask &= ~self._masks.get(("destination", rule.decision.to), 0)
        return mask

    def _destination(self, when: DestinationWhen | None) -> int:
        found = self._destinations.get(when)
        if found is None:
            found = _mask(self._space.situations, lambda one: when is None or self._fits(when, one))
            self._destinations[when] = found
        return found

    def _fits(self, when: DestinationWhen, one: Situation) -> bool:
        destination: Destination = self._policy.destination(one.destination)
        return when.holds(destination, one.purpose, one.expired)

    def _any(self, kind: str, names: frozenset[str] | None) -> int:
        if names is None:
            return (1 << len(self._space.situations)) - 1
        return self._none(kind, names)

    def _none(self, kind: str, names: frozenset[str] | None) -> int:
        mask = 0
        for name in names or ():
            mask |= self._masks.get((kind, name), 0)
        return mask

    def _time(self, window: Window | None) -> int:
        space = self._space
        if window is None:
            return (1 << len(space.times)) - 1
        return _mask(space.times, lambda piece: window.holds(_instant(space.years[0], piece)))

    def _share(self, share: int | None) -> int:
        pieces = self._space.shares
        everything = (1 << (len(pieces) + 1)) - 1
        return everything if share is None else _mask(pieces, lambda bucket: bucket < share)


def _mask[T](pieces: Sequence[T], fits: Callable[[T], bool]) -> int:
    mask = 0
    for index, piece in enumerate(pieces):
        if fits(piece):
            mask |= 1 << index
    return mask


def _named(pieces: Sequence[str], names: frozenset[str] | None) -> int:
    return _mask(pieces, lambda piece: names is None or piece in names)


def _words(sets: Iterable[frozenset[str] | None]) -> tuple[str, ...]:
    """The words that rules name, and "" for any other."""
    return ("", *sorted({word for one in sets for word in one or ()}))


def _thresholds(values: Iterable[float | None]) -> tuple[float, ...]:
    """The lower ends of the intervals between thresholds."""
    return tuple(sorted({0.0, *(float(value) for value in values if value)}))


def _situations(policy: Policy) -> Iterator[Situation]:
    """Every situation that gets past what comes before the rules, those of mirrored copies included."""
    applications = [(name, ("", *app.purposes)) for name, app in policy.applications.items()]
    if policy.unknown_applications == "allow":
        applications.append(("", ("", *policy.purposes)))
    destinations = [(name, one.until is not None) for name, one in policy.destinations.items()]
    if policy.unknown_hosts == "pass":
        destinations.append(("", False))
    for application, purposes in applications:
        own = policy.purpose_for(application)
        for rule in policy.rules:
            if rule.does is Does.MIRROR and rule.purpose:
                yield Situation(application, rule.purpose, rule.decision.to, False)
        for purpose in dict.fromkeys(purpose or own for purpose in purposes):
            for destination, ends in destinations:
                yield Situation(application, purpose, destination, False)
                if ends:
                    yield Situation(application, purpose, destination, True)


_CONSENTS = ("withdrawn", "unknown", "given")
_FLAGS = ("yes", "unknown", "no")


def _flag_pieces(conditions: Iterable[SubjectWhen]) -> tuple[Flags, ...]:
    """Flags of the requester, and of everybody (at least as restrictive), one for each way the conditions see them."""
    whens = tuple(conditions)
    consents = [(own, worst) for i, own in enumerate(_CONSENTS) for worst in _CONSENTS[: i + 1]]
    flags = [(own, worst) for i, own in enumerate(_FLAGS) for worst in _FLAGS[: i + 1]]
    seen: dict[tuple[bool, ...], Flags] = {}
    for c, o, m in product(consents, flags, flags):
        piece = (c[0], o[0], m[0], c[1], o[1], m[1])
        seen.setdefault(tuple(when.holds(piece) for when in whens), piece)
    return tuple(seen.values())


def _classes(names: Sequence[str], whens: Sequence[When], policies: Sequence[Policy]) -> dict[str, tuple[str, ...]]:
    """Entity types by the first of those that all rules treat alike; OTHER stands for types that no rule names."""
    listed = tuple(dict.fromkeys(when.entities for when in whens if when.entities))
    secrets = [policy.groups.get("secrets", SECRETS) for policy in policies if policy.observe]
    by_signature: dict[tuple[bool, ...], list[str]] = {}
    for name in names:
        signature = tuple(name in types for types in (*listed, *secrets))
        by_signature.setdefault(signature, []).append(name)
    classes = {OTHER: tuple(by_signature.pop((False,) * (len(listed) + len(secrets)), ()))}
    return classes | {types[0]: tuple(types) for types in by_signature.values()}


def _subjects(flags: Flags) -> tuple[SubjectFacts, ...]:
    def person(role: str, words: Sequence[str]) -> SubjectFacts:
        return SubjectFacts(role, Consent(words[0]), Flag(words[1]), Flag(words[2]))

    return (person("requester", flags[:3]), person("participant", flags[3:]))


def _moments(windows: Sequence[Window]) -> Iterator[tuple[int, int, int]]:
    """Every moment of a winter and a summer week at which a window may open or close."""
    yield (1, 0, 0)
    if not windows:
        return
    for month in (1, 7):
        for window in windows:
            for offset in range(-1, 8):
                for minute in (window.start, window.end):
                    local = datetime(2026, month, 12, tzinfo=window.zone) + timedelta(days=offset, minutes=minute)
                    moment = local.astimezone(UTC)
                    yield (month, moment.weekday(), moment.hour * 60 + moment.minute)


def _instant(year: int, piece: tuple[int, int, int]) -> datetime:
    """The piece's moment in a year, in the week after the 8th of its month."""
    month, weekday, minute = piece
    day = datetime(year, month, 8, tzinfo=UTC)
    return day + timedelta(days=(weekday - day.weekday()) % 7, minutes=minute)


def known_types(policies: Iterable[Policy]) -> frozenset[str]:
    """Every entity type that the policies know, built-in or their own."""
    return ENTITY_TYPES | {entity.name for policy in policies for entity in policy.entities}
