"""The page on which a person is erased: consequences, the word of whoever does it, and what came of it."""

from typing import Any

from audit.values import ErasureReason
from proxy.console import inputs
from proxy.console.access import Right
from proxy.console.operations.base import JSON, Desk, Made
from proxy.console.problems import within, wrong
from proxy.console.questions import NotFoundError
from proxy.console.site import Ask, Shown, View
from proxy.erasure.providers import Verdict

SHOWN = 50
"""Lines of a list that somebody reads before deciding."""


def erase(desk: Desk, ask: Ask) -> Shown:
    """What would erasing this person do? And do it, please."""
    ask.visitor.require(Right.ERASE)
    context: dict[str, Any] = {"plan": None, "seal": "", "course": None, "said": "", "reasons": list(ErasureReason)}
    context["repeat"] = None
    if ask.form.get("do") == "retry":
        context["repeat"] = desk.erasing.retry(ask.visitor, ask.form.get("id", ""))
    elif ask.form:
        context |= _acted(desk, ask, _identifier(ask))
    elif "id" in ask.query:
        context["course"] = desk.erasing.course(ask.visitor, ask.query["id"])
    elif "again" in ask.query:
        context["repeat"] = desk.erasing.repeat(ask.visitor, ask.query["again"])
    context |= {"waiting": desk.erasing.waiting(ask.visitor), "left": desk.erasing.left(ask.visitor)}
    return View("erase", {**context, "shown": SHOWN, "verdicts": list(Verdict)})


def _acted(desk: Desk, ask: Ask, identifier: str) -> dict[str, Any]:
    act, seal = ask.form.get("do", ""), ask.form.get("seal", "")
    if act == "erase":
        reason = ask.form.get("reason", "")
        if reason not in set(ErasureReason):
            raise wrong("reason", "missing")
        if ask.form.get("sure") != "yes":
            raise wrong("sure", "unticked")
        return {"course": desk.erasing.erase(ask.visitor, identifier, seal, ErasureReason(reason))}
    said = ""
    if act in {"hold", "release"}:
        desk.erasing.set_hold(ask.visitor, identifier, seal, held=act == "hold")
        said = ask.words(f"erase.said_{act}")
    elif act != "plan":
        raise NotFoundError("there is no such thing to do")
    plan, seal = desk.erasing.plan(ask.visitor, identifier)
    return {"plan": plan, "seal": seal, "said": said}


def saved(desk: Desk, ask: Ask) -> Shown:
    """Who has to be told (GDPR Art. 19), and what providers still keep: as it was saved."""
    erasure = ask.query.get("id", "")
    return Made(desk.erasing.saved(ask.visitor, erasure), JSON, f"erasure-{erasure}.json")


def _identifier(ask: Ask) -> str:
    found = ask.form.get("subject", "").strip()
    if not found:
        raise wrong("subject", "missing")
    return within("subject", found, inputs.LONGEST_SUBJECT)
