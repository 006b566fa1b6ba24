"""The process log, as text or as one JSON object a line, for standard error. Nothing that was inspected may enter it.

Messages of our own loggers are sentences of ours. What libraries say may quote a request, and so may every error's
text: of these a line says where and which class, never what.
"""

import json
import logging
import sys
import threading
import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

from proxy.errors import ConfigError, place_of

if TYPE_CHECKING:
    from types import TracebackType

OURS = "dragoman"
FORMS = ("text", "json")


def install(form: str, stream: TextIO | None = None) -> None:
    """Send all logging of this process there, from INFO on for ours and WARNING for others. Raises ConfigError."""
    if form not in FORMS:
        raise ConfigError(f"log: write {' or '.join(FORMS)}")
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else Lines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(logging.INFO)


def install_here(form: str) -> None:
    """For a process of ours: the same, and what the interpreter itself would print of an error or a warning goes there
    as well, because that quotes too. Raises ConfigError."""
    install(form)

    def failed(kind: type[BaseException], error: BaseException | None, trace: "TracebackType | None") -> None:
        if error is not None and not issubclass(kind, SystemExit):
            logging.getLogger(OURS).error("an error that nobody took", exc_info=(kind, error, trace))

    def warned(*_: object, **__: object) -> None:
        """What a library warns of is for those who build with it."""

    threading.excepthook = lambda one: failed(one.exc_type, one.exc_value, one.exc_traceback)
    sys.unraisablehook = lambda one: failed(one.exc_type, one.exc_value, one.exc_traceback)
    warnings.showwarning = warned


def said(record: logging.LogRecord) -> str:
    """The sentence of a record, or what takes its place."""
    if record.name == OURS or record.name.startswith(f"{OURS}."):
        return record.getMessage()
    return f"a library reported {record.levelname.lower()} at {record.module}:{record.lineno}"


def failure(record: logging.LogRecord) -> str:
    """Class of the error and the place it came from, "" without one."""
    error = record.exc_info[1] if record.exc_info else None
    return "" if error is None else place_of(error)


class JsonLines(logging.Formatter):
    """One object a line: time (RFC 3339, UTC), level, logger, message, and error where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": said(record),
        }
        if error := failure(record):
            line["error"] = error
        return json.dumps(line, ensure_ascii=False)


class Lines(logging.Formatter):
    """Level and sentence, for people; a line break in it is no line break in the log."""

    def format(self, record: logging.LogRecord) -> str:
        parts = (f"{record.levelname.lower()}: {said(record)}", failure(record))
        return " ".join(part for part in parts if part).replace("\n", " ")
