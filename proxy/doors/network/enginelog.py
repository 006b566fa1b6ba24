"""What the engine logs, without what it would say: its messages quote requests, so they are counted and dropped.

Records of the engine enter; a count and one line with module, line number and error class leave.
"""

import logging
from collections.abc import Callable

from proxy.doors.network.transfers import Transfers, logger

CRASH = "mitmproxy has crashed!"
"""The engine's words when a protocol layer raised; the connection would then hang until it times out."""

SOURCES = ("mitmproxy", "hpack", "hyper", "h2")


class EngineLog(logging.Handler):
    """Takes the place of every handler of the engine's loggers, while installed.

    on_crash: told the client's address as the engine logs it, so that the connection can be ended.
    """

    def __init__(self, transfers: Transfers, on_crash: Callable[[object], None]) -> None:
        super().__init__(logging.WARNING)
        self._transfers = transfers
        self._on_crash = on_crash
        self._before: list[tuple[logging.Logger, int, bool]] = []

    def install(self) -> None:
        """Silence the engine's loggers but for us."""
        for name in SOURCES:
            source = logging.getLogger(name)
            self._before.append((source, source.level, source.propagate))
            source.setLevel(logging.WARNING)
            source.propagate = False
            source.addHandler(self)

    def uninstall(self) -> None:
        """Leave the loggers as they were."""
        for source, level, propagate in self._before:
            source.removeHandler(self)
            source.setLevel(level)
            source.propagate = propagate
        self._before.clear()

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname.lower()
        self._transfers.note("engine", level)
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else "no exception"
        if record.levelno >= logging.ERROR:
            logger.error("network engine: %s at %s:%d (%s)", level, record.module, record.lineno, kind)
        if record.msg == CRASH:
            self._on_crash(getattr(record, "client", None))
