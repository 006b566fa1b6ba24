"""A running dragoman follows what other processes erase, and forgets what has expired."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from audit.log import Ledger
from proxy.erasure.carrying_out import Erasing
from proxy.erasure.plan import make_plan, references_of
from proxy.erasure.upkeep import OPEN_S, PURGE_S, Upkeep
from redaction.vault import SqlVault, open_vault
from redaction.vault.keys import FileRing
from tests.proxy.erasure.conftest import ANNA, BEN, MAIL, Nobody


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def erased_elsewhere(site: Any, person: str) -> None:
    """Another process erases somebody: its own log and vault, the same home."""
    ledger, vault = Ledger.join(site.home), open_vault(site.home)
    try:
        plan = make_plan(ledger, vault, Nobody(), references_of(ledger, person))
        Erasing(ledger, vault, Nobody(), actor=ledger.references.actor("x"), file=site.file).carry_out(plan)
    finally:
        vault.close()
        ledger.close()


def test_what_another_process_erases_is_forgotten_here(site: Any) -> None:
    scope, other = site.sent(ANNA, "s1", MAIL), site.sent(BEN, "s2", MAIL)
    upkeep = Upkeep(site.ledger, site.vault, clock=Clock())
    erased_elsewhere(site, ANNA)
    assert site.vault.known_tokens(scope, [MAIL]), "the memory of this process does not know yet"
    upkeep.look()
    assert site.vault.known_tokens(scope, [MAIL]) is None
    assert site.vault.known_scope("scope of s1") is None
    assert site.vault.known_tokens(other, [MAIL])


def test_what_an_open_transfer_writes_afterwards_is_shredded(site: Any) -> None:
    site.sent(ANNA, "s1", MAIL)
    (ref,) = references_of(site.ledger, ANNA)
    clock = Clock()
    upkeep = Upkeep(site.ledger, site.vault, clock=clock)
    erased_elsewhere(site, ANNA)
    upkeep.look()
    late = site.vault.open_scope("late")
    site.vault.issue(late, [MAIL], [ref])
    upkeep.look()
    assert site.vault.live([late.id]) == {late.id: 1}
    clock.now += OPEN_S
    upkeep.look()
    assert site.vault.live([late.id]) == {}
    assert [one["cause"] for one in site.records("shred")] == ["erasure", "reapplied"]
    assert [one["phase"] for one in site.records("erasure")] == ["begun", "done"]


def test_an_erasure_that_goes_on_is_not_taken_for_one_that_was_cut_off(site: Any) -> None:
    site.sent(ANNA, "s1", MAIL, objects=["resp_1"])
    site.sent(BEN, "s2", MAIL)
    upkeep = Upkeep(site.ledger, site.vault, clock=Clock())
    failing = Nobody(failing="resp_1")
    with pytest.raises(RuntimeError):
        site.erasing(failing).carry_out(site.plan(ANNA, failing))
    erased_elsewhere(site, BEN)
    upkeep.look()
    assert references_of(site.ledger, ANNA), "whoever erases her destroys them, or the next start"
    assert [one["phase"] for one in site.records("erasure")] == ["begun", "begun", "done"]


def test_what_has_expired_is_shredded_each_hour_and_recorded(site: Any) -> None:
    old = SqlVault(f"sqlite:///{site.home / 'vault.db'}", FileRing(site.home / "keys"), clock_ms=lambda: 1_000_000)
    clock = Clock()
    upkeep = Upkeep(site.ledger, site.vault, clock=clock)
    old.issue(old.open_scope("one"), [MAIL])
    upkeep.look()
    old.issue(old.open_scope("two"), [MAIL])
    upkeep.look()
    assert len(site.records("shred")) == 1, "not again within the hour"
    clock.now += PURGE_S
    upkeep.look()
    old.close()
    found = [(one["cause"], one["scopes_overflow"], one["mappings"]) for one in site.records("shred")]
    assert found == [("expired", 1, 1)] * 2
    size = site.ledger.size
    clock.now += PURGE_S
    upkeep.look()
    assert site.ledger.size == size


async def test_a_failure_is_counted_and_the_next_look_comes(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    upkeep = Upkeep(site.ledger, site.vault, clock=Clock())
    looks, seen = [RuntimeError("away"), None], []

    def look() -> None:
        found = looks.pop(0)
        if found is not None:
            raise found

    async def pause(_: float) -> None:
        if not looks:
            raise asyncio.CancelledError

    monkeypatch.setattr(upkeep, "look", look)
    with ThreadPoolExecutor(1) as threads, pytest.raises(asyncio.CancelledError):
        await upkeep.watch(threads, lambda kind, label: seen.append((kind, label)), pause=pause)
    assert seen == [("upkeep_failed", "RuntimeError")]
