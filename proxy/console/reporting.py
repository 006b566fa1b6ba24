"""The page of reports: which there are, about what, in which language, as a page, a PDF or data."""

from typing import Any

from audit.reports import ALL
from audit.reports.texts import Language, Texts
from audit.reports.writing import Form
from proxy.console import inputs
from proxy.console.access import Right
from proxy.console.operations.base import Desk
from proxy.console.operations.reports import written
from proxy.console.problems import checked, within
from proxy.console.questions import NotFoundError
from proxy.console.site import Ask, Shown, View

FILTERS = ("since", "until", "application", "destination", "id")


def reports(desk: Desk, ask: Ask) -> Shown:
    """Which reports are there? And this one, please."""
    kinds = [kind for kind in ALL if not kind.person or ask.visitor.may(Right.PERSONS)]
    say = Texts(Language(ask.words.code))
    titled = [(kind, say.of(kind.texts)(kind.name)) for kind in kinds]
    context: dict[str, Any] = {"kinds": titled, "languages_of": list(Language)}
    return View("reports", {**context, "forms": list(Form), "chosen": ask.query.get("report", "")})


def report(desk: Desk, ask: Ask) -> Shown:
    """One report as a file. A person's identifier comes in a form and goes no further than its hash."""
    kind = next((kind for kind in ALL if kind.name == ask.form.get("report")), None)
    if kind is None:
        raise NotFoundError("there is no such report")
    subject = ask.form.get("subject", "").strip() or None
    within("subject", subject or "", inputs.LONGEST_SUBJECT)
    given = {name: ask.form[name].strip() for name in FILTERS if ask.form.get(name, "").strip()}
    wanted = {"form": ask.form.get("form_of", "html"), "lang": ask.form.get("lang", ask.words.code)}
    filters = inputs.filters_of(checked(inputs.Conditions, given), subject)
    how = checked(inputs.ReportForm, wanted)
    return written(desk.questions.report(ask.visitor, kind.name, filters), how.form, how.lang)
