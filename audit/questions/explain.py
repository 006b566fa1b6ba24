"""Why each thing in a transfer was replaced or not: the record's own facts in sentences. Pure.

The log holds no text, so a thing is told by kind, place and count. Declared is what the policy says; certainty is the
detector's.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

type Facts = Mapping[str, Any]

_DONE = {
    "tokenize": "replaced by a placeholder",
    "surrogate": "replaced by an invented value",
    "redact": "removed",
    "mask": "masked",
    "hash": "replaced by a keyed hash",
    "keep": "left as it was",
    "route": "led elsewhere",
    "hold": "held for an officer",
    "block": "reason for the refusal",
}
_UNSEEN = {
    "policy_pass": "the policy lets it pass",
    "opaque": "it cannot be read",
    "encrypted": "it is encrypted",
    "unsupported_type": "its type is not supported",
    "unreadable": "it could not be read",
    "too_large": "it is too large",
    "reference": "it is only a reference",
    "credential": "it is the provider's own credential",
    "no_detector": "no detector looks at it",
}


def reasons(entries: Sequence[tuple[int, Facts]]) -> Iterator[str]:
    """The lines about one exchange. entries: as `query.exchange` returns them."""
    for index, facts in entries:
        if facts["kind"] == "outcome":
            yield from _answer(index, facts)
        else:
            yield from _request(index, facts)


def _request(index: int, facts: Facts) -> Iterator[str]:
    attempt = f", attempt {facts['attempt']}" if facts["attempt"] > 1 else ""
    policy = f"{facts.get('policy_name', 'a policy')} {facts.get('policy_version', '')}".rstrip()
    digest = f" ({facts['policy_digest'][:12]})" if "policy_digest" in facts else ""
    yield f"Entry {index}{attempt}: {facts['action']} by {policy}{digest}."
    if facts.get("rules"):
        yield f"  Rules that took part, the decisive one first: {', '.join(facts['rules'])}."
    if facts["kind"] == "blocked":
        yield f"  Refused ({facts['reason']}); nothing was sent."
    if facts["observe"]:
        yield "  The policy only observed: what it would have replaced left as it was."
    rows = sorted(
        facts.get("findings", ()), key=lambda row: (row.get("where", ""), row["entity_type"], row["operator"])
    )
    for row in rows:
        yield f"  {_finding(row)}"
    if not rows:
        yield "  No detector found anything, so nothing was replaced."
    if facts.get("findings_overflow"):
        yield f"  {facts['findings_overflow']} more findings did not fit into the entry."
    for part in facts.get("uninspected", ()):
        why = _UNSEEN.get(part["reason"], part["reason"])
        yield f"  {part['media_type']}, {part['bytes']} bytes: not looked into, because {why}."
    if facts.get("detectors"):
        yield f"  Looked at by {', '.join(f'{one["name"]} {one["version"]}' for one in facts['detectors'])}."


def _finding(row: Facts) -> str:
    place = f" in {row['where']}" if "where" in row else ""
    whose = f" ({row['kind']})" if "kind" in row else ""
    by = f", found by {row['recognizer']}" if "recognizer" in row else ""
    language = f" in {row['language']} text" if "language" in row else ""
    decile = row.get("score_decile")
    certainty = "" if decile is None else f", certainty {decile / 10:.1f} to {(decile + 1) / 10:.1f}"
    if "exception" in row:
        why = f"exception {row['exception']} lets it pass"
    else:
        why = f"rule {row['rule']} says so" if "rule" in row else "no rule named it, the policy's default counts"
    done = _DONE.get(row["operator"], row["operator"])
    return f"{row['n']} x {row['entity_type']}{place}{whose}: {done}, because {why}{by}{language}{certainty}."


def _answer(index: int, facts: Facts) -> Iterator[str]:
    yield f"Entry {index}: the answer."
    yield f"  {facts['restored']} placeholders were put back."
    for name, why in (
        ("unknown", "look like placeholders and are in no vault"),
        ("foreign", "belong to another conversation"),
        ("withheld", "the policy, or the place where they stood, kept from being put back"),
        ("expired", "were there too late: their time was over"),
    ):
        if facts[name]:
            yield f"  {facts[name]} were left alone: they {why}." if name != "withheld" else f"  {facts[name]}: {why}."
