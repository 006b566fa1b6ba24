"""One transfer as a story, and who holds what: the log's facts in sentences.

Pure: facts in, lines out. Says what the log knows and nothing more; declared values are called declared.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from audit.holders import Holding
from audit.render import when

type Facts = Mapping[str, Any]

_STATES = {
    "complete": "The answer came back whole.",
    "cut": "The answer was cut off.",
    "client_gone": "The application went away before the answer was complete.",
    "upstream_error": "The provider answered with an error, or could not be reached.",
    "refused": "The answer was refused by the policy.",
    "interrupted": "The process ended in the middle; whether and what was sent cannot be known.",
    "not_sent": "Nothing was sent: the process ended before the first byte left.",
}


def story(entries: Sequence[tuple[int, Facts]]) -> Iterator[str]:
    """The lines about one exchange. entries: as `query.exchange` returns them."""
    for index, facts in entries:
        if facts["kind"] == "outcome":
            yield from _outcome(index, facts)
        else:
            yield from _before(index, facts)
    attempts = {facts["attempt"] for _, facts in entries if facts["kind"] == "transfer"}
    ended = {facts["attempt"] for _, facts in entries if facts["kind"] == "outcome"}
    if attempts - ended:
        yield "There is no outcome yet: it is in flight, or will be closed at the next start."


def _before(index: int, facts: Facts) -> Iterator[str]:
    attempt = f", attempt {facts['attempt']}" if facts["attempt"] > 1 else ""
    yield f"{when(facts['at'])}  {facts['kind']}{attempt} (entry {index})"
    model = f", model {facts['model']}" if "model" in facts else ""
    known = f"identified by {facts['identified_by']}"
    yield f"  Application {facts['application']} ({known}), {facts['environment']}{model}."
    yield f"  {_purpose(facts)}"
    if facts["kind"] == "blocked":
        yield f"  Refused with {facts['status']} {facts['reason']}; nothing was sent."
    if "destination" in facts:
        yield from (f"  {line}" for line in destination(facts["destination"]))
    persons = len(facts.get("subjects", ())) + facts["subjects_overflow"]
    yield f"  Persons referred to: {persons or 'none given'}."
    yield from _findings(facts)
    policy = facts.get("policy_name", "policy")
    rules = ", ".join(facts.get("rules", ())) or "none"
    yield f"  Decision: {facts['action']}{' (observed only)' if facts['observe'] else ''} by {policy}, rules: {rules}."
    if "bytes_out" in facts:
        yield f"  {facts['bytes_in']} bytes came, {facts['bytes_out']} bytes were to leave."
    for part in facts.get("uninspected", ()):
        yield f"  Not looked into: {part['media_type']}, {part['bytes']} bytes ({part['reason']})."


def _purpose(facts: Facts) -> str:
    purpose = facts.get("purpose")
    if purpose is None:
        return "Purpose: none named, so no controller and no basis are declared."
    controller, basis = purpose.get("controller", "unknown"), purpose.get("basis", "unknown")
    return f"Purpose {purpose['name']}; controller {controller}; declared basis {basis}."


def _findings(facts: Facts) -> Iterator[str]:
    rows = facts.get("findings", ())
    if not rows:
        yield "  Nothing was found."
    # Rows also differ in language, kind of message and certainty; a reader first wants to know what left and why.
    counts: Counter[tuple[str, str, str, str]] = Counter()
    finders: dict[tuple[str, str, str, str], dict[str, None]] = {}
    for row in rows:
        what = (row["entity_type"], row.get("where", ""), row["operator"], row.get("rule", ""))
        counts[what] += row["n"]
        finders.setdefault(what, {}).update({row["recognizer"]: None} if "recognizer" in row else {})
    for (entity_type, place, operator, rule), n in counts.most_common():
        where = f" in {place}" if place else ""
        by = ", ".join(finders[entity_type, place, operator, rule])
        why = f", rule {rule}" if rule else ""
        yield f"  {n} x {entity_type}{where}: {operator}{why}{f', found by {by}' if by else ''}."
    if facts.get("findings_overflow"):
        yield f"  {facts['findings_overflow']} more findings did not fit into the entry."


def _outcome(index: int, facts: Facts) -> Iterator[str]:
    yield f"{when(facts['at'])}  outcome (entry {index})"
    yield f"  {_STATES[facts['state']]}" + (f" Status {facts['status']}." if "status" in facts else "")
    if "tokens_in" in facts or "tokens_out" in facts:
        yield f"  Tokens: {facts.get('tokens_in', '?')} in, {facts.get('tokens_out', '?')} out."
    yield f"  Placeholders put back: {facts['restored']}; left alone: " + ", ".join(
        f"{facts[name]} {name}" for name in ("unknown", "foreign", "withheld", "expired")
    )
    counts = Counter({row["entity_type"]: 0 for row in facts.get("findings", ())})
    for row in facts.get("findings", ()):
        counts[row["entity_type"]] += row["n"]
    if counts:
        listed = ", ".join(f"{n} x {entity_type}" for entity_type, n in counts.most_common())
        yield f"  Found in the answer besides our placeholders: {listed}."


def destination(facts: Facts) -> Iterator[str]:
    """Who receives, as the register stood."""
    yield (
        f"Recipient: {facts['contracting_entity']} ({facts['name']}), role {facts['role']}, "
        f"agreement {facts.get('agreement', 'unknown')}, declared transfer mechanism {facts['transfer']}."
    )
    lists = {name: ", ".join(facts.get(name, ())) or "unknown" for name in ("processing", "storage", "access")}
    yield f"Processed in {lists['processing']}; stored in {lists['storage']}; accessed from {lists['access']}."
    yield f"Kept: {facts['retention']}. Used for training: {facts['training']}."


def holdings(found: Sequence[Holding], completeness: tuple[int, int] | None) -> Iterator[str]:
    """Who holds what. completeness: transfers looked at and those without a person, where a person was asked for."""
    if completeness is not None and completeness[1]:
        total, without = completeness
        yield f"PARTIAL: {without} of {total} transfers in question carry no reference to any person."
        yield ""
    if not found:
        yield "Nothing was sent to anybody."
    for holding in found:
        facts, purpose = holding.facts, holding.purpose
        yield f"{facts['contracting_entity']} ({facts['name']})"
        yield f"  {holding.transfers} transfers by {holding.application}, {when(holding.first)} to {when(holding.last)}"
        controller = purpose.get("controller", "unknown")
        basis = purpose.get("basis", "unknown")
        yield f"  Controls: {controller}. Purpose: {purpose.get('name', 'none')}, declared basis {basis}."
        yield from (f"  {line}" for line in destination(facts))
        for (entity_type, operator), n in sorted(holding.types.items(), key=lambda item: -item[1]):
            yield f"  {n} x {entity_type}: {operator}"
        yield ""
