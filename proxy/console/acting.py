"""The pages on which somebody acts: held requests, originals that two people want to see, tokens."""

from audit.values import ApprovalReason, RevealReason
from proxy.console.access import Right
from proxy.console.inputs import LONGEST
from proxy.console.operations.base import Desk
from proxy.console.problems import within, wrong
from proxy.console.questions import NotFoundError
from proxy.console.site import Ask, Shown, View
from proxy.console.token_desk import may_make
from proxy.control.approvals import MAX_HOURS, MAX_WORDS
from proxy.control.reveals import RevealKind, Wanted
from proxy.control.tokens import MAX_DAYS, Role

HOURS = (1, 4, 24, 72, MAX_HOURS)
DAYS = (7, 30, 90, 365)


def _number(ask: Ask, name: str, most: int) -> int:
    given = ask.form.get(name, "")
    if not (given.isascii() and given.isdecimal() and len(given) < 6 and 1 <= int(given) <= most):
        raise wrong(name, "between", ge=1, le=most)
    return int(given)


def _short(ask: Ask, name: str) -> str:
    return within(name, ask.form.get(name, "").strip(), LONGEST)


def approvals(desk: Desk, ask: Ask) -> Shown:
    """Which requests wait for an officer's word?"""
    said = ""
    if ask.form:
        reference = _short(ask, "reference")
        if ask.form.get("do") == "grant":
            reason, because = ask.form.get("reason", ""), ask.form.get("because", "").strip()
            if reason not in set(ApprovalReason):
                raise wrong("reason", "missing")
            within("because", because, MAX_WORDS)
            hours = _number(ask, "hours", MAX_HOURS)
            desk.approving.grant(ask.visitor, reference, hours, ApprovalReason(reason), because)
            said = ask.words("approvals.granted")
        else:
            desk.approving.deny(ask.visitor, reference)
            said = ask.words("approvals.denied")
    held = desk.approving.held(ask.visitor)
    waiting = [one for one in held if one.state == "waiting"]
    context = {"waiting": waiting, "decided": [one for one in held if one.state != "waiting"]}
    return View("approvals", {**context, "said": said, "hours": HOURS, "reasons": list(ApprovalReason)})


def reveals(desk: Desk, ask: Ask) -> Shown:
    """Who wants to see an original, who agreed, and what is it?"""
    token, said, shown = ask.visitor.token, "", None
    ask.visitor.require(Right.REVEAL)
    if ask.form:
        act, which = ask.form.get("do", ""), _short(ask, "id")
        if act == "ask":
            kind = RevealKind.ACTOR if ask.form.get("kind") == "actor" else RevealKind.ORIGINAL
            given = {name: _short(ask, name) for name in ("what", "reason", "ticket", "scope", "transfer")}
            desk.revealing.ask(token, Wanted(kind, **given))
            said = ask.words("reveals.asked")
        elif act == "agree":
            desk.revealing.approve(token, which)
            said = ask.words("reveals.agreed")
        elif act == "deny":
            desk.revealing.deny(token, which)
            said = ask.words("reveals.denied")
        elif act == "look":
            shown = desk.revealing.show(token, which)
        else:
            raise NotFoundError("there is no such thing to do")
    found = desk.revealing.waiting(token)
    context = {"found": found, "said": said, "shown": shown, "reasons": list(RevealReason), "me": token}
    return View("reveals", {**context, "given": ask.query})


def tokens(desk: Desk, ask: Ask) -> Shown:
    """Who may look and act?"""
    said, made = "", None
    ask.visitor.require(Right.TOKENS)
    if ask.form.get("do") == "revoke":
        ended = desk.tokens.revoke(ask.visitor, _short(ask, "id"))
        said = ask.words("tokens.revoked", name=ended.name)
    elif ask.form:
        role = ask.form.get("role", "")
        if role not in set(Role):
            raise wrong("role", "enum", expected=", ".join(may_make(ask.visitor)))
        applications = tuple(dict.fromkeys(_short(ask, "applications").replace(",", " ").split()))
        days = _number(ask, "days", MAX_DAYS)
        made = desk.tokens.create(ask.visitor, Role(role), _short(ask, "name"), applications, days)
    context = {"found": desk.tokens.all(ask.visitor), "made": made, "said": said}
    return View("tokens", {**context, "roles": may_make(ask.visitor), "days": DAYS, "me": ask.visitor.token})
