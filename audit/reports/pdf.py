"""A report as PDF, tagged for screen readers: set by Typst from one template that is part of this package.

What came out of the log enters as data (JSON beside the template), never as markup, so that nothing in it is run. Only
the fonts that come with Typst are used: a page looks the same on every machine, and nothing is read from elsewhere.
"""

from dataclasses import asdict
from functools import cache
from importlib.resources import files

import orjson

from audit.errors import AuditError
from audit.reports.document import Document

WIDE = 7
"""Columns from which on a report is set on landscape pages."""


class PdfError(AuditError):
    """The page could not be set."""

    code = "pdf"


def pdf(document: Document) -> bytes:
    """The bytes of the file. Raises PdfError."""
    import typst

    wide = any(len(table.columns) > WIDE for section in document.sections for table in section.tables)
    data = orjson.dumps({**asdict(document), "wide": wide}, default=list)
    try:
        return typst.compile(
            _template(),
            format="pdf",
            ignore_system_fonts=True,
            sys_inputs={"data": data.decode()},
            timestamp=document.generated // 1000,
        )
    except typst.TypstError as error:
        # Its words quote the template, and may quote what is set by it.
        raise PdfError(f"the report could not be set as PDF ({type(error).__name__})") from None


@cache
def _template() -> bytes:
    return files("audit.reports").joinpath("report.typ").read_bytes()
