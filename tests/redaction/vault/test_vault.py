"""What a vault promises, on SQLite and on PostgreSQL: one placeholder per text and scope, kept, given back, forgotten."""

from typing import Any

import pytest

from redaction import tokens
from redaction.errors import VaultError
from redaction.vault import Approval, RevealEvent, issuing
from redaction.vault.base import OTHER_TTL_S, TTL_S

ITEMS = [
    ("PERSON", "Nguyễn Văn An"),
    ("EMAIL_ADDRESS", "an@example.com"),
    ("PERSON", "an@example.com"),
    ("X", "\ud800"),
]
BOTH = Approval("anna", "bob", "an audit")


def test_a_text_has_one_placeholder_in_its_scope_in_every_process_and_after_a_restart(site: Any) -> None:
    first, second = site.open(), site.open()
    scope = first.open_scope("ref", destination="openai")
    issued = first.issue(scope, ITEMS)
    assert all(tokens.is_token(token) for token in issued)
    assert len(set(issued)) == len(ITEMS)
    again = second.open_scope("ref", destination="openai")
    assert again == scope
    assert second.issue(again, ITEMS[::-1]) == issued[::-1]
    site.close()
    third = site.open()
    scope = third.open_scope("ref")
    assert third.issue(scope, [ITEMS[0], ITEMS[0], ITEMS[1]]) == [issued[0], issued[0], issued[1]]
    assert dict(third.restorable([scope])) == {token: text for token, (_, text) in zip(issued, ITEMS, strict=True)}


def test_scopes_share_no_placeholder_and_wide_ones_are_longer(site: Any) -> None:
    vault = site.open()
    session, other = (vault.open_scope(ref, destination="openai") for ref in ("a", "b"))
    wide = vault.open_scope("c", kind="application", destination="openai")
    issued = [vault.issue(scope, [ITEMS[0]])[0] for scope in (session, other, wide)]
    assert len(set(issued)) == 3
    assert [len(token) for token in issued] == [17, 17, 21]
    assert len({scope.token_key for scope in (session, other, wide)}) == 3
    assert set(vault.restorable([session, wide])) == {issued[0], issued[2]}
    assert vault.restorable([]) == {}


def test_what_is_known_needs_no_database(site: Any) -> None:
    vault = site.open()
    scope = vault.open_scope("ref")
    assert vault.known_tokens(scope, ITEMS[:1]) is None
    issued = vault.issue(scope, ITEMS[:2])
    site.run("DROP TABLE vault_mapping")
    assert vault.known_scope("ref") == scope
    assert vault.known_tokens(scope, ITEMS[:2]) == vault.issue(scope, ITEMS[:2]) == issued
    with pytest.raises(VaultError) as refused:
        vault.issue(scope, ITEMS)
    assert refused.value.code == "unavailable"
    assert not any(text in str(refused.value) for _, text in ITEMS)


def test_two_texts_that_meet_in_one_placeholder_get_two(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    mint = tokens.mint

    def crowded(key: bytes, kind: str, text: str, length: int = 8, counter: int = 0) -> str:
        return mint(key, kind, text if counter else "everybody", length, counter)

    monkeypatch.setattr(issuing.tokens, "mint", crowded)
    vault = site.open()
    scope = vault.open_scope("ref")
    issued = vault.issue(scope, [("PERSON", "Anna"), ("PERSON", "Bob")])
    assert issued[0] == mint(scope.token_key, "PERSON", "everybody")
    assert issued[1] == mint(scope.token_key, "PERSON", "Bob", counter=1)
    later = site.open()
    assert later.issue(later.open_scope("ref"), [("PERSON", "Carl"), ("PERSON", "Bob"), ("PERSON", "Anna")]) == [
        mint(scope.token_key, "PERSON", "Carl", counter=1), *issued[::-1],
    ]  # fmt: skip
    assert set(vault.restorable([scope]).values()) == {"Anna", "Bob", "Carl"}
    monkeypatch.setattr(issuing.tokens, "mint", lambda *_: "[PERSON_AAAAAAAA]")
    with pytest.raises(VaultError) as refused:
        vault.issue(vault.open_scope("other"), [("PERSON", "Anna"), ("PERSON", "Bob")])
    assert refused.value.code == "full"
    assert vault.stats().mappings == {"PERSON": 3}  # nothing of the request that was refused stayed


def test_what_two_scopes_share_is_restored_from_neither(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = site.open()
    scopes = [vault.open_scope(ref) for ref in "ab"]
    monkeypatch.setattr(issuing.tokens, "mint", lambda *_: "[PERSON_AAAAAAAA]")
    for scope, text in zip(scopes, ("Anna", "Bob"), strict=True):
        vault.issue(scope, [("PERSON", text)])
    assert vault.restorable(scopes[:1]) == {"[PERSON_AAAAAAAA]": "Anna"}
    assert vault.restorable(scopes) == {}


def test_a_scope_lives_from_its_last_use_and_then_is_another_one(site: Any) -> None:
    vault, ttl_ms = site.open(), TTL_S["session"] * 1000
    first = vault.open_scope("ref")
    issued = vault.issue(first, ITEMS[:2])
    site.clock.now_ms += ttl_ms - 1
    assert vault.open_scope("ref") == first
    site.clock.now_ms += ttl_ms - 1
    assert vault.issue(first, ITEMS[:1]) == issued[:1]
    site.clock.now_ms += ttl_ms
    assert vault.stats().expired == 1
    with pytest.raises(VaultError) as refused:
        vault.issue(first, ITEMS[:1])
    assert refused.value.code == "shredded"
    second = vault.open_scope("ref")
    assert second.id != first.id
    assert vault.issue(second, ITEMS[:1])[0] != issued[0]
    assert vault.restorable([first]) == {}
    assert site.run("SELECT count(*) FROM vault_mapping") == [(1,)]


def test_other_kinds_live_longer_and_a_caller_may_say_how_long(site: Any) -> None:
    vault = site.open()
    wide, short = vault.open_scope("a", kind="application"), vault.open_scope("b", ttl_s=60)
    site.clock.now_ms += 60_000
    assert vault.open_scope("b").id != short.id
    site.clock.now_ms += OTHER_TTL_S * 1000 - 60_001
    assert vault.open_scope("a", kind="application").id == wide.id


def test_an_object_of_a_provider_finds_its_scopes_and_keeps_them_alive(site: Any) -> None:
    vault, year = site.open(), 365 * 86_400
    session, wide = vault.open_scope("a"), vault.open_scope("b", kind="application")
    issued = vault.issue(session, ITEMS[:2])
    vault.bind("openai", "resp_1", [session, wide], "feed", ttl_s=year)
    vault.bind("openai", "resp_1", [session, wide], "feed", ttl_s=year)
    assert vault.binding("openai", "resp_1", ["feed"]) == (session, wide)
    assert vault.binding("other", "resp_1", ["feed"]) == vault.binding("openai", "resp_2", ["feed"]) == ()
    site.clock.now_ms += year * 1000 - 1
    later = site.open()
    assert [scope.id for scope in later.binding("openai", "resp_1", ["feed"])] == [session.id, wide.id]
    assert set(later.restorable(later.binding("openai", "resp_1", ["feed"]))) == set(issued)
    site.clock.now_ms += 400 * 86_400_000
    assert later.binding("openai", "resp_1", ["feed"]) == ()
    assert later.expired("openai", "resp_1", ["feed"]) == 0
    purged = later.purge()
    assert (purged.scopes, purged.mappings, purged.bindings) == (2, 2, 2)


def test_an_object_is_unknown_to_whoever_has_not_bound_it(site: Any) -> None:
    vault = site.open()
    of_feed, of_chat, nobodys = (vault.open_scope(ref) for ref in "abc")
    for scope, owner in ((of_feed, "feed"), (of_chat, "chat"), (nobodys, "")):
        vault.bind("openai", "conv_1", [scope], owner)
    vault.bind("openai", "conv_1", [of_feed], "chat")  # what is somebody's already becomes nobody else's
    assert vault.binding("openai", "conv_1", ["feed"]) == (of_feed,)
    assert vault.binding("openai", "conv_1", ["chat"]) == (of_chat,)
    assert vault.binding("openai", "conv_1", [""]) == (nobodys,)
    assert set(vault.binding("openai", "conv_1", ["feed", "chat"])) == {of_feed, of_chat}
    assert vault.binding("openai", "conv_1", ["fee"]) == vault.binding("openai", "conv_1", []) == ()


def test_who_may_not_have_an_object_keeps_nothing_of_it_alive(site: Any) -> None:
    vault = site.open()
    scope = vault.open_scope("a", ttl_s=60)
    vault.bind("openai", "resp_1", [scope], "feed", ttl_s=60)
    site.clock.now_ms += 59_000
    assert vault.binding("openai", "resp_1", ["chat"]) == ()
    site.clock.now_ms += 1_000
    assert vault.binding("openai", "resp_1", ["feed"]) == ()


def test_what_an_object_lost_is_counted(site: Any) -> None:
    vault = site.open()
    scope = vault.open_scope("a")
    vault.issue(scope, ITEMS[:3])
    vault.bind("openai", "thread_1", [scope], "")
    assert vault.shred(scope.id)
    assert vault.expired("openai", "thread_1", [""]) == 3
    assert vault.expired("openai", "thread_1", ["feed"]) == 0
    assert vault.expired("openai", "thread_2", [""]) == 0
    assert vault.binding("openai", "thread_1", [""]) == ()
    vault.bind("openai", "thread_3", [scope], "")
    assert vault.binding("openai", "thread_3", [""]) == ()


def test_a_shredded_scope_is_gone_in_every_process_within_the_time_it_is_trusted(site: Any) -> None:
    one, two = site.open(), site.open()
    scope = one.open_scope("ref")
    one.issue(scope, ITEMS[:1])
    two.issue(two.open_scope("ref"), ITEMS[:1])
    assert one.shred(scope.id)
    assert not one.shred(scope.id)
    assert not one.shred("0" * 32)
    assert one.known_scope("ref") is None
    for vault, item in ((one, ITEMS[0]), (two, ITEMS[1])):
        with pytest.raises(VaultError) as refused:
            vault.issue(scope, [item])
        assert refused.value.code == "shredded"
    assert two.known_scope("ref") is None
    assert two.open_scope("ref").id != scope.id
    assert one.stats().shredded == 1


def test_too_many_placeholders_are_refused(site: Any) -> None:
    vault = site.open()
    scope = vault.open_scope("ref")
    vault.issue(scope, [("AGE", str(number)) for number in range(1_200)])
    assert len(vault.restorable([scope], limit=1_200)) == 1_200
    with pytest.raises(VaultError) as refused:
        vault.restorable([scope], limit=1_199)
    assert refused.value.code == "full"


def test_statistics_are_counts(site: Any) -> None:
    vault = site.open()
    session = vault.open_scope("a", destination="openai")
    vault.open_scope("b", kind="application", destination="openai")
    vault.issue(session, ITEMS)
    vault.bind("openai", "resp_1", [session], "")
    found = vault.stats()
    assert found.scopes == {("session", "openai"): 1, ("application", "openai"): 1}
    assert found.mappings == {"PERSON": 2, "EMAIL_ADDRESS": 1, "X": 1}
    assert (found.bindings, found.expired, found.shredded) == (1, 0, 0)
    assert list(found.keys.values()) == [3]


def test_an_original_is_shown_after_it_was_recorded_and_only_then(site: Any) -> None:
    vault, events = site.open(), []
    scope = vault.open_scope("ref")
    token = vault.issue(scope, ITEMS[:1])[0]
    assert vault.reveal(scope.id, token, BOTH, events.append) == ITEMS[0][1]
    assert events == [RevealEvent(BOTH, scope.id, token, "PERSON", found=True)]

    def broken(event: RevealEvent) -> None:
        raise OSError("the log is full")

    with pytest.raises(OSError, match="the log is full"):
        vault.reveal(scope.id, token, BOTH, broken)


@pytest.mark.parametrize("approval", [Approval("anna", "anna", "x"), Approval("anna", "", "x"), Approval("a", "b", "")])
def test_nobody_reveals_alone_or_without_a_reason(site: Any, approval: Approval) -> None:
    vault, events = site.open(), []
    scope = vault.open_scope("ref")
    token = vault.issue(scope, ITEMS[:1])[0]
    with pytest.raises(VaultError) as refused:
        vault.reveal(scope.id, token, approval, events.append)
    assert refused.value.code == "needs_two_people"
    assert events == []


def test_a_search_for_what_is_not_there_is_recorded_too(site: Any) -> None:
    vault, events = site.open(), []
    scope = vault.open_scope("ref")
    token = vault.issue(scope, ITEMS[:1])[0]
    vault.shred(scope.id)
    for where, what in ((scope.id, token), ("0" * 32, token)):
        with pytest.raises(VaultError) as refused:
            vault.reveal(where, what, BOTH, events.append)
        assert refused.value.code == "unknown_scope"
    assert [event.found for event in events] == [False, False]
