"""A report in one of its forms, and the tables of a home that reports are computed with."""

from enum import StrEnum
from pathlib import Path
from typing import TypedDict

import orjson

from audit.reports import prices as price_table
from audit.reports import recall as measurement
from audit.reports.base import Report
from audit.reports.document import document
from audit.reports.html import page
from audit.reports.pdf import pdf
from audit.reports.prices import Prices
from audit.reports.recall import Recall
from audit.reports.texts import Language

PRICES, RECALL = "prices.toml", "recall.json"
"""Files of the home that are used where no others are named."""


class Form(StrEnum):
    """How a report is written."""

    HTML = "html"
    PDF = "pdf"
    JSON = "json"


class Tables(TypedDict):
    """What `build` takes besides the log."""

    prices: Prices | None
    recall: Recall | None


def tables_of(home: Path, prices: Path | None = None, recall: Path | None = None) -> Tables:
    """The tables that are named, else those of the home, else our own measurement. Raises PricesError, RecallError."""
    prices = prices or (found if (found := home / PRICES).exists() else None)
    recall = recall or (found if (found := home / RECALL).exists() else None)
    return {
        "prices": None if prices is None else price_table.read(prices),
        "recall": measurement.bundled() if recall is None else measurement.read(recall),
    }


def rendered(report: Report, form: Form, language: Language) -> bytes:
    """A report in one form. Raises PdfError."""
    if form is Form.JSON:
        return orjson.dumps({**report.facts, "partial": report.partial}, option=orjson.OPT_INDENT_2) + b"\n"
    made = document(report, language)
    return pdf(made) if form is Form.PDF else page(made).encode()
