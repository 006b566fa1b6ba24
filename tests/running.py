"""How the suite runs: the files that take long come first, and a test that fails is told at once, by its name.

xdist gives whole files to its processes in the order of collection; a long one that came last would keep one of them
busy while the others have nothing to do.
"""

from pathlib import Path
from typing import Any

import pytest

LONG = (
    "integration/test_workers.py",
    "integration/test_hot_reload.py",
    "proxy/bulk/test_bulk.py",
    "integration/test_commands.py",
)
"""What takes longest of all; then come the folders of whole dragomans and of browsers, then the rest."""
FOLDERS = ("integration", "outside", "proxy/console", "deploy")


def rank(path: Path) -> int:
    """Where a file stands in the order; files of one rank stay as they are."""
    parts = path.as_posix().rpartition("/tests/")[2]
    if parts in LONG:
        return LONG.index(parts)
    folders = [number for number, folder in enumerate(FOLDERS) if parts.startswith(f"{folder}/")]
    return len(LONG) + (folders[0] if folders else len(FOLDERS))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: rank(item.path))


class FailuresAtOnce:
    """Writes a line or two about a failure when it happens: the whole of it stands at the end, if there is an end."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        terminal: Any = self._config.pluginmanager.getplugin("terminalreporter")
        if not report.failed or terminal is None:
            return
        crash = getattr(report.longrepr, "reprcrash", None)
        said = crash.message if crash is not None else report.longreprtext
        where = f"{crash.path}:{crash.lineno}: " if crash is not None else ""
        terminal.write_line("")
        terminal.write_line(f"FAILED {report.nodeid} [{report.when}]", red=True)
        terminal.write_line(f"  {where}{' '.join(said.split())[:500]}")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # xdist's processes leave the telling to the one that started them
        config.pluginmanager.register(FailuresAtOnce(config), "failures-at-once")
