"""A budget is one for all processes that share a log: each counts what the others sent when it sees it there."""

from pathlib import Path
from typing import Any

import pytest

from audit.ids import new_id, now_ms
from audit.log import Ledger
from audit.record import OutcomeRecord
from policies.budgets import Spending
from policies.load import loads
from policies.policy import Policy
from proxy.errors import RefusedError
from proxy.running.adapters import ledger_entries
from proxy.steps.spending import Budgets
from tests.audit.conftest import exchange_record


def policy(limit: str) -> Policy:
    """A policy with one budget a day."""
    text = (
        "version: 1\nname: budget\nunknown_applications: allow\n"
        "destinations:\n  openai: {extends: bundled:openai@2026-11-23}\n"
        f"budgets:\n  - {{id: per-day, per: day, {limit}, because: Enough}}\nrules: [{{id: all, do: allow}}]\n"
    )
    return loads(text)


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    """The log that all share."""
    opened = Ledger.open(tmp_path / "home")
    yield opened
    opened.close()


async def budgets(ledger: Ledger, given: Policy) -> Budgets:
    """Those of another process."""
    made = Budgets(ledger_entries(ledger))
    made.use(await made.prepare(given, now_ms()))
    return made


async def sent(book: Budgets, ledger: Ledger, *, size: int = 10, tokens: int = 0, who: str = "") -> None:
    """One transfer of a process: counted, recorded, ended."""
    record = exchange_record(id=new_id(), at=now_ms(), bytes_in=size, subjects=())
    spending = Spending("messenger", "openai", record.at, size, (), f"{record.id}/{record.attempt}")
    book.reserve(spending)
    await ledger.append(record)
    book.add_tokens(spending, tokens)
    await ledger.append(OutcomeRecord(id=record.id, at=now_ms(), state="complete", status=200, tokens_in=tokens))


async def test_what_another_process_sent_is_counted(ledger: Ledger) -> None:
    given = policy("transfers: 3")
    one, other = await budgets(ledger, given), await budgets(ledger, given)
    await sent(one, ledger)
    await sent(one, ledger)
    await other.follow()
    await sent(other, ledger)
    with pytest.raises(RefusedError):
        await sent(other, ledger)
    await one.follow()
    with pytest.raises(RefusedError):
        await sent(one, ledger)


async def test_ones_own_transfers_count_once(ledger: Ledger) -> None:
    one = await budgets(ledger, policy("transfers: 3"))
    for _ in range(3):
        await sent(one, ledger)
        await one.follow()
    with pytest.raises(RefusedError):
        await sent(one, ledger)


async def test_tokens_of_others_count_with_their_outcome(ledger: Ledger) -> None:
    given = policy("tokens: 100")
    one, other = await budgets(ledger, given), await budgets(ledger, given)
    await sent(one, ledger, tokens=100)
    await other.follow()
    with pytest.raises(RefusedError):
        await sent(other, ledger)


async def test_what_was_in_the_log_before_is_not_read_again(ledger: Ledger) -> None:
    given = policy("transfers: 3")
    await sent(await budgets(ledger, given), ledger)
    later = await budgets(ledger, given)
    await later.follow()
    await later.follow()
    await sent(later, ledger)
    await sent(later, ledger)
    with pytest.raises(RefusedError):
        await sent(later, ledger)


async def test_without_budgets_the_log_is_not_followed(ledger: Ledger) -> None:
    plain = loads(
        "version: 1\nname: plain\nunknown_applications: allow\ndestinations:\n"
        "  openai: {extends: bundled:openai@2026-11-23}\nrules: [{id: all, do: allow}]\n"
    )
    book = Budgets(ledger_entries(ledger))
    book.use(await book.prepare(plain, now_ms()))
    ledger.store.close()  # would raise if it were asked
    await book.follow()
