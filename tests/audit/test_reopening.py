"""A log on a database server goes on after a failed commit, in the same process, whatever became of that commit."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from audit.errors import LedgerError
from audit.log import Ledger
from audit.verify import verify_store
from tests.audit.test_log import all_facts

STEPS = ["locked", "signed", "written", "committed"]


@pytest.fixture
def broken() -> dict[str, str]:
    """`at`: the step at which the next commits fail."""
    return {}


@pytest.fixture
def served(home: Path, postgres_url: str, broken: dict[str, str]) -> Iterator[Ledger]:
    def probe(step: str) -> None:
        if broken.get("at") == step:
            raise sa.exc.OperationalError("COMMIT", {}, OSError("server closed the connection"))

    ledger = Ledger.open(home, database_url=postgres_url, node="one", sending_marks=True, probe=probe)
    yield ledger
    ledger.close()


async def refused(ledger: Ledger, *records: Any, code: str = "ledger_reopening") -> None:
    answers = await asyncio.gather(*(ledger.append(record) for record in records), return_exceptions=True)
    assert {getattr(answer, "code", answer) for answer in answers} == {code}


@pytest.mark.parametrize("step", STEPS)
async def test_what_the_failed_commit_left_is_closed_and_others_go_on(
    served: Ledger, broken: dict[str, str], transfer: Callable[..., Any], outcome: Callable[..., Any], step: str
) -> None:
    going_on = transfer()
    served.sending(await served.append(going_on))
    broken["at"] = step
    person = served.references.subject("anna-4711")
    await refused(served, transfer(), transfer(), outcome(going_on))
    assert served.refusal is not None
    assert not served.lost, "nobody has to start anything"
    broken.clear()
    await asyncio.to_thread(served.reopen)
    # The outcome is tried again by whoever wrote it: it is there already, or not.
    tried = await asyncio.gather(served.append(outcome(going_on)), return_exceptions=True)
    assert [getattr(one, "code", "written") for one in tried] == ["duplicate" if step == "committed" else "written"]
    await served.append(transfer())
    assert served.references.subject("anna-4711") == person
    found = all_facts(served)
    (gap,) = [one for one in found if one["kind"] == "gap"]
    left = 2 if step == "committed" else 0
    assert (gap["cause"], gap.get("not_sent", 0), gap.get("interrupted", 0)) == ("storage", left, 0)
    assert sum(one["kind"] == "outcome" and one["state"] == "not_sent" for one in found) == left
    assert verify_store(served.store, [served.home.read_vkey()]).open == 1, "the newest transfer alone"


async def test_while_the_server_is_away_it_stays_closed_and_is_tried_again(
    served: Ledger, broken: dict[str, str], transfer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken["at"] = "committed"
    await refused(served, transfer())
    for _ in range(2):
        # The start itself fails where it writes what it found.
        with pytest.raises(LedgerError) as caught:
            await asyncio.to_thread(served.reopen)
        assert caught.value.code == "ledger_reopening"
        assert served.refusal is not None
    broken.clear()
    await asyncio.to_thread(served.reopen)
    receipt = await served.append(transfer())
    assert receipt.index > 0
    assert verify_store(served.store, [served.home.read_vkey()]).open == 1


async def test_a_log_that_was_set_back_meanwhile_is_not_continued(
    served: Ledger, broken: dict[str, str], transfer: Callable[..., Any], postgres_url: str
) -> None:
    await served.append(transfer())
    broken["at"] = "locked"
    await refused(served, transfer())
    broken.clear()
    with sa.create_engine(postgres_url, poolclass=sa.NullPool).begin() as connection:
        connection.execute(sa.text("UPDATE tree SET size = size - 1"))
    with pytest.raises(LedgerError) as caught:
        await asyncio.to_thread(served.reopen)
    assert served.lost
    assert served.refusal is not None
    assert served.refusal.code == caught.value.code != "ledger_reopening"
    with pytest.raises(LedgerError) as caught:
        await served.append(transfer())
    assert caught.value.code == served.refusal.code


async def test_a_log_in_a_file_stays_closed(home: Path, transfer: Callable[..., Any]) -> None:
    """The kernel may have dropped the pages that it could not write, and reading them here would hide that."""

    def probe(step: str) -> None:
        raise OSError("disk I/O error")

    ledger = Ledger.open(home)
    ledger._writer._probe = probe
    await refused(ledger, transfer(), code="ledger_failed")
    assert ledger.lost
    with pytest.raises(LedgerError) as caught:
        ledger.reopen()
    assert caught.value.code == "ledger_failed"
    ledger.close()
