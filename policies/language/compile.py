"""Rules as written become rules as applied: names resolved, conditions as sets, decisions made once.

What makes no sense together (a route without `to`, a mirror that looks at findings) is an error here, where file, line
and column are still known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from policies.facts import FACTS, FactKind, expand_countries
from policies.groups import ENTITY_TYPES
from policies.language.fields import FactCondition
from policies.language.resolve import UNKNOWN_NAME, Findings
from policies.language.schema import DestinationCondition, PolicyFile, RuleSection, TimeCondition, WhenSection
from policies.language.tree import Path
from policies.model import Action, Decision, MediaKind, Operator, ParamValue
from policies.rules import DestinationWhen, Does, FactWhen, Names, Rule, SubjectWhen, When, Window

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ACTIONS = {
    Does.ALLOW: Action.ALLOW,
    Does.ROUTE: Action.ROUTE,
    Does.HOLD: Action.HOLD,
    Does.BLOCK: Action.BLOCK,
    Does.MIRROR: Action.ALLOW,
}
# What an operator can be told; `redaction.operators` reads these.
PARAMS: Mapping[Does, Mapping[str, type]] = {
    Does.MASK: {"keep": int, "char": str},
    Does.HASH: {"length": int},
    Does.SURROGATE: {"locale": str},
}
SEGMENTS = (
    *("system", "user", "assistant", "tool_definition", "tool_arguments", "tool_result", "key", "number"),
    *("metadata", "path", "query", "header", "file", "unknown"),
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Everything a rule may refer to."""

    groups: Mapping[str, Names]
    entities: Names
    file: PolicyFile


def compile_rules(file: PolicyFile, groups: Mapping[str, Names], found: Findings) -> tuple[Rule, ...]:
    """The rules in their order; problems go to `found`."""
    names = Vocabulary(groups, ENTITY_TYPES | set(file.entities), file)
    seen: dict[str, int] = {}
    rules = []
    for position, section in enumerate(file.rules):
        path: Path = ("rules", position)
        if section.id in seen:
            hint = f"rule {seen[section.id] + 1} has it already"
            found.add((*path, "id"), f"two rules have the id '{section.id}'", "duplicate_id", hint)
        seen.setdefault(section.id, position)
        rules.append(_rule(path, position, section, names, found))
    return tuple(rules)


def _rule(path: Path, position: int, section: RuleSection, names: Vocabulary, found: Findings) -> Rule:
    does = Does(section.do)
    _check_target(path, section, does, names, found)
    _check_sense(path, section, does, found)
    action = _ACTIONS.get(does, Action.TRANSFORM)
    operator = Operator(does.value) if action is Action.TRANSFORM else Operator.KEEP
    decision = Decision(
        action=action,
        rule_id=section.id,
        operator=operator,
        params=_params(path, section, does, found),
        because=section.because,
        to=section.to or "",
    )
    when = _when((*path, "when"), section.when, names, found)
    keep_days = section.keep.days if section.keep is not None else 0
    trains, purpose = section.output_may_train == "yes", section.purpose or ""
    return Rule(section.id, position, does, when, decision, trains, purpose, keep_days)


def _check_target(path: Path, section: RuleSection, does: Does, names: Vocabulary, found: Findings) -> None:
    sends = does in (Does.ROUTE, Does.MIRROR)
    if sends and section.to is None:
        found.add((*path, "do"), f"`do: {does.value}` needs a destination", "missing_key", "add `to: DESTINATION`")
    elif not sends and section.to is not None:
        found.add((*path, "to"), f"`do: {does.value}` goes nowhere else", "senseless", "delete `to`, or `do: route`")
    elif section.to is not None and section.to not in names.file.destinations:
        found.unknown((*path, "to"), "destination", section.to, names.file.destinations)
    _check_mirror(path, section, does, names, found)


def _check_mirror(path: Path, section: RuleSection, does: Does, names: Vocabulary, found: Findings) -> None:
    if does is not Does.MIRROR:
        for key, given, message in (
            ("output_may_train", section.output_may_train == "yes", "only a mirror's answer could train"),
            ("purpose", section.purpose is not None, "only a mirror has a purpose of its own"),
            ("keep", section.keep is not None, "only what a mirror answers can be kept"),
        ):
            if given:
                found.add((*path, key), message, "senseless", "delete the line")
    elif section.purpose is not None and section.purpose not in names.file.purposes:
        found.unknown((*path, "purpose"), "purpose", section.purpose, names.file.purposes)


def _check_sense(path: Path, section: RuleSection, does: Does, found: Findings) -> None:
    when = section.when
    about_findings = {
        "entity": when.entity,
        "score_at_least": when.score_at_least,
        "count_at_least": when.count_at_least,
        "segment": when.segment,
        "recognizer": when.recognizer,
    }
    named = [key for key, value in about_findings.items() if value is not None]
    if does is Does.MIRROR and (named or when.media):
        key = (named or ["media"])[0]
        message = "a mirror looks at whole transfers, not at findings or media"
        found.add(
            (*path, "when", key), message, "senseless", f"delete `{key}`; findings are always replaced in the copy"
        )
    if when.media is not None:
        if named:
            found.add((*path, "when", named[0]), "a rule looks at media or at findings", "senseless", "make two rules")
        if does not in (Does.BLOCK, Does.HOLD, Does.ROUTE, Does.MIRROR):
            hint = "what may pass stands in the `media` table of the policy or the application"
            found.add((*path, "do"), "a rule about media can block, hold or route", "senseless", hint)
    if when.entity == ("none",) and len(named) > 1:
        found.add((*path, "when", named[1]), f"where nothing was found there is no `{named[1]}`", "senseless")
    if when.entity and "none" in when.entity and len(when.entity) > 1:
        found.add((*path, "when", "entity"), "`none` stands alone", "senseless", "make a rule of its own for it")
    if when.count_at_least is not None and does in (Does.ALLOW, Does.TOKENIZE, Does.SURROGATE):
        message = "a rule that counts can only restrict: block, hold, route, redact, mask or hash"
        found.add((*path, "do"), message, "senseless", "one finding more must never weaken a decision")


def _params(path: Path, section: RuleSection, does: Does, found: Findings) -> tuple[tuple[str, ParamValue], ...]:
    known = PARAMS.get(does, {})
    for name, value in section.params.items():
        if name not in known:
            found.unknown((*path, "params", name), "parameter", name, known, of=f"`{does.value}`")
        elif not isinstance(value, known[name]):
            kind = "a whole number" if known[name] is int else "a text"
            found.add((*path, "params", name), f"'{name}' should be {kind}", "wrong_type")
    return tuple(sorted(section.params.items()))


def _when(path: Path, section: WhenSection, names: Vocabulary, found: Findings) -> When:
    file = names.file
    any_entity, rest, entities = _entities((*path, "entity"), section.entity, names, found)
    return When(
        entities=entities,
        any_entity=any_entity,
        rest=rest,
        segments=_known((*path, "segment"), section.segment, "kind of segment", SEGMENTS, found),
        languages=_set(section.language),
        recognizers=_set(section.recognizer),
        score_at_least=section.score_at_least or 0.0,
        count_at_least=section.count_at_least or 0,
        media=_media((*path, "media"), section.media, found),
        applications=_named((*path, "application"), section.application, "application", file.applications, found),
        applications_not=_named(
            (*path, "application_not"), section.application_not, "application", file.applications, found
        ),
        destination=_destination((*path, "destination"), section.destination, names, found),
        purposes=_named((*path, "purpose"), section.purpose, "purpose", file.purposes, found),
        purposes_not=_named((*path, "purpose_not"), section.purpose_not, "purpose", file.purposes, found),
        subject=_subject(section),
        endpoints=_set(section.endpoint),
        models=_set(section.model),
        size_at_least=section.size_at_least or 0,
        window=_window((*path, "time"), section.time, found),
        share=None if section.share is None else round(section.share * 100),
    )


def _entities(
    path: Path, listed: Sequence[str] | None, names: Vocabulary, found: Findings
) -> tuple[bool, bool, Names | None]:
    """Whether every finding is meant, whether the rest is, and the types named."""
    if listed is None:
        return False, False, None
    types: set[str] = set()
    for index, name in enumerate(listed):
        group = name.removeprefix("group:")
        if group != name:
            if group not in names.groups:
                found.unknown((*path, index), "group", group, names.groups)
            types |= names.groups.get(group, frozenset())
        elif name not in ("any", "none"):
            if name not in names.entities:
                known = [*sorted(names.entities), "any", "none", *(f"group:{one}" for one in names.groups)]
                found.unknown((*path, index), "entity type", name, known)
            types.add(name)
    return "any" in listed, "none" in listed, frozenset(types)


def _destination(
    path: Path, section: DestinationCondition | None, names: Vocabulary, found: Findings
) -> DestinationWhen | None:
    if section is None:
        return None
    known = names.file.destinations
    return DestinationWhen(
        names=_named((*path, "name"), section.name, "destination", known, found),
        names_not=_named((*path, "name_not"), section.name_not, "destination", known, found),
        operators=_set(section.operator),
        operators_not=_set(section.operator_not),
        roles=_set(section.role),
        roles_not=_set(section.role_not),
        transfers=_set(section.transfer),
        transfers_not=_set(section.transfer_not),
        store=_set(section.store),
        expired=None if section.expired is None else section.expired == "yes",
        facts=tuple(_fact((*path, "facts", name), name, one, found) for name, one in section.facts.items()),
    )


def _fact(path: Path, name: str, section: FactCondition, found: Findings) -> FactWhen:
    kind = FACTS[name]
    for key, words in (("is", section.is_), ("not", section.not_)):
        for word in words or ():
            if kind.kind is FactKind.WORD and word not in (*kind.words, UNKNOWN_NAME):
                found.unknown((*path, key), "value", word, (*kind.words, UNKNOWN_NAME), of=name)
    if section.at_most is not None and kind.kind is not FactKind.DAYS:
        found.add((*path, "at_most"), f"{name} is not a number", "senseless", "use `is` or `not`")
    if section.within is not None and kind.kind is not FactKind.COUNTRIES:
        found.add((*path, "within"), f"{name} is not a list of countries", "senseless", "use `is` or `not`")
    within = None if section.within is None else expand_countries(section.within)
    return FactWhen(name, _set(section.is_), _set(section.not_), within, section.at_most)


def _subject(section: WhenSection) -> SubjectWhen | None:
    one = section.subject
    if one is None:
        return None
    return SubjectWhen(_set(one.consent), _set(one.objected), _set(one.minor), one.participants == "all")


def _window(path: Path, section: TimeCondition | None, found: Findings) -> Window | None:
    if section is None:
        return None
    try:
        zone = ZoneInfo(section.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = "write it as in the IANA list, like Europe/Berlin or Asia/Ho_Chi_Minh"
        found.add((*path, "zone"), f"there is no time zone '{section.zone[:60]}'", "unknown_name", hint)
        zone = ZoneInfo("UTC")
    start, end = _minutes(section.from_), _minutes(section.to)
    if start == end:
        found.add((*path, "to"), "the window begins and ends at the same time", "senseless")
    return Window(frozenset(_DAYS.index(day) for day in section.days), start, end, zone)


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _media(path: Path, listed: Sequence[str] | None, found: Findings) -> Names | None:
    kinds = [kind.value for kind in MediaKind]
    for index, name in enumerate(listed or ()):
        if name not in kinds and "/" not in name:
            found.unknown((*path, index), "kind of media", name, kinds)
    return _set(listed)


def _named(
    path: Path, listed: Sequence[str] | None, what: str, known: Mapping[str, object], found: Findings
) -> Names | None:
    """Names of things in the file; `unknown` is the nameless one."""
    for index, name in enumerate(listed or ()):
        if name != UNKNOWN_NAME and name not in known:
            found.unknown((*path, index), what, name, [*known, UNKNOWN_NAME])
    return None if listed is None else frozenset("" if name == UNKNOWN_NAME else name for name in listed)


def _known(path: Path, listed: Sequence[str] | None, what: str, known: Sequence[str], found: Findings) -> Names | None:
    for index, name in enumerate(listed or ()):
        if name not in known:
            found.unknown((*path, index), what, name, known)
    return _set(listed)


def _set(listed: Sequence[str] | None) -> Names | None:
    return None if listed is None else frozenset(listed)
