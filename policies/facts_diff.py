"""A destination's pinned facts beside the register's newest edition, and what the newer ones would change.

Loaded policies and the register enter, rows leave: which facts differ, and for which applications a decision would.
"""

from dataclasses import dataclass
from typing import Any

from policies.destination import Fact
from policies.diff import PolicyDiff, diff
from policies.errors import PolicyFileError, UnknownNameError
from policies.language.edit import pin_edition
from policies.load import Loaded, read_text
from policies.register import EditionSection, read_fact


@dataclass(frozen=True, slots=True)
class FactChange:
    """One fact that differs between two editions."""

    name: str
    before: Fact
    after: Fact


@dataclass(frozen=True, slots=True)
class FactsDiff:
    """Pinned and newest edition of one destination. effect: None where the pin stands in an include."""

    destination: str
    pinned: str
    newest: str
    changes: tuple[FactChange, ...]
    effect: PolicyDiff | None

    @property
    def applications(self) -> tuple[str, ...]:
        """Applications for which some decision would differ."""
        return tuple(sorted({one.application for one in self.effect.changes})) if self.effect else ()


def compare(loaded: Loaded, destination: str) -> FactsDiff:
    """What the newest edition says otherwise. Raises UnknownNameError for a destination without a pin."""
    found = loaded.policy.destinations.get(destination)
    if found is None or not found.edition:
        names = ", ".join(name for name, one in loaded.policy.destinations.items() if one.edition)
        raise UnknownNameError(f"the policy pins no destination '{destination[:60]}'; it pins {names or 'none'}")
    bundled, _, day = found.edition.removeprefix("bundled:").partition("@")
    latest = loaded.register.latest(bundled)
    editions = loaded.register.editions[bundled]
    before, after = _facts(editions[day], found.plan), _facts(editions[latest], found.plan)
    changes = tuple(
        FactChange(name, before.get(name, Fact()), after.get(name, Fact()))
        for name in sorted({*before, *after})
        if before.get(name, Fact()).value != after.get(name, Fact()).value
    )
    newest = f"bundled:{bundled}@{latest}"
    return FactsDiff(destination, found.edition, newest, changes, _effect(loaded, destination, newest))


def _facts(edition: EditionSection, plan: str) -> dict[str, Fact]:
    if plan and plan in edition.plans:
        return edition.facts_for(plan)
    return edition.facts_for(None) if edition.plans else {key: read_fact(one) for key, one in edition.facts.items()}


def _effect(loaded: Loaded, destination: str, newest: str) -> PolicyDiff | None:
    """Both policies compared, where the pin stands in the first file and nothing is included from the disk."""
    first = loaded.files[0]
    if len(loaded.files) > 1 or loaded.policy.destinations[destination].edition == newest:
        return PolicyDiff() if loaded.policy.destinations[destination].edition == newest else None
    try:
        text = pin_edition(loaded.sources.text(first), destination, newest)
        return diff(loaded.policy, read_text(text, first, register=loaded.register).policy)
    except PolicyFileError:
        return None


def as_data(found: FactsDiff) -> dict[str, Any]:
    """The difference as JSON-ready data."""
    return {
        "destination": found.destination,
        "pinned": found.pinned,
        "newest": found.newest,
        "changes": [
            {"fact": one.name, "before": one.before.value, "after": one.after.value}
            | {"source": one.after.source, "read": str(one.after.read or ""), "quote": one.after.quote}
            for one in found.changes
        ],
        "applications": list(found.applications),
    }


def render(found: FactsDiff) -> str:
    """The difference as plain text, each new fact with its source."""
    if found.pinned == found.newest:
        return f"{found.destination}: {found.pinned} is the newest edition"
    lines = [f"{found.destination}: {found.pinned} -> {found.newest}"]
    for one in found.changes:
        lines.append(f"  {one.name}: {_value(one.before)} -> {_value(one.after)}")
        if one.after.source:
            lines.append(f'    {one.after.source}, read {one.after.read}: "{one.after.quote}"')
    if not found.changes:
        lines.append("  no fact differs")
    if found.effect is None:
        lines.append("  what it would change in decisions: compare the files with `dragoman policy diff`")
    elif found.applications:
        lines.append(f"  decisions would differ for: {', '.join(found.applications)}")
    return "\n".join(lines)


def _value(fact: Fact) -> str:
    return ", ".join(fact.value) if isinstance(fact.value, tuple) else str(fact.value)
