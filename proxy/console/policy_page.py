"""The page of the policy: what is in force, an editor with its checks, proposals, history, and exceptions.

A draft travels in the form and is stored nowhere until somebody proposes it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.errors import PolicyError, PolicyFileError
from policies.groups import ENTITY_TYPES
from policies.language.schema import json_schema
from policies.show import as_data, as_text
from proxy.console.draft_form import LONGEST_NAME, draft_of
from proxy.console.drafting import WEEK, Checked, Files
from proxy.console.operations.base import Desk
from proxy.console.policy_desk import MAX_TEXT, PASTED
from proxy.console.problems import InputError, within, wrong
from proxy.console.site import Ask, Shown, View
from proxy.errors import ConfigError
from proxy.policy.excepting import Wanted
from proxy.policy.source import files_of

LONGEST = {"text": MAX_TEXT, "value": 1_000, "because": 500}
DAYS = (7, 30, 90, 366)
_NOTHING: Mapping[str, Any] = {
    "checked": None, "difference": None, "simulation": None, "excepted": None, "proposed": None, "agreed": None,
    "changed": None, "trouble": "",
}  # fmt: skip


def policy(desk: Desk, ask: Ask) -> Shown:
    """What decides? And what would this text change?"""
    for name, most in LONGEST.items():
        within(name, ask.form.get(name, ""), most)
    files = draft_of(ask.form, ask.form["text"]) if ask.form.get("text") else _opened(desk, ask)
    if added := ask.form.get("new_file", "").strip()[:LONGEST_NAME]:
        files.setdefault(added, "")
    text, *_ = files.values()
    context: dict[str, Any] = {**_NOTHING, "text": text, "included": dict(list(files.items())[1:]), "week": WEEK}
    if changed := ask.query.get("changed", ""):
        context["changed"] = desk.policy.told(ask.visitor, changed)
    context |= {"main": PASTED, "open": ask.form.get("open", ask.query.get("open", ""))}
    try:
        context |= _done(desk, ask, files)
    except PolicyFileError as error:
        context["checked"] = Checked(tuple(error.problems))
    except InputError as error:
        context["trouble"] = error.told(ask.words)  # the draft stays, which a page of an error would take away
    except (PolicyError, ConfigError) as error:
        context["trouble"] = error.message
    return View("policy", {**context, **_wanted(ask), **_in_force(desk, ask), **_proposals(desk, ask)})


def _opened(desk: Desk, ask: Ask) -> dict[str, str]:
    """The files of a version that was asked for, else what they say now; the policy first."""
    digest = ask.query.get("open", "")
    try:
        found = files_of(desk.policy.version(ask.visitor, digest)) if digest else desk.policy.files(ask.visitor)
    except (PolicyError, ConfigError):
        return {PASTED: ""}
    (_, text), *included = found.items()
    return {PASTED: text, **dict(included)}


def _done(desk: Desk, ask: Ask, files: Files) -> dict[str, Any]:
    """What one of the buttons asked for."""
    do, visitor = ask.form.get("do", ""), ask.visitor
    match do:
        case "check":
            return {"checked": desk.drafting.checked(visitor, files)}
        case "diff":
            return {"difference": desk.drafting.differences(visitor, files)}
        case "simulate":
            return {"simulation": desk.drafting.replayed(visitor, files)}
        case "except":
            return _excepted(desk, ask, files)
        case "propose":
            return {"proposed": desk.policy.propose(visitor, files)}
        case "agree":
            return {"agreed": desk.policy.agree(visitor, ask.form.get("id", ""))}
        case "rollback":
            return {"proposed": desk.policy.roll_back(visitor, ask.form.get("digest", ""))}
    return {}


def _excepted(desk: Desk, ask: Ask, files: Files) -> dict[str, Any]:
    given = _wanted(ask)["wanted"]
    value = ask.form.get("value", "").strip()
    if not value:
        raise wrong("value", "missing")
    if not given["because"].strip():
        raise wrong("because", "missing")
    days = int(given["days"]) if given["days"].isdecimal() else 0
    applications = (given["application"],) if given["application"] else ()
    wanted = Wanted(
        given["type"], frozenset(), applications, days, given["because"], ask.visitor.token.name, given["rule"]
    )
    made = desk.drafting.excepted(ask.visitor, files, wanted, value)
    changed = {**files, PASTED: made.text}
    return {"excepted": made, "text": made.text, "difference": desk.drafting.differences(ask.visitor, changed)}


def _wanted(ask: Ask) -> dict[str, Any]:
    """The fields of an exception, from a transfer's story or the form. The value is never shown again."""
    names = ("type", "application", "rule", "because")
    given = {name: ask.form.get(name, ask.query.get(name, ""))[:500] for name in names}
    given["days"] = ask.form.get("days", "30")
    begun = "type" in ask.query or ask.form.get("do") == "except"
    return {"wanted": given, "excepting": begun, "entity_types": sorted(ENTITY_TYPES), "all_days": DAYS}


def _in_force(desk: Desk, ask: Ask) -> dict[str, Any]:
    try:
        found = desk.policy.effective(ask.visitor)
    except (PolicyError, ConfigError):
        return {"found": None, "shown": {}, "rules": [], "full": "", "applications": []}
    desk.trying.warm(found.policy)
    shown = as_data(found.policy)
    rules = [{**rule, "terms": list(_terms(rule["when"]))} for rule in shown["rules"]]
    names = [name for name in sorted(found.policy.applications) if ask.visitor.sees(name)]
    return {"found": found, "shown": shown, "rules": rules, "full": as_text(found.policy), "applications": names}


def _proposals(desk: Desk, ask: Ask) -> dict[str, Any]:
    proposals = desk.policy.proposals(ask.visitor)
    waiting = [
        {"proposal": one, "difference": _of_version(desk, ask, one.digest), "own": one.asked_by == ask.visitor.actor}
        for one in proposals
        if one.state == "waiting"
    ]
    ended = [one for one in proposals if one.state != "waiting"][:5]
    return {"waiting": waiting, "ended": ended, "history": desk.policy.history(ask.visitor)[:20]}


def _of_version(desk: Desk, ask: Ask, digest: str) -> Any:
    try:
        return desk.drafting.between(ask.visitor, desk.policy.version(ask.visitor, digest).policy)
    except (PolicyError, ConfigError):
        return None


def _terms(conditions: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, list[str]]]:
    """Conditions as name and values."""
    for name, value in conditions.items():
        if isinstance(value, Mapping):
            yield from _terms(value, f"{before}{name}.")
        elif value not in (None, [], (), "", {}):
            yield f"{before}{name}", [str(one) for one in (value if isinstance(value, list | tuple) else [value])]


def schema(desk: Desk, ask: Ask) -> Shown:
    """What the editor completes from."""
    return json_schema()


def check(desk: Desk, ask: Ask) -> Shown:
    """What is wrong with a text, for the editor, while somebody types."""
    text = within("text", ask.form.get("text", ""), MAX_TEXT)
    # While somebody types, what is included counts as it was opened.
    included = dict(list(_opened(desk, ask).items())[1:])
    found = desk.drafting.checked(ask.visitor, {PASTED: text, **included})
    items = [
        {"line": one.line, "column": one.column, "severity": one.severity, "message": one.message, "hint": one.hint}
        for one in found.problems
        if one.file == PASTED
    ]
    return {"items": items, "said": said(ask, found)}


def said(ask: Ask, found: Checked) -> str:
    """A check in a sentence or two."""
    t, warnings = ask.words, len(found.problems) - found.errors
    words = [t("policy.errors", n=found.errors) if found.errors else t("policy.holds")]
    words += [t("policy.warnings", n=warnings)] if warnings else []
    if found.failing is not None:
        words.append(
            t("policy.cases_fail", n=len(found.failing), of=found.cases)
            if found.failing
            else t("policy.cases_hold", n=found.cases)
        )
    return " ".join(words)
