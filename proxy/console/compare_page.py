"""The page of comparing models: which of two answers is better, and what the figures say so far."""

import re
from collections.abc import Mapping
from typing import Any

from proxy.comparing.report import Match, Rate, Report
from proxy.console.operations.base import Desk
from proxy.console.problems import wrong
from proxy.console.site import Ask, Shown, View

PERIODS = (7, 28, 90, 365)
CHOICES = ("a", "b", "tie")
_PAIR = re.compile(r"([0-9A-HJKMNP-TV-Z]{26})/([2-9]|[1-9][0-9]{1,5})", re.ASCII)


def compare(desk: Desk, ask: Ask) -> Shown:
    """Is our own model good enough?"""
    given = ask.query.get("days", "28")
    days = int(given) if given.isdecimal() and int(given) in PERIODS else 28
    do, said = ask.form.get("do", ""), None
    if do in CHOICES:
        exchange, attempt = _pair(ask)
        said = desk.comparison.rate(ask.visitor, exchange, attempt, do)
    if do in (*CHOICES, "skip", "show"):
        found = desk.comparison.next(ask.visitor, _pair(ask) if do == "skip" else None)
    elif ask.form:
        raise wrong("do", "enum", expected=", ".join((*CHOICES, "skip", "show")))
    else:
        found = desk.comparison.waiting(ask.visitor)
    report = desk.comparison.report(ask.visitor, days)
    context: dict[str, Any] = {"found": found, "report": report, "asked_for": bool(do), "said": said}
    context |= {"matches": [_match(one) for one in report.matches], "weeks": _weeks(report)}
    return View("compare", {**context, "days": days, "periods": PERIODS})


def _pair(ask: Ask) -> tuple[str, int]:
    found = _PAIR.fullmatch(ask.form.get("pair", ""))
    if found is None:
        raise wrong("pair", "missing")
    return found[1], int(found[2])


def _match(one: Match) -> Mapping[str, Any]:
    rates = [(name, _in_percent(rate)) for name, rate in (("people", one.people), ("judge", one.judge)) if rate.pairs]
    return {"first": one.first, "second": one.second, "rates": rates, "measures": one.measures}


def _in_percent(rate: Rate) -> Mapping[str, Any]:
    low, high = round(100 * rate.low), round(100 * rate.high)
    return {
        "of": rate,
        "percent": None if rate.rate is None else round(100 * rate.rate),
        "low": low,
        "high": high,
        "width": max(1, high - low),
    }


def _weeks(report: Report) -> list[tuple[str, int, int, int]]:
    """Week, own, all, share in percent; the newest twelve."""
    return [(one.week, one.own, one.all, round(100 * one.own / one.all) if one.all else 0) for one in report.weeks][
        -12:
    ]
