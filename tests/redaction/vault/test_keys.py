"""Where the key-encryption key comes from, who may read it, and how it is changed."""

import base64
import os
import stat
import threading
from pathlib import Path

import pytest

from redaction.errors import VaultError
from redaction.vault import open_vault
from redaction.vault.base import Scope
from redaction.vault.cipher import ScopeKeys
from redaction.vault.keys import FileRing, StaticRing, key_id
from redaction.vault.seen import MAX_SCOPES, MAX_TOKENS, TRUSTED_S, Seen

KEY = bytes(range(32))


def test_a_folder_gets_one_key_however_many_begin_at_once(tmp_path: Path) -> None:
    barrier, rings = threading.Barrier(8), []

    def begin() -> None:
        barrier.wait()
        rings.append(FileRing(tmp_path / "keys").current)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(rings)) == 1
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["vault.key"]
    assert (tmp_path / "keys" / "vault.key").stat().st_mode & 0o777 == 0o600
    assert key_id((tmp_path / "keys" / "vault.key").read_bytes()) == rings[0]


def test_a_key_is_on_the_disk_before_anything_is_wrapped_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut a key that was never written would be everything that the vault holds."""
    durable: list[tuple[bool, set[str]]] = []
    sync = os.fsync

    def synced(descriptor: int) -> None:
        sync(descriptor)
        named = {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")}
        durable.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), named))

    monkeypatch.setattr(os, "fsync", synced)
    ring = FileRing(tmp_path)
    assert durable == [(False, set()), (True, {"vault.key"})], "its bytes, then its name"
    old = f"vault.key.old-{ring.current}"
    ring.begin_rotation()
    assert durable[2] == (False, {"vault.key"})
    assert durable[-1] == (True, {"vault.key", old})
    ring.retire(frozenset())
    assert durable[-1] == (True, {"vault.key"})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    FileRing(tmp_path)
    (tmp_path / "vault.key").chmod(mode)
    with pytest.raises(VaultError, match="chmod 600") as refused:
        FileRing(tmp_path)
    assert refused.value.code == "key"


def test_a_key_of_another_size_or_none_is_refused(tmp_path: Path) -> None:
    ring = FileRing(tmp_path)
    (tmp_path / "vault.key").write_bytes(b"x" * 31)
    with pytest.raises(VaultError, match="32 bytes"):
        FileRing(tmp_path)
    (tmp_path / "vault.key").unlink()
    with pytest.raises(VaultError, match="escrow"):
        ring.wrap(b"x", b"")


def test_a_running_ring_follows_a_rotation_made_elsewhere(tmp_path: Path) -> None:
    running, other = FileRing(tmp_path), FileRing(tmp_path)
    before, wrapped = running.wrap(b"plain", b"row")
    other.begin_rotation()
    after, again = other.wrap(b"plain", b"row")
    assert after != before
    assert running.current == after
    assert running.unwrap(after, again, b"row") == running.unwrap(before, wrapped, b"row") == b"plain"
    assert other.retire(frozenset({before})) == ()
    assert other.retire(frozenset({after})) == (before,)
    with pytest.raises(VaultError) as refused:
        FileRing(tmp_path).unwrap(before, wrapped, b"row")
    assert refused.value.code == "key"
    assert before in str(refused.value)


def test_a_rotation_that_was_cut_off_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = FileRing(tmp_path)
    before, wrapped = ring.wrap(b"plain", b"")

    def crash(*_: object) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "replace", crash)
        ring.begin_rotation()
    assert FileRing(tmp_path).current == before
    later = FileRing(tmp_path)
    later.begin_rotation()
    assert later.current != before
    assert later.unwrap(before, wrapped, b"") == b"plain"


def test_a_vault_whose_folder_was_rotated_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DRAGOMAN_VAULT_KEY", raising=False)
    running = open_vault(tmp_path)
    issued = running.issue(running.open_scope("a"), [("PERSON", "Anna")])
    ring = FileRing(tmp_path / "keys")
    ring.begin_rotation()
    other = open_vault(tmp_path)
    assert other.rotate_kek() == 1
    ring.retire(frozenset(other.stats().keys))
    assert running.issue(running.open_scope("a"), [("PERSON", "Bob"), ("PERSON", "Anna")])[1:] == issued
    assert running.issue(running.open_scope("b"), [("PERSON", "Bob")])
    running.close()
    other.close()


def test_the_environment_brings_keys_and_older_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = (base64.b64encode(key).decode() for key in (KEY, KEY[::-1]))
    assert StaticRing.from_environment({}) is None
    first = StaticRing.from_environment({"DRAGOMAN_VAULT_KEY": old})
    both = StaticRing.from_environment({"DRAGOMAN_VAULT_KEY": new, "DRAGOMAN_VAULT_KEY_OLD": f"{old}, "})
    assert first is not None
    assert both is not None
    assert both.unwrap(*first.wrap(b"plain", b"row"), b"row") == b"plain"
    monkeypatch.setenv("DRAGOMAN_VAULT_KEY", old)
    vault = open_vault(tmp_path)
    assert list(vault.stats().keys) == [key_id(KEY)]
    assert not (tmp_path / "keys").exists()
    vault.close()


@pytest.mark.parametrize("value", ["not base64!", base64.b64encode(b"short").decode()])
def test_a_wrong_variable_is_told_without_its_value(value: str) -> None:
    with pytest.raises(VaultError) as refused:
        StaticRing.from_environment({"DRAGOMAN_VAULT_KEY": value})
    assert refused.value.code == "key"
    assert value not in str(refused.value)


def scope(number: int) -> Scope:
    return Scope(f"{number:032x}", "session", "openai", 8, KEY, KEY)


def test_memory_is_bounded_and_trusted_for_a_while() -> None:
    now = [0.0]
    seen = Seen(clock=lambda: now[0])
    for number in range(MAX_SCOPES + 5):
        seen.checked(f"ref{number}", scope(number), ScopeKeys.random())
    assert seen.by_ref("ref4") is None
    last = scope(MAX_SCOPES + 4)
    seen.remember(scope(5), [(("AGE", str(number)), "x") for number in range(MAX_TOKENS)])
    assert seen.by_id(scope(5).id) is not None
    seen.remember(scope(6), [(("AGE", "1"), "x")])
    assert seen.by_id(scope(5).id) is None
    assert seen.by_id(scope(6).id) is not None
    seen.remember(last, [(("AGE", "1"), "[AGE_1]")])
    assert seen.tokens(last, [("AGE", "1")]) == ["[AGE_1]"]
    assert seen.known(last, [("AGE", "1"), ("AGE", "2")]) == {("AGE", "1"): "[AGE_1]"}
    now[0] = TRUSTED_S + 1
    assert seen.tokens(last, [("AGE", "1")]) is None
    assert seen.known(last, [("AGE", "1")]) == {}
    assert seen.by_ref(f"ref{MAX_SCOPES + 4}") is None
    seen.clear()
    assert seen.by_id(last.id) is None


def test_keys_do_not_show_in_a_repr() -> None:
    assert "token_key" not in repr(scope(1))
    keys = ScopeKeys.random()
    assert keys.data.hex() not in repr(keys)
    assert repr(keys.data) not in repr(keys)
