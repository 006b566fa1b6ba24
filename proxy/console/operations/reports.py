"""Operations that make reports."""

from typing import Any

from audit.reports import NAMES as REPORTS
from audit.reports.base import Report
from audit.reports.texts import Language
from audit.reports.writing import Form, rendered
from proxy.console import inputs
from proxy.console.access import Right
from proxy.console.operations.base import JSON, Answer, Call, Desk, Made, Operation
from proxy.console.outputs import STRING, many, thing

HTML, PDF = "text/html; charset=utf-8", "application/pdf"


def _reports(desk: Desk, call: Call) -> Answer:
    return {"items": list(REPORTS)}


def _report(desk: Desk, call: Call) -> Answer:
    given = call.query
    report = desk.questions.report(call.visitor, call.path["name"], inputs.filters_of(given))
    return written(report, given.form, given.lang)


def _report_of(desk: Desk, call: Call) -> Answer:
    body = call.body
    filters = inputs.filters_of(body.filters, body.subject)
    return written(desk.questions.report(call.visitor, call.path["name"], filters), body.form, body.lang)


def written(report: Report, form: Form, language: Language) -> Made:
    """A report as a file."""
    media = {Form.HTML: HTML, Form.PDF: PDF, Form.JSON: JSON}[form]
    return Made(rendered(report, form, language), media, f"{report.kind.name}.{form}")


_REPORT: dict[str, Any] = {"media": (HTML, PDF, JSON), "path_schemas": {"name": {"enum": list(REPORTS)}}}

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/reports", "listReports", "Which reports there are.", _reports, thing(items=many(STRING))),
    Operation("GET", "/reports/{name}", "makeReport", "A report as a page, a PDF or data.", _report, None,
              query=inputs.ReportQuery, **_REPORT),
    Operation("POST", "/reports/{name}", "makeReportOfSubject", "The same about one person.", _report_of, None,
              right=Right.PERSONS, body=inputs.ReportBody, **_REPORT),
)  # fmt: skip
