"""Several processes write to one vault at once: one scope per reference, one placeholder per text, whoever is first."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from redaction.errors import VaultError

# Opens a vault per task, so that one start of Python (half a second) serves every test.
WRITER = """
import sys
from redaction.errors import VaultError
from redaction.vault import SqlVault
from redaction.vault.keys import StaticRing

for line in sys.stdin:
    url, ref, start, end = line.split()
    print("ready", flush=True)
    sys.stdin.readline()
    vault = SqlVault(url, StaticRing(bytes(range(32))), clock_ms=lambda: 1_790_000_000_000)
    try:
        scope = vault.open_scope(ref, destination="openai")
        items = [("PERSON", f"Name {n}") for n in range(int(start), int(end))]
        print(scope.id, *vault.issue(scope, items), flush=True)
    except VaultError as error:
        print(error.code, flush=True)
    vault.close()
"""


class Writers:
    """Processes that begin a task at the same moment."""

    def __init__(self, count: int) -> None:
        command = [sys.executable, "-c", WRITER]
        self.processes = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)
        ]

    def together(
        self, url: str, ref: str, spans: list[tuple[int, int]], meanwhile: Callable[[], object] = lambda: None
    ) -> list[list[str]]:
        """Each process issues for the numbers of its span. Their answers: scope id and placeholders, or a code."""
        for process, (start, end) in zip(self.processes, spans, strict=True):
            self._tell(process, f"{url} {ref} {start} {end}")
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in self.processes:
            self._tell(process, "go")
        meanwhile()
        return [process.stdout.readline().split() for process in self.processes if process.stdout is not None]

    def close(self) -> None:
        for process in self.processes:
            process.communicate("")
        assert [process.returncode for process in self.processes] == [0] * len(self.processes)

    def _tell(self, process: "subprocess.Popen[str]", line: str) -> None:
        assert process.stdin is not None
        process.stdin.write(f"{line}\n")
        process.stdin.flush()


@pytest.fixture(scope="module")
def writers() -> Iterator[Writers]:
    """Three processes."""
    started = Writers(3)
    yield started
    started.close()


def test_writers_that_begin_together_agree_from_the_first_migration_on(site: Any, writers: Writers) -> None:
    for turn in range(4):
        answers = writers.together(site.url, f"ref{turn}", [(0, 40)] * 3)
        assert len(answers[0]) == 41
        assert answers[0] == answers[1] == answers[2]
    assert site.run("SELECT count(*) FROM vault_scope") == [(4,)]
    assert site.run("SELECT count(*) FROM vault_mapping") == [(160,)]
    assert site.run("SELECT count(*) FROM vault_secret") == [(1,)]
    assert site.run("SELECT count(*) FROM vault_version") == [(1,)]


def test_writers_of_overlapping_texts_agree_where_they_meet(site: Any, writers: Writers) -> None:
    spans = [(0, 30), (20, 50), (10, 40)]
    answers = writers.together(site.url, "ref", spans)
    assert len({answer[0] for answer in answers}) == 1
    issued: dict[int, str] = {}
    for (start, end), answer in zip(spans, answers, strict=True):
        for number, token in zip(range(start, end), answer[1:], strict=True):
            assert issued.setdefault(number, token) == token
    assert len(set(issued.values())) == 50
    vault = site.open()
    restored = vault.restorable([vault.open_scope("ref")])
    assert restored == {token: f"Name {number}" for number, token in issued.items()}


def test_nothing_is_written_into_a_scope_that_is_being_destroyed(site: Any, writers: Writers) -> None:
    vault = site.open()
    for turn in range(4):
        scope = vault.open_scope(f"ref{turn}")
        vault.issue(scope, [("PERSON", "Name 5")])
        answers = writers.together(
            site.url, f"ref{turn}", [(0, 20), (10, 30), (20, 40)], lambda scope=scope: vault.shred(scope.id)
        )
        # Each came in time, or was refused, or came too late and opened a new scope.
        assert all(answer == ["shredded"] or len(answer) == 21 for answer in answers)
        with pytest.raises(VaultError) as refused:
            vault.issue(scope, [("PERSON", "later")])
        assert refused.value.code == "shredded"
    left = "SELECT count(*) FROM vault_mapping m JOIN vault_scope s ON s.id = m.scope WHERE s.keys IS NULL"
    assert site.run(left) == [(0,)]
