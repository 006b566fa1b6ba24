"""Whoever has the database and not the key learns nothing, and whoever changes it is noticed."""

import base64
import hashlib
import os
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redaction.errors import VaultError
from redaction.vault import Approval, open_vault
from redaction.vault.cipher import ScopeKeys, decrypt, encrypt, seal, unseal
from redaction.vault.keys import StaticRing

KEY = bytes(range(32))
SECRETS = ["Nguyễn Văn Thị Hạnh", "jürgen.lindner@example.org", "DE89370400440532013000", "resp_68a1f0_thread"]
ITEMS = [("PERSON", SECRETS[0]), ("EMAIL_ADDRESS", SECRETS[1]), ("IBAN_CODE", SECRETS[2])]


def spellings(text: str) -> Iterator[bytes]:
    """A text as it may hide in a file: in other encodings, encoded again, as a hash without a key."""
    for form in ("NFC", "NFD"):
        for cased in (text, text.lower(), text.upper(), text[::-1]):
            raw = unicodedata.normalize(form, cased).encode()
            yield raw
            yield raw.hex().encode()
            yield raw.hex().upper().encode()
            for shift in range(3):  # base64 of it inside of something else: without the ends that depend on neighbours
                coded = base64.b64encode(bytes(shift) + raw)
                yield coded[4:-4]
            for name in ("md5", "sha1", "sha256", "sha512", "blake2b", "sha3_256"):
                digest = hashlib.new(name, raw).digest()
                yield digest[:12]
                yield digest.hex()[:24].encode()
        normal = unicodedata.normalize(form, text)
        yield normal.encode("utf-16-le")
        yield normal.encode("utf-16-be")
        yield normal.encode("unicode_escape")
        yield normal.encode("ascii", "xmlcharrefreplace")


NEEDLES = sorted({written for text in SECRETS for written in spellings(text)})


def leaks(data: bytes) -> list[bytes]:
    return [written for written in NEEDLES if written in data]


def test_the_search_for_leaks_finds_one() -> None:
    assert leaks(b"x" + base64.b64encode(f"ab {SECRETS[0]} c".encode()))
    assert leaks(hashlib.sha256(SECRETS[1].encode()).digest())
    assert not leaks(b"nothing here")


def test_no_original_and_no_object_id_stands_in_the_database(site: Any, dump: Callable[[], bytes]) -> None:
    vault = site.open()
    scope = vault.open_scope("0" * 64, destination="openai")
    tokens = vault.issue(scope, ITEMS)
    vault.bind("openai", SECRETS[3], [scope], "messenger")
    for moment in ("open", "closed"):
        data = dump()
        assert tokens[0].encode() in data, moment  # we do look at the rows
        assert not leaks(data), moment
        assert KEY not in data
        assert scope.token_key not in data
        assert scope.commit_key not in data
        site.close()


def test_shredding_leaves_neither_key_nor_ciphertext_behind(site: Any, dump: Callable[[], bytes]) -> None:
    vault = site.open()
    scope, kept = vault.open_scope("a"), vault.open_scope("b")
    vault.issue(scope, ITEMS)
    vault.issue(kept, ITEMS[:1])
    vault.bind("openai", SECRETS[3], [scope], "messenger")
    [(wrapped,)] = site.run("SELECT keys FROM vault_scope WHERE id = :id", id=scope.id)
    sealed = [row[0] for row in site.run("SELECT sealed FROM vault_mapping WHERE scope = :id", id=scope.id)]
    sealed += [row[0] for row in site.run("SELECT sealed FROM vault_binding")]
    traces = [bytes(one)[12:] for one in (wrapped, *sealed)]
    assert all(trace in dump() for trace in traces)
    vault.shred(scope.id)
    assert not any(trace in dump() for trace in traces)
    assert list(vault.restorable([scope, kept]).values()) == [SECRETS[0]]


def test_files_are_for_their_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DRAGOMAN_VAULT_KEY", raising=False)
    mask = os.umask(0)
    try:
        vault = open_vault(tmp_path / "home")
        vault.issue(vault.open_scope("a"), ITEMS)
        paths = list((tmp_path / "home").rglob("*"))
        modes = {str(path.relative_to(tmp_path / "home")): path.stat().st_mode & 0o777 for path in paths}
        vault.close()
    finally:
        os.umask(mask)
    files = ["keys/vault.key", "vault.db", "vault.db-shm", "vault.db-wal"]
    assert modes == {"keys": 0o700, **dict.fromkeys(files, 0o600)}
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


def test_another_key_opens_nothing(site: Any) -> None:
    vault = site.open()
    vault.issue(vault.open_scope("a"), ITEMS)
    with pytest.raises(VaultError) as refused:
        site.open(StaticRing(KEY[::-1]))
    assert refused.value.code == "key"
    assert not leaks(str(refused.value).encode())


def test_keys_are_changed_without_a_standstill(site: Any) -> None:
    old, both, new = StaticRing(KEY), StaticRing(KEY[::-1], KEY), StaticRing(KEY[::-1])
    before = site.open(old)
    scope = before.open_scope("a")
    issued = before.issue(scope, ITEMS)
    gone = before.open_scope("gone")
    before.shred(gone.id)
    during = site.open(both)
    assert during.issue(during.open_scope("a"), ITEMS) == issued
    assert during.rotate_kek() == 1
    assert during.rotate_kek() == 0
    assert list(during.stats().keys) == [new.current]
    after = site.open(new)
    assert after.issue(after.open_scope("a"), ITEMS) == issued
    assert sorted(after.restorable([scope]).values()) == sorted(text for _, text in ITEMS)
    after.bind("openai", "x", [scope], "feed")
    assert during.binding("openai", "x", ["feed"]) == (scope,)
    with pytest.raises(VaultError):
        site.open(old)


CHANGES = [
    "UPDATE vault_mapping SET sealed = :junk WHERE token = :one",
    "UPDATE vault_mapping SET sealed = :short WHERE token = :one",
    "UPDATE vault_mapping SET sealed = (SELECT sealed FROM vault_mapping WHERE token = :two) WHERE token = :one",
    "UPDATE vault_mapping SET entity_type = 'AGE' WHERE token = :one",
    "UPDATE vault_mapping SET token = '[AGE_00000000]' WHERE token = :one",
    "UPDATE vault_scope SET keys = :junk",
    "UPDATE vault_scope SET keys = :short",
    "UPDATE vault_mapping SET scope = (SELECT id FROM vault_scope WHERE id <> :scope) WHERE token = :one",
    "UPDATE vault_scope SET keys = (SELECT keys FROM vault_scope WHERE id <> :scope) WHERE id = :scope",
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_row_is_an_error_and_no_text(site: Any, change: str) -> None:
    vault = site.open()
    scope, other = vault.open_scope("a"), vault.open_scope("b")
    one, two, _ = vault.issue(scope, ITEMS)
    values = {"one": one, "two": two, "scope": scope.id, "junk": b"\0" * 80, "short": b"x"}
    site.run(change, **{name: value for name, value in values.items() if f":{name}" in change})
    later = site.open()
    with pytest.raises(VaultError) as refused:
        later.restorable([scope, other])
    assert refused.value.code == "damaged"
    assert not leaks(str(refused.value).encode())
    if "vault_scope SET" in change:
        for call in (lambda: later.open_scope("a"), lambda: later.issue(scope, [("AGE", "42")])):
            with pytest.raises(VaultError):
                call()
    elif "token = :one" in change and "SET sealed" in change:
        with pytest.raises(VaultError):
            later.reveal(scope.id, one, Approval("a", "b", "c"), lambda _: None)


def test_a_vault_that_is_away_is_an_error_and_no_text(site: Any) -> None:
    vault = site.open()
    scope = vault.open_scope("a")
    site.run("DROP TABLE vault_mapping")
    site.run("ALTER TABLE vault_scope RENAME TO away")
    calls: list[Callable[[], object]] = [
        lambda: vault.issue(scope, ITEMS),
        lambda: vault.open_scope("b"),
        lambda: vault.restorable([scope]),
        lambda: vault.bind("openai", SECRETS[3], [scope], "messenger"),
        lambda: vault.shred(scope.id),
        vault.purge,
        vault.stats,
    ]
    for call in calls:
        with pytest.raises(VaultError) as refused:
            call()
        assert refused.value.code == "unavailable"
        told = f"{refused.value!s} {refused.value!r} {refused.value.__cause__!r} {refused.value.__context__!s}"
        assert not leaks(told.encode())


@given(st.text(alphabet=st.characters(), max_size=50), st.text(max_size=10), st.binary(max_size=40))
def test_sealing_keeps_every_text_and_binds_it_to_its_row(text: str, kind: str, other: bytes) -> None:
    keys = ScopeKeys.random()
    sealed = seal(keys, "scope", "[X_00000000]", kind, text)
    assert unseal(keys, "scope", "[X_00000000]", kind, sealed) == text
    assert sealed != seal(keys, "scope", "[X_00000000]", kind, text)
    for wrong in (
        ("other", "[X_00000000]", kind),
        ("scope", "[X_00000001]", kind),
        ("scope", "[X_00000000]", kind + "x"),
    ):
        with pytest.raises(VaultError) as refused:
            unseal(keys, *wrong, sealed)
        assert refused.value.code == "damaged"
    with pytest.raises(VaultError):
        decrypt(keys.data, other, b"")
    assert decrypt(keys.data, encrypt(keys.data, other, b"x"), b"x") == other
