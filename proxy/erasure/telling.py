"""What a person at a terminal reads about an erasure. Never the person's identifier, never a reference."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from audit.reports.texts import fill
from proxy.erasure.again import Again
from proxy.erasure.carrying_out import Done
from proxy.erasure.deleting import Deletion, Obstacle
from proxy.erasure.plan import Plan
from proxy.erasure.providers import Verdict

SHOWN = 50
"""Lines of one list that somebody reads before deciding."""
OBSTACLES = {
    Obstacle.NO_CALL: "the provider has no call that deletes it",
    Obstacle.NO_KEY: "no key is configured (provider_keys)",
    Obstacle.KEY_UNREADABLE: "the key that provider_keys names cannot be read",
    Obstacle.NO_UPSTREAM: "no address is configured (upstreams)",
    Obstacle.UNKNOWN_DESTINATION: "the policy does not name this destination any more",
    Obstacle.UNREACHABLE: "the provider could not be reached",
}
_TRANSFERS = "{n} {n:transfer|transfers}"
_PLACEHOLDERS = "{n} {n:placeholder|placeholders}"
_STILL_THERE = "{n} {n:object is still with its provider|objects are still with their providers}"


def _of(text: str, n: int) -> str:
    return fill(text, {"n": n})


def plan(what: Plan, file: Path) -> Iterator[str]:
    """What will happen."""
    if not what.refs:
        yield "The log holds nothing about this identifier, written like this: there is nothing to erase."
        yield from _partial(what)
        return
    yield f"Erasure {what.id}:"
    theirs = "{n} {n:transfer concerns|transfers concern} this person. {n:Its|Their} entries stay, and name nobody"
    yield f"  {_of(theirs, what.transfers)} any more."
    told = "{n} {n:recipient has|recipients have} received data, and {n:has|have} to be told (GDPR Art. 19)"
    yield f"  {_of(told, len(what.recipients))}; erasing saves that list first, in {file}"
    for holding in what.holdings[:SHOWN]:
        facts = holding.facts
        kinds = ", ".join(sorted({kind for kind, _ in holding.types})) or "nothing that was recognized"
        sent = _of(_TRANSFERS, holding.transfers)
        yield f"    {facts['contracting_entity']} ({facts['name']}) from {holding.application}: {sent}; found: {kinds}"
    yield from _more(len(what.holdings))
    shared = sum(bool(scope.others) for scope in what.scopes)
    theirs = " ({n} of them also {n:concerns others, who lose it|concern others, who lose them} too)"
    also = _of(theirs, shared) if shared else ""
    scopes, placeholders = _of("{n} {n:scope|scopes}", len(what.scopes)), _of(_PLACEHOLDERS, what.mappings)
    yield f"  {scopes} of the vault{also}: {placeholders}, never to be restored again."
    yield _of("  {n} {n:object|objects} that providers keep:", len(what.objects))
    yield from (f"    {_planned(one)}" for one in what.objects[:SHOWN])
    yield from _more(len(what.objects))
    yield from _partial(what)


def _not_deleted(those: Sequence[Deletion]) -> Iterator[str]:
    """What is still there, each with why; what is gone needs no line."""
    still = [one for one in those if one.verdict in {Verdict.REFUSED, Verdict.KEPT}]
    yield from map(_deleted, still[:SHOWN])
    yield from _more(len(still))


def _deleted(one: Deletion) -> str:
    status = f" (HTTP {one.status})" if one.status is not None else ""
    why = f": {OBSTACLES[one.obstacle]}" if one.obstacle else ""
    until = f", kept until {_day(one.kept_until)}" if one.kept_until is not None and one.verdict else ""
    return f"  {one.verdict} {one.object.destination} {one.object.object_id}{status}{why}{until}"


def done(what: Plan, result: Done, file: Path) -> Iterator[str]:
    """What happened."""
    yield from _not_deleted(result.deletions)
    references = _of("{n} {n:reference|references}", result.references)
    scopes, placeholders = _of("{n} {n:scope|scopes}", result.scopes), _of(_PLACEHOLDERS, result.mappings)
    objects = _of("{n} {n:object|objects}", result.count(Verdict.DELETED))
    yield f"Erased: {references} destroyed, {scopes} shredded with {placeholders}, {objects} deleted at providers."
    waiting = result.count(Verdict.REFUSED) + result.count(Verdict.KEPT)
    if waiting:
        yield f"{_of(_STILL_THERE, waiting)}; see {file}, or: dragoman erase retry {what.id}"
    yield "A running dragoman forgets it within two seconds; transfers that are open end as they began."
    yield from _partial(what)


def left(again: Again) -> Iterator[str]:
    """What a retry left."""
    yield from _not_deleted(again.deletions)
    yield f"{_of(_STILL_THERE, again.left)}."


def _more(n: int) -> Iterator[str]:
    if n > SHOWN:
        yield f"    and {n - SHOWN} more; --json prints them all"


def _planned(one: Deletion) -> str:
    if not one.obstacle:
        return one.request
    asked = one.request or f"{one.object.destination} {one.object.object_id}"
    until = f"; the provider keeps it until {_day(one.kept_until)}" if one.kept_until is not None else ""
    return f"{asked}: to be deleted by hand, {OBSTACLES[one.obstacle]}{until}"


def _partial(what: Plan) -> Iterator[str]:
    if what.partial:
        talks = _of("{n} {n:conversation|conversations}", what.unattributed)
        name = "names" if what.without + what.unattributed == 1 else "name"
        yield (
            f"PARTIAL: {what.without} of {_of(_TRANSFERS, what.total)} and {talks} of the vault {name} no person; "
            "what they hold about this one is not found."
        )


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()
