"""The pages, each answering one question. A view asks and shapes; it decides nothing and holds no words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audit.questions.holders import Holding
from audit.values import ExportFormat, StopTarget
from policies.errors import PolicyError
from proxy.console import inputs, outputs
from proxy.console.access import Right
from proxy.console.exporting import export
from proxy.console.moments import DAY_MS, today_start
from proxy.console.operations.base import Desk, Streamed
from proxy.console.problems import within
from proxy.console.questions import Filters, NotFoundError
from proxy.console.sankey import HEIGHT, WIDTH, picture
from proxy.console.site import Ask, Shown, View
from proxy.console.transfers_page import FURTHER, ON_A_PAGE, given_of, rows_of
from proxy.errors import ConfigError

PERIODS = (1, 7, 30, 90, 365)
NEWEST = 5
_HOW = ("event", "state", "phase", "format", "cause", "reason")
_NAMED = ("name", "request", "token", "transfer")
"""What an act is shown with: how, and whose or of what."""
FACTS = ("role", "processing", "storage", "access", "retention", "training", "agreement", "transfer")


def _days(ask: Ask) -> int:
    given = ask.query.get("days", "7")
    return int(given) if given.isdecimal() and int(given) in PERIODS else 7


def _period(ask: Ask) -> tuple[int, int]:
    """Days, and when they begin. Whole days are answered from roll-ups."""
    days = _days(ask)
    return days, today_start() - (days - 1) * DAY_MS


def overview(desk: Desk, ask: Ask) -> Shown:
    """What left, and to whom, in a period?"""
    days, since = _period(ask)
    found = desk.questions.overview(ask.visitor, Filters({}, since=since))
    sums = {name: sum(getattr(flow, name) for flow in found.flows) for name in ("replaced", "kept", "blocked")}
    context = {"found": found, "sums": sums, "total": sum(sums.values()), "days": days, "periods": PERIODS}
    size = {"width": int(WIDTH), "height": int(HEIGHT)}
    newest = desk.questions.transfers(ask.visitor, Filters({}), before=None, limit=NEWEST)
    seen = {"newest": newest.rows, "warnings": desk.health.warnings(ask.visitor)}
    seen["shadow_ai"] = desk.questions.shadow_ai(ask.visitor, since)
    return View("overview", {**context, "picture": picture(found.flows), **size, **seen})


def changes(desk: Desk, ask: Ask) -> Shown:
    """What is new in this period, against the one before?"""
    days, since = _period(ask)
    found = desk.questions.changes(ask.visitor, since, days)
    acts = [
        {
            "at": one["at"],
            "kind": one["kind"],
            "how": next((one[name] for name in _HOW if name in one), ""),
            "name": next((one[name] for name in _NAMED if name in one), "–"),
            "actor": one.get("actor", "system"),
        }
        for one in found.acts
    ]
    return View("changes", {"found": found, "acts": acts, "days": days, "periods": PERIODS})


def health(desk: Desk, ask: Ask) -> Shown:
    """Does everything work?"""
    tokens = desk.tokens.all(ask.visitor) if ask.visitor.may(Right.TOKENS) else []
    found = desk.health.condition(ask.visitor)
    return View("health", {"found": found, "owners": {one.id: one.name for one in tokens}})


@dataclass(slots=True)
class Card:
    """One recipient with one set of facts. lines: what each application sent it."""

    facts: Mapping[str, Any]
    lines: list[Holding] = field(default_factory=list)
    register: Mapping[str, Any] = field(default_factory=dict)

    @property
    def transfers(self) -> int:
        """All that it was sent."""
        return sum(line.transfers for line in self.lines)


def cards(holdings: list[Holding], register: Mapping[str, Any]) -> list[Card]:
    """Holdings by recipient and facts, the one with most transfers first. register: destinations of the policy."""
    found: dict[tuple[str, ...], Card] = {}
    for line in holdings:
        key = tuple(str(line.facts.get(name)) for name in ("name", "contracting_entity", *FACTS))
        card = found.setdefault(key, Card(line.facts))
        card.lines.append(line)
        known = register.get(str(line.facts.get("name")))
        card.register = {} if known is None else {name: fact for name, fact in known.facts.items() if fact.source}
    return sorted(found.values(), key=lambda card: -card.transfers)


def who(desk: Desk, ask: Ask) -> Shown:
    """Who controls, stores and uses what left?"""
    days, since = _period(ask)
    found = desk.questions.who(ask.visitor, Filters({}, since=since))
    return View(
        "who",
        {"cards": cards(found.lines, _register(desk)), "names": FACTS, "days": days, "periods": PERIODS},
    )


def _register(desk: Desk) -> Mapping[str, Any]:
    """The policy's destinations; none where its files hold errors, which the page of the policy says."""
    try:
        return desk.policy.policy.destinations
    except (PolicyError, ConfigError):
        return {}


def transfer(desk: Desk, ask: Ask) -> Shown:
    """What happened to one transfer?"""
    found = desk.questions.exchange(ask.visitor, ask.path["id"])
    entries = [{"index": index, "facts": facts, "times": _stages(facts)} for index, facts in found.entries]
    attempts = {facts["attempt"] for _, facts in found.entries if facts["kind"] == "transfer"}
    ended = {facts["attempt"] for _, facts in found.entries if facts["kind"] == "outcome"}
    context = {"id": found.id, "entries": entries, "unfinished": bool(attempts - ended), "vkey": str(desk.log.vkey)}
    return View("transfer", {**context, "names": FACTS})


def _stages(facts: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    """Stage, milliseconds, and its share of the longest in percent."""
    stages = [(one["stage"], one["us"]) for one in facts.get("stages", ())]
    longest = max((us for _, us in stages), default=0) or 1
    return [(stage, f"{us / 1000:.2f}", max(1, round(100 * us / longest))) for stage, us in stages]


def proof(desk: Desk, ask: Ask) -> Shown:
    """What the page's script checks."""
    proved, vkey = desk.questions.proofs(ask.visitor, ask.path["id"]), desk.log.vkey
    return outputs.proofs(proved, vkey.name, str(vkey))


def person(desk: Desk, ask: Ask) -> Shown:
    """Where did a person's data go? The identifier comes in a form and is not shown again."""
    ask.visitor.require(Right.PERSONS)
    subject = ask.form.get("subject", "").strip()
    if not subject:
        return View("person", {"asked": False})
    within("subject", subject, inputs.LONGEST_SUBJECT)
    refs = desk.log.refs(subject)
    filters = Filters({}, refs=refs)
    held = desk.questions.who(ask.visitor, filters)
    page = desk.questions.transfers(ask.visitor, filters, before=None, limit=ON_A_PAGE)
    n = sum(line.transfers for line in held.lines)
    further = ""
    if page.next is not None:
        further = f"/person/rows?of={desk.sought.keep(ask.visitor, refs)}&limit={FURTHER}"
    context = {"asked": True, "held": held, "page": page, "n": n, "names": FACTS, "further": further}
    return View("person", {**context, "cards": cards(held.lines, _register(desk))})


def theirs(desk: Desk, ask: Ask) -> Shown:
    """Further rows about the person that was asked about, for the page's own script."""
    ask.visitor.require(Right.PERSONS)
    given = given_of(ask.query)
    refs = desk.sought.find(ask.visitor, given.pop("of", ""))
    return rows_of(desk, ask, given, refs)


def stop(desk: Desk, ask: Ask) -> Shown:
    """What is stopped, and what should be?"""
    said = ""
    if ask.form:
        target, name, stopped = ask.form.get("target", ""), ask.form.get("name", ""), ask.form.get("do") == "stop"
        if target not in set(StopTarget):
            raise NotFoundError("there is no such thing to stop")
        done = desk.policy.stop(ask.visitor, StopTarget(target), name, stopped=stopped)
        said = ask.words("stop.done_stopped" if stopped else "stop.done_resumed", name=done.name)
    found = desk.policy.stoppable(ask.visitor)
    groups = [
        ("stop.destinations", [one for one in found if one.target is StopTarget.DESTINATION]),
        ("stop.applications", [one for one in found if one.target is StopTarget.APPLICATION]),
    ]
    return View("stop", {"groups": groups, "said": said})


def download(desk: Desk, ask: Ask) -> Shown:
    """The whole log, to take along."""
    form = ExportFormat.TILES if ask.query.get("format") == "tiles" else ExportFormat.JSONL
    return Streamed(export(desk.log, ask.visitor, form), form.value, "log")
