"""What is allowed by the language and still probably wrong.

A policy that loaded enters, and today's date; warnings leave, each with its place and what to do. Nothing here keeps a
policy from being used: errors are found while loading.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from policies.destination import UNKNOWN
from policies.errors import Problem
from policies.groups import GROUP_OF
from policies.language.resolve import Findings
from policies.language.tree import Path
from policies.load import Loaded
from policies.reach import reach
from policies.register import EditionSection
from policies.rules import Does, Rule

FACT_AGE = timedelta(days=180)
EXCEPTION_NOTICE = timedelta(days=30)
LEAST_SCORE = 0.4
"""Detection drops weaker opinions (`redaction.merge.MIN_SCORE`)."""
# With fewer characters left, a mask shows the value; without digits it says nothing that helps a model.
_MASKABLE = frozenset({"financial", "government", "contact", "online"})
SURROGATES = frozenset(
    {
        "PERSON",
        "USERNAME",
        "EMAIL_ADDRESS",
        "PHONE_NUMBER",
        "IBAN_CODE",
        "CREDIT_CARD",
        "IP_ADDRESS",
        "US_SSN",
        "GB_NHS",
        "GB_NINO",
        "DE_TAX_ID",
        "MAC_ADDRESS",
        "STREET_ADDRESS",
        "POSTAL_CODE",
        "DATE_OF_BIRTH",
    }
)
"""Types that detection has stand-ins for; others get placeholders."""


def lint(loaded: Loaded, today: date) -> list[Problem]:
    """Every warning, in the order of the file."""
    found = Findings(loaded.tree, loaded.sources)
    _rules(loaded, found)
    _operators(loaded, found)
    _mirrors(loaded, found)
    _exceptions(loaded, found, today)
    _destinations(loaded, found, today)
    _applications(loaded, found)
    _entities(loaded, found)
    _conditions(loaded, found)
    if loaded.policy.response.buffer != "none":
        message = "answers are held back until they are inspected"
        hint = "`sentence` delays each sentence by the time it takes to write it, `all` the whole answer"
        found.add(("response", "buffer"), message, "delay", hint, warning=True)
    return sorted(set(found.problems))


def _rules(loaded: Loaded, found: Findings) -> None:
    """Rules that nothing reaches, and what is missing at the end."""
    settled = reach(loaded.policy)
    for one in settled:
        if not one.unreachable:
            continue
        path: Path = ("rules", one.rule.position, "id")
        if one.hidden_by:
            names = ", ".join(f"'{name}'" for name in one.hidden_by)
            hint = f"move it above {names}, or delete it"
            found.add(
                path,
                f"no transfer reaches rule '{one.rule.id}': {names} decided before",
                "shadowed",
                hint,
                warning=True,
            )
        else:
            message = f"no transfer can fit rule '{one.rule.id}'"
            found.add(path, message, "unreachable", "two of its conditions exclude each other", warning=True)
    if not any(rule.when.rest or not rule.when.names_entities for rule in loaded.policy.rules):
        message = "no rule is about the rest of a text, so every transfer is blocked"
        hint = "end the rules with `- {id: rest, when: {entity: none}, do: allow}`"
        found.add(("rules",), message, "nothing_passes", hint, warning=True)


def _operators(loaded: Loaded, found: Findings) -> None:
    for rule in loaded.policy.rules:
        for entity in sorted(rule.when.entities or ()):
            problem = _unfit(rule, entity)
            if problem:
                path: Path = ("rules", rule.position, "do")
                found.add(path, problem, "operator", "use `tokenize`, or `redact`", warning=True)
                break


def _mirrors(loaded: Loaded, found: Findings) -> None:
    for rule in loaded.policy.rules:
        if rule.keep_days and not rule.purpose and loaded.policy.purposes:
            message = f"'{rule.id}' keeps answers for the purpose that the application asked for"
            hint = "comparing models is another purpose: declare one, and name it with `purpose`"
            found.add(("rules", rule.position, "keep"), message, "mirror_purpose", hint, warning=True)


def _unfit(rule: Rule, entity: str) -> str:
    group = GROUP_OF.get(entity)
    if rule.does is Does.MASK and group is not None and group not in _MASKABLE:
        return f"a mask of {entity} shows its end, which can be most of it"
    if rule.does is Does.SURROGATE and group is not None and entity not in SURROGATES:
        return f"there is no stand-in for {entity}, so it becomes a placeholder"
    if rule.does is Does.HASH and group == "secrets":
        return f"a hash of {entity} lets others recognise the secret"
    return ""


def _exceptions(loaded: Loaded, found: Findings, today: date) -> None:
    for index, one in enumerate(loaded.file.exceptions):
        path: Path = ("exceptions", index, "until")
        if one.until < today:
            found.add(path, f"this exception ended on {one.until}", "ended", "delete it, or renew it", warning=True)
        elif one.until <= today + EXCEPTION_NOTICE:
            days = (one.until - today).days
            found.add(
                path, f"this exception ends in {days} days", "ends_soon", "decide whether to renew it", warning=True
            )
        if not one.applications:
            message = "this exception holds for every application"
            hint = "name `applications`, so that a private person of the same name is safe elsewhere"
            found.add(("exceptions", index), message, "broad", hint, warning=True)


def _destinations(loaded: Loaded, found: Findings, today: date) -> None:
    used = _destinations_of_prod(loaded)
    for name, one in loaded.policy.destinations.items():
        path: Path = ("destinations", name)
        if one.operator != "us" and not one.facts and name in used:
            message = f"nothing is known about '{name}'"
            found.add(
                path, message, "no_facts", "extend a bundled edition, or state `facts` with their source", warning=True
            )
        old = sorted(key for key, fact in one.facts.items() if fact.read and fact.read < today - FACT_AGE)
        if old:
            shown = ", ".join(old[:4])
            message = f"facts about '{name}' were read more than {FACT_AGE.days} days ago: {shown}"
            hint = f"`dragoman policy facts diff {name}` compares them with the register's newest edition"
            found.add(path, message, "old_facts", hint, warning=True)
        for key, fact in one.facts.items():
            if fact.declared and not fact.source and loaded.policy.environment == "prod":
                message = f"the fact '{key}' has no source"
                found.add(
                    (*path, "facts", key), message, "no_source", "write {value, source, read, quote}", warning=True
                )
        if one.until is not None and one.until < today:
            message = f"'{name}' ended on {one.until}; only rules with `destination: {{expired: yes}}` apply"
            found.add((*path, "until"), message, "ended", warning=True)
        _edition(loaded, name, found)


def _destinations_of_prod(loaded: Loaded) -> set[str]:
    """In prod every destination should be known; elsewhere one without facts is a matter of taste."""
    return set(loaded.policy.destinations) if loaded.policy.environment == "prod" else set()


def _edition(loaded: Loaded, name: str, found: Findings) -> None:
    bundled, _, day = loaded.policy.destinations[name].edition.removeprefix("bundled:").partition("@")
    if day and day < loaded.register.latest(bundled):
        latest = loaded.register.latest(bundled)
        message = f"the register has a newer edition of '{bundled}': {latest}"
        hint = f"`dragoman policy facts diff {name}` shows what changed"
        found.add(("destinations", name, "extends"), message, "newer_edition", hint, warning=True)
    if day and name in _destinations_of_prod(loaded):
        _plan(loaded, name, loaded.register.editions[bundled][day], found)


def _plan(loaded: Loaded, name: str, edition: EditionSection, found: Findings) -> None:
    """Plans of a provider may differ in who the contract is with: without one every record calls that unknown."""
    one = loaded.policy.destinations[name]
    differs = any("contracting_entity" in plan.facts for plan in edition.plans.values())
    if differs and one.fact("contracting_entity") == UNKNOWN:
        message = f"nothing says which plan of '{name}' is used, so who the contract is with stays unknown"
        hint = " or ".join(f"`plan: {plan}`" for plan in edition.plans)
        found.add(("destinations", name, "extends"), message, "no_plan", f"add {hint}", warning=True)


def _applications(loaded: Loaded, found: Findings) -> None:
    policy = loaded.policy
    for name, one in policy.applications.items():
        if not one.purpose and policy.purposes:
            message = f"'{name}' has no purpose, so its transfers stand in no record of processing"
            found.add(("applications", name), message, "no_purpose", "add `purpose: NAME`", warning=True)
    source = policy.subject_source
    if source is not None and source.source == "header" and not policy.trusts_header(source.at):
        message = f"nobody is believed when the header '{source.at[:60]}' speaks of consent, so everybody is unknown"
        hint = f"add `trust: {{{source.at[:60]}: [credential]}}`"
        found.add(("subject_flags", "at"), message, "nobody_believed", hint, warning=True)
    if policy.environment == "prod" and policy.unknown_applications == "allow":
        message = "applications that nobody knows may send, and the environment is prod"
        hint = "name the applications, and delete this line"
        found.add(("unknown_applications",), message, "unknown_allowed", hint, warning=True)


def _entities(loaded: Loaded, found: Findings) -> None:
    for name, one in loaded.file.entities.items():
        path: Path = ("entities", name)
        if one.score < LEAST_SCORE:
            message = f"{name} has a score below {LEAST_SCORE}, so that nothing of it is ever a finding"
            found.add((*path, "score"), message, "never_found", f"give it {LEAST_SCORE} or more", warning=True)
        if one.patterns and not one.examples:
            hint = "add `examples` (what must be found) and `counterexamples` (what must not); lint runs them"
            found.add(path, f"no example shows what {name} looks like", "no_examples", hint, warning=True)


def _conditions(loaded: Loaded, found: Findings) -> None:
    """Permissions that say nothing about what is unknown."""
    for path, message in _silent_about_unknown(loaded):
        hint = "say what `unknown` gets, in this rule or in one above"
        found.add(path, message, "unknown_permitted", hint, warning=True)


def _silent_about_unknown(loaded: Loaded) -> Iterator[tuple[Path, str]]:
    for rule in loaded.policy.rules:
        where = rule.when.destination
        if where is None or not rule.permits:
            continue
        base: Path = ("rules", rule.position, "when", "destination")
        for fact in where.facts:
            if fact.none_of is not None and "unknown" not in fact.none_of:
                yield (*base, "facts", fact.name), f"'{rule.id}' also permits destinations whose {fact.name} is unknown"
        if where.roles_not is not None and "unknown" not in where.roles_not:
            yield (*base, "role_not"), f"'{rule.id}' also permits destinations whose role is unknown"
