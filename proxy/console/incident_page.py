"""The page of an incident: which transfers, recipients and persons a window of time concerns, the report of it, a stop.

Figures are those of the report *incident*, made by its code, so that page and report cannot differ but where the page
says that it estimates.
"""

from collections.abc import Mapping
from typing import Any

from audit.values import StopTarget
from policies.errors import PolicyError
from policies.groups import ENTITY_TYPES
from proxy.console import inputs
from proxy.console.access import Right
from proxy.console.operations.base import Desk
from proxy.console.policy_desk import Stoppable
from proxy.console.questions import NotFoundError
from proxy.console.site import Ask, Shown, View
from proxy.console.transfers_page import ON_A_PAGE, given_of, wanted_of
from proxy.errors import ConfigError

WINDOWS = ("1h", "24h", "7d")
FIELDS = ("since", "until", "application", "destination", "entity_type")


def incident(desk: Desk, ask: Ask) -> Shown:
    """What does this window concern, and what is to be done?"""
    given = {name: value for name, value in given_of(ask.query).items() if name in FIELDS}
    wanted = wanted_of(given)
    said = _stopped(desk, ask) if ask.form else ""
    context: dict[str, Any] = {"given": given, "windows": WINDOWS, "said": said, "entity_types": sorted(ENTITY_TYPES)}
    if not given:
        return View("incident", {**context, "found": None})
    filters = inputs.filters_of(wanted)
    found = desk.questions.report(ask.visitor, "incident", filters, glance=True).facts
    page = desk.questions.transfers(ask.visitor, filters, before=None, limit=ON_A_PAGE)
    concerned = _concerned(desk, ask, found, page.rows)
    return View("incident", {**context, "found": found, "page": page, "concerned": concerned})


def _concerned(desk: Desk, ask: Ask, found: Mapping[str, Any], rows: list[dict[str, Any]]) -> list[Stoppable]:
    """What took part and can be stopped: where things went, or were to go, and from where."""
    names = {
        StopTarget.DESTINATION: {one["destination"] for one in (*found["holdings"], *rows)},
        StopTarget.APPLICATION: {one["application"] for one in (*found["holdings"], *rows)},
    }
    try:
        return [one for one in desk.policy.stoppable(ask.visitor) if one.name in names[one.target]]
    except (PolicyError, ConfigError):
        return []


def _stopped(desk: Desk, ask: Ask) -> str:
    ask.visitor.require(Right.STOP)
    target, name, stopped = ask.form.get("target", ""), ask.form.get("name", ""), ask.form.get("do") == "stop"
    if target not in set(StopTarget):
        raise NotFoundError("there is no such thing to stop")
    done = desk.policy.stop(ask.visitor, StopTarget(target), name, stopped=stopped)
    return ask.words("stop.done_stopped" if stopped else "stop.done_resumed", name=done.name)
