"""Whom a scope concerns: kept with it, found again by reference, gone with it."""

from typing import Any

import pytest

from redaction.errors import VaultError
from redaction.vault.base import ConcernedScope

ANNA, BEN = "a" * 22, "b" * 22
MAIL = ("EMAIL_ADDRESS", "anna@example.com")
NAME = ("PERSON", "Anna Schmidt")


def test_a_persons_scopes_are_found_by_the_reference_alone(site: Any) -> None:
    vault = site.open()
    first, second, other = (vault.open_scope(ref, destination="openai") for ref in ("one", "two", "three"))
    vault.issue(first, [MAIL, NAME], [ANNA])
    vault.issue(second, [], [ANNA, BEN])  # nothing was replaced: its commitments are about somebody all the same
    vault.issue(other, [NAME], [BEN])
    assert set(vault.scopes_of([ANNA])) == {
        ConcernedScope(first.id, "session", "openai", mappings=2, others=0),
        ConcernedScope(second.id, "session", "openai", mappings=0, others=1),
    }
    assert [one.id for one in vault.scopes_of([ANNA]) if one.others] == [second.id]
    assert {one.id for one in vault.scopes_of([ANNA, BEN])} == {first.id, second.id, other.id}
    assert vault.scopes_of(["c" * 22]) == ()


def test_what_is_known_costs_no_database_and_a_new_person_does(site: Any) -> None:
    vault = site.open()
    scope = vault.open_scope("one")
    tokens = vault.issue(scope, [MAIL], [ANNA])
    assert vault.known_tokens(scope, [MAIL], [ANNA]) == tokens
    assert vault.known_tokens(scope, [], [ANNA]) == []
    assert vault.known_tokens(scope, [MAIL], [ANNA, BEN]) is None
    assert vault.issue(scope, [MAIL], [ANNA, BEN]) == tokens
    assert [one.others for one in vault.scopes_of([ANNA])] == [1]
    assert vault.known_tokens(scope, [MAIL], [BEN]) == tokens
    site.clock.now_ms += 60_000
    assert vault.known_tokens(scope, [MAIL], [ANNA]) is None, "another process may have shredded it meanwhile"


def test_shredding_forgets_whom_it_concerned_and_leaves_the_others(site: Any) -> None:
    vault, elsewhere = site.open(), site.open()
    first, second = vault.open_scope("one"), vault.open_scope("two")
    vault.issue(first, [MAIL, NAME], [ANNA])
    vault.issue(second, [NAME], [ANNA])
    assert elsewhere.live([first.id, second.id, "0" * 32]) == {first.id: 2, second.id: 1}
    assert elsewhere.shred_all([first.id, "0" * 32]) == {first.id: 2}
    assert elsewhere.shred_all([first.id]) == {}
    assert [one.id for one in vault.scopes_of([ANNA])] == [second.id]
    assert vault.live([first.id, second.id]) == {second.id: 1}
    assert site.run("SELECT scope FROM vault_person") == [(second.id,)]
    site.clock.now_ms += 60_000
    with pytest.raises(VaultError) as refused:
        vault.issue(first, [], [ANNA])
    assert refused.value.code == "shredded"


def test_what_a_provider_keeps_is_named_until_its_scope_is_gone(site: Any) -> None:
    vault = site.open()
    session, wide = vault.open_scope("one"), vault.open_scope("two", kind="application")
    vault.bind("openai", "resp_1", [session, wide], "feed")
    vault.bind("gemini", "cachedContents/x", [session], "", ttl_s=60)
    found = vault.objects([session.id, wide.id])
    assert [(one.destination, one.object_id) for one in found] == [("openai", "resp_1"), ("gemini", "cachedContents/x")]
    assert found[1].expires - found[1].created == 60_000
    assert "resp_1" not in repr(found)
    vault.shred_all([session.id])
    assert [one.object_id for one in vault.objects([session.id, wide.id])] == ["resp_1"]
    vault.shred_all([wide.id])
    assert vault.objects([session.id, wide.id]) == ()


def test_conversations_of_nobody_are_counted(site: Any) -> None:
    vault = site.open()
    vault.issue(vault.open_scope("one"), [MAIL])
    vault.issue(vault.open_scope("two"), [MAIL], [ANNA])
    vault.issue(vault.open_scope("app", kind="application"), [MAIL])
    vault.open_scope("empty")
    assert vault.unattributed() == 1


def test_a_vault_of_the_first_schema_is_brought_up_to_date_with_all_that_is_in_it(site: Any) -> None:
    before = site.open()
    scope = before.open_scope("one")
    tokens = before.issue(scope, [MAIL])
    before.close()
    for table in ("vault_person", "vault_answer"):
        site.run(f"DROP TABLE {table}")
    site.run("ALTER TABLE vault_binding DROP COLUMN owner")
    site.run("UPDATE vault_version SET version_num = '0001'")
    after = site.open()
    assert after.issue(after.open_scope("one"), [MAIL], [ANNA]) == tokens
    assert [one.id for one in after.scopes_of([ANNA])] == [scope.id]
    kept = after.answers.keep(scope, "0" * 26, 1, "text", 60)
    assert kept
