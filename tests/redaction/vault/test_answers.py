"""Kept answers: sealed, found in pairs, gone with their time, their scope or their person."""

from collections.abc import Callable
from typing import Any

import pytest

from redaction.errors import VaultError
from redaction.vault.answers import ALONE_MS

ONE, TWO = "01JDK0000000000000000000AA", "01JDK0000000000000000000BB"
ASKED = "Mail [EMAIL_ADDRESS_7K3QX2MA] tomorrow"
ANNA = "a" * 22
WEEK_S = 7 * 86_400


def kept(vault: Any, exchange: str = ONE, *, persons: tuple[str, ...] = (ANNA,)) -> tuple[Any, Any]:
    """Both answers of a pair; their scopes, one for each recipient."""
    scopes = tuple(vault.open_scope(f"{exchange} {name}", destination=name) for name in ("openai", "own-llama"))
    for attempt, scope in enumerate(scopes, start=1):
        vault.issue(scope, [], persons)
        assert vault.answers.keep(scope, exchange, attempt, f"{attempt} {ASKED}", WEEK_S)
    return scopes


def test_a_pair_is_found_by_another_process_and_no_text_stands_in_the_database(
    site: Any, dump: Callable[[], bytes]
) -> None:
    kept(site.open())
    elsewhere = site.open().answers
    assert elsewhere.names(10) == ((ONE, 2),)
    found = elsewhere.pair(ONE, 2)
    assert (found.first, found.second) == (f"1 {ASKED}", f"2 {ASKED}")
    assert (found.created, found.expires) == (site.clock.now_ms, site.clock.now_ms + WEEK_S * 1000)
    assert "EMAIL_ADDRESS" not in repr(found)
    data = dump()
    assert ONE.encode() in data
    assert b"tomorrow" not in data
    assert b"7K3QX2MA" not in data


def test_the_order_is_drawn_for_each_pair(site: Any) -> None:
    vault = site.open()
    names = [f"01JDK00000000000000000{number:04}" for number in range(40)]
    for name in names:
        kept(vault, name, persons=())
    assert {vault.answers.pair(name, 2).swapped for name in names} == {True, False}
    assert len(vault.answers.names(7)) == 7


def test_one_answer_alone_is_no_pair_and_waits_an_hour_for_the_other(site: Any) -> None:
    vault = site.open()
    scope = vault.open_scope("alone")
    vault.answers.keep(scope, ONE, 1, ASKED, WEEK_S)
    kept(vault, TWO)
    assert (vault.answers.pair(ONE, 2), vault.answers.pair(ONE, 1)) == (None, None)
    assert vault.answers.names(10) == ((TWO, 2),)
    site.clock.now_ms += ALONE_MS - 1
    vault.purge()
    assert len(site.run("SELECT exchange FROM vault_answer")) == 3
    site.clock.now_ms += 1
    vault.purge()
    assert {row[0] for row in site.run("SELECT exchange FROM vault_answer")} == {TWO}


def test_a_pair_ends_with_its_time_before_any_purge_and_is_gone_after_it(site: Any) -> None:
    vault = site.open()
    kept(vault)
    site.clock.now_ms += WEEK_S * 1000
    assert vault.answers.pair(ONE, 2) is None
    assert vault.answers.names(10) == ()
    vault.purge()
    assert site.run("SELECT exchange FROM vault_answer") == []


@pytest.mark.parametrize("shredded", [0, 1], ids=["first", "second"])
def test_shredding_either_scope_takes_its_answer_and_with_it_the_pair(site: Any, shredded: int) -> None:
    vault, elsewhere = site.open(), site.open()
    scopes = kept(vault)
    assert elsewhere.shred(scopes[shredded].id)
    assert vault.answers.pair(ONE, 2) is None
    assert vault.answers.names(10) == ()
    assert site.run("SELECT attempt FROM vault_answer") == [(2 - shredded,)]


def test_erasing_a_person_takes_every_answer_of_their_conversations_and_no_other(site: Any) -> None:
    vault = site.open()
    kept(vault)
    kept(vault, TWO, persons=())
    vault.shred_all([scope.id for scope in vault.scopes_of([ANNA])])
    assert {row[0] for row in site.run("SELECT exchange FROM vault_answer")} == {TWO}


def test_nothing_is_kept_under_a_scope_that_was_destroyed(site: Any) -> None:
    vault = site.open()
    scope = vault.open_scope("gone")
    site.open().shred(scope.id)
    assert not vault.answers.keep(scope, ONE, 1, ASKED, WEEK_S)
    assert site.run("SELECT exchange FROM vault_answer") == []


def test_an_answer_that_was_moved_to_another_row_does_not_open(site: Any) -> None:
    vault = site.open()
    kept(vault)
    site.run("UPDATE vault_answer SET exchange = :new", new=TWO)
    with pytest.raises(VaultError) as refused:
        vault.answers.pair(TWO, 2)
    assert refused.value.code == "damaged"
