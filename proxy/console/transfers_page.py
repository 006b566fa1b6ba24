"""The page of transfers: every field of the log filters, searches are kept, and what was found can be taken along."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from audit.questions.conditions import CONDITIONS
from audit.values import Action, ExportFormat, StopTarget
from policies.errors import PolicyError
from policies.groups import ENTITY_TYPES
from proxy.console import inputs
from proxy.console.access import Right
from proxy.console.exporting import export_found
from proxy.console.operations.base import Desk, Streamed
from proxy.console.problems import checked, wrong
from proxy.console.questions import NotFoundError
from proxy.console.site import Ask, Shown, View
from proxy.errors import ConfigError

ON_A_PAGE = 50
FURTHER = 200
"""Rows that the page's script fetches at once when somebody scrolls: four screens and more, some 60 KB."""
_OWN_FIELD = {"application", "destination", "entity_type", "action", "kind"}
"""Conditions with a field of their own on the page; the others stand behind *More*."""


def given_of(query: Mapping[str, str]) -> dict[str, str]:
    """What a form or an address asks for, without what it left empty."""
    return {name: value.strip() for name, value in query.items() if value.strip()}


def wanted_of(given: Mapping[str, str]) -> Any:
    """The same, checked. Raises InputError."""
    return checked(inputs.TransfersQuery, {"limit": ON_A_PAGE, **given})


def transfers(desk: Desk, ask: Ask) -> Shown:
    """Which transfers were there?"""
    given = given_of(ask.query)
    wanted = wanted_of(given)
    kept = {name: value for name, value in given.items() if name not in {"before", "limit"}}
    said = _acted(desk, ask, kept) if ask.form else ""
    filters = inputs.filters_of(wanted)
    page = desk.questions.transfers(ask.visitor, filters, before=wanted.before, limit=wanted.limit)
    context = {"page": page, "given": given, "kept": kept, "following": {**kept, "before": page.next}, "said": said}
    context["more"] = sorted({*CONDITIONS} - _OWN_FIELD)
    context |= {"further": {"limit": FURTHER, **kept}, "on_a_page": ON_A_PAGE}
    context["live"] = wanted.before is None and wanted.limit == ON_A_PAGE
    context["searches"] = desk.searches.all(ask.visitor.token)
    context["formats"] = inputs.SEARCH_FORMS
    return View("transfers", {**context, **_choices(desk, ask)})


def further(desk: Desk, ask: Ask) -> Shown:
    """Further rows of a search, for the page's own script."""
    return rows_of(desk, ask, given_of(ask.query))


def rows_of(desk: Desk, ask: Ask, given: Mapping[str, str], refs: tuple[str, ...] | None = None) -> View:
    """The rows alone. given: of the query. refs: of a person, instead of an identifier."""
    wanted = wanted_of(given)
    filters = replace(inputs.filters_of(wanted), refs=refs)
    page = desk.questions.transfers(ask.visitor, filters, before=wanted.before, limit=wanted.limit)
    return View("further", {"page": page})


def _acted(desk: Desk, ask: Ask, kept: Mapping[str, str]) -> str:
    if ask.form.get("do") == "save":
        desk.searches.save(ask.visitor.token, ask.form.get("name", ""), kept)
        return ask.words("transfers.saved")
    if ask.form.get("do") == "forget":
        desk.searches.remove(ask.visitor.token, ask.form.get("search", ""))
        return ask.words("transfers.forgotten")
    raise NotFoundError("there is no such thing to do")


def _choices(desk: Desk, ask: Ask) -> dict[str, Any]:
    try:
        stoppable = desk.policy.stoppable(ask.visitor)
    except (PolicyError, ConfigError):
        stoppable = []
    return {
        "applications": [one.name for one in stoppable if one.target is StopTarget.APPLICATION],
        "destinations": [one.name for one in stoppable if one.target is StopTarget.DESTINATION],
        "entity_types": sorted(ENTITY_TYPES),
        "actions": [str(action) for action in Action],
    }


def take(desk: Desk, ask: Ask) -> Shown:
    """What a search finds, as a file."""
    ask.visitor.require(Right.EXPORT)
    given = given_of(ask.query)
    form = given.pop("form", "csv")
    if form not in set(inputs.SEARCH_FORMS):
        raise wrong("form", "enum", expected=", ".join(inputs.SEARCH_FORMS))
    filters = inputs.filters_of(wanted_of(given))
    parts = export_found(desk.questions, ask.visitor, ExportFormat(form), filters)
    return Streamed(parts, form, "transfers")
