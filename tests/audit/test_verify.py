"""Verification: whatever is changed in an export is found, and the first bad entry is named."""

import re
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.canonical import dumps
from audit.checkpoint import Checkpoint, rotation_text
from audit.errors import VerifyError
from audit.export import export_tiles
from audit.ids import new_id
from audit.log import Ledger
from audit.merkle import leaf_hash, root_of
from audit.signing import KeyFile, VerifierKey
from audit.stored import newest_checkpoint
from audit.tables import entry
from audit.tables import transfer as transfers
from audit.tiles import decode_bundle
from audit.verify import trusted_keys, verify, verify_folder, verify_store
from tests.audit.conftest import exchange_record

ENTRIES = 600


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> tuple[Path, VerifierKey]:
    """An export of 600 entries, and the key; whoever changes it works on a copy."""
    folder = tmp_path_factory.mktemp("verify")
    ledger = Ledger.open(folder / "home")
    ledger._append_all(exchange_record() for _ in range(ENTRIES - 1))
    export_tiles(ledger.store, ledger.home.read_vkey(), folder / "export")
    ledger.close()
    return folder / "export", ledger.home.read_vkey()


@pytest.fixture
def copy(whole: tuple[Path, VerifierKey], tmp_path: Path) -> tuple[Path, VerifierKey]:
    shutil.copytree(whole[0], tmp_path / "export")
    return tmp_path / "export", whole[1]


def test_an_untouched_export_holds(whole: tuple[Path, VerifierKey]) -> None:
    seen: list[tuple[int, int]] = []
    found = verify_folder(whole[0], [whole[1]], progress=lambda done, total: seen.append((done, total)))
    assert (found.checkpoint.size, found.open, found.gaps, found.keys) == (ENTRIES, ENTRIES - 1, 0, (whole[1],))
    assert seen == [(256, ENTRIES), (512, ENTRIES), (ENTRIES, ENTRIES)]


@pytest.mark.parametrize("index", [0, 1, 255, 256, 300, 599])
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_one_flipped_byte_in_an_entry_names_that_entry(copy: tuple[Path, VerifierKey], index: int, place: str) -> None:
    path = next((copy[0] / "tile" / "entries").glob(f"{index // 256:03d}*"))
    path = path if path.is_file() else next(path.iterdir())
    data = bytearray(path.read_bytes())
    start = sum(2 + len(one) for one in decode_bundle(bytes(data))[: index % 256]) + 2
    length = len(decode_bundle(bytes(data))[index % 256])
    data[start + {"first": 0, "middle": length // 2, "last": length - 1}[place]] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(VerifyError) as raised:
        verify_folder(copy[0], [copy[1]])
    assert (raised.value.code, raised.value.index) == ("entry_differs", index)
    assert str(index) in raised.value.message


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_bit_of_an_export_can_be_changed_unseen(whole: tuple[Path, VerifierKey], data: st.DataObject) -> None:
    names = sorted(str(path.relative_to(whole[0])) for path in whole[0].rglob("*") if path.is_file())
    path = whole[0] / data.draw(st.sampled_from([name for name in names if name != "vkey"]))
    before = path.read_bytes()
    changed = bytearray(before)
    changed[data.draw(st.integers(0, len(before) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(bytes(changed))
    try:
        with pytest.raises(VerifyError):
            verify_folder(whole[0], [whole[1]])
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize("name", ["checkpoint", "tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/001"])
def test_a_missing_file_is_named(copy: tuple[Path, VerifierKey], name: str) -> None:
    (copy[0] / name).unlink()
    with pytest.raises(VerifyError, match=re.escape(name)) as raised:
        verify_folder(copy[0], [copy[1]])
    assert raised.value.code == "missing"


def test_a_full_tile_stands_in_for_a_partial_one(copy: tuple[Path, VerifierKey]) -> None:
    """C2SP tlog-tiles: partial tiles may be deleted once the full one exists."""
    for level in ("0", "entries"):
        partial = copy[0] / "tile" / level / "002.p" / "88"
        data = partial.read_bytes()
        shutil.rmtree(partial.parent)
        (copy[0] / "tile" / level / "002").write_bytes(data + (b"\x00" * 32 if level == "0" else b"\x00\x01x"))
    assert verify_folder(copy[0], [copy[1]]).checkpoint.size == ENTRIES


def test_a_file_that_is_too_large_is_not_read(copy: tuple[Path, VerifierKey]) -> None:
    (copy[0] / "tile" / "0" / "000").write_bytes(bytes(256 * 32 + 1))
    with pytest.raises(VerifyError) as raised:
        verify_folder(copy[0], [copy[1]])
    assert raised.value.code == "too_large"


def test_a_tile_above_the_leaves_that_does_not_follow_names_what_it_covers(copy: tuple[Path, VerifierKey]) -> None:
    path = copy[0] / "tile" / "1" / "000.p" / "2"
    path.write_bytes(path.read_bytes()[:32] + bytes(32))
    with pytest.raises(VerifyError, match="entries 256 to 511") as raised:
        verify_folder(copy[0], [copy[1]])
    assert (raised.value.code, raised.value.index) == ("tile_differs", 256)


class Forged:
    """A small log that somebody signs as they like: tests what entries say of themselves."""

    def __init__(self, *entries: dict[str, Any] | bytes) -> None:
        self.signer = KeyFile.from_seed("audit.example.com/forged", bytes(32))
        self._entries = [one if isinstance(one, bytes) else dumps(one) for one in entries]
        self._leaves = [leaf_hash(one) for one in self._entries]

    def hashes(self, tile: Any) -> bytes:
        return b"".join(self._leaves)

    def bundle(self, tile: Any) -> list[bytes]:
        return self._entries

    def check(self) -> Any:
        note = Checkpoint(self.signer.verifier.name, len(self._entries), root_of(self._leaves)).signed(self.signer)
        return verify(self, note, [self.signer.verifier])


def stamped(seq: int, **facts: Any) -> dict[str, Any]:
    return {"v": 1, "kind": "gap", "node": "local", "boot": "A" * 26, "node_seq": seq, "at": 1, **facts}


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (stamped(2), "sequence"),
        (stamped(0), "sequence"),
        (b'{"v": 1}', "entry_not_canonical"),
        (b"{", "entry_unreadable"),
        (stamped(1, kind="note"), "entry_unknown"),
        ({"v": 1, "kind": "gap"}, "entry_malformed"),
        ({"v": 1, "kind": "transfer", "boot": "A" * 26, "node_seq": 1}, "entry_malformed"),
        (stamped(1, kind=[]), "entry_unknown"),
        (stamped(1, boot=[]), "entry_malformed"),
        (stamped(1, node_seq=None), "sequence"),
        (stamped(1, kind="transfer", id={}, attempt=1), "entry_malformed"),
        (stamped(1, kind="outcome", id="A", attempt=[]), "entry_malformed"),
    ],
)
def test_entries_that_were_signed_and_are_wrong_are_named(second: Any, code: str) -> None:
    with pytest.raises(VerifyError) as raised:
        Forged(stamped(0), second, stamped(5)).check()
    assert (raised.value.code, raised.value.index) == (code, 1)


def test_what_shared_the_work_has_ended_when_an_entry_is_named(
    copy: tuple[Path, VerifierKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[bool] = []

    class Pool(ProcessPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait, cancel_futures=cancel_futures)
            ended.append(cancel_futures)

    monkeypatch.setattr("audit.examine.ProcessPoolExecutor", Pool)
    monkeypatch.setattr("audit.examine.WORTH_SHARING", 0)
    monkeypatch.setattr("audit.examine.WORTH_FORKING", 0)
    bundle = copy[0] / "tile/entries/000"
    data = bytearray(bundle.read_bytes())
    data[500] ^= 1
    bundle.write_bytes(data)
    with pytest.raises(VerifyError) as raised:
        verify_folder(copy[0], [copy[1]], workers=2)
    # Its traceback is still held, as a command holds it that prints the error and ends.
    assert (raised.value.code, ended) == ("entry_differs", [True])


def test_every_start_of_the_process_counts_from_zero() -> None:
    found = Forged(stamped(0), stamped(0, boot="B" * 26), stamped(1), stamped(1, boot="B" * 26)).check()
    assert found.gaps == 4


def test_an_archive_that_is_none_seals_nothing() -> None:
    found = Forged(stamped(0), stamped(1, kind="export", sealed="all")).check()
    assert (found.first, found.kinds) == (0, {"gap": 1, "export": 1})


@pytest.mark.parametrize(
    "rotated",
    [{}, {"old_vkey": "x", "new_vkey": "y", "old_signature": "", "new_signature": ""}, {"old_vkey": [], "new_vkey": 1}],
)
def test_a_rotation_that_is_none_hands_nothing_over(rotated: dict[str, Any]) -> None:
    found = Forged(stamped(0, kind="key", event="rotated", **rotated)).check()
    assert len(found.keys) == 1


def test_several_processes_find_what_one_does(
    ledger: Ledger, transfer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.examine.WORTH_SHARING", 0)
    ledger._append_all(transfer() for _ in range(4_600))
    vkey = ledger.home.read_vkey()
    done: list[int] = []
    shared = verify_store(ledger.store, [vkey], workers=2, progress=lambda n, _: done.append(n))
    assert shared == verify_store(ledger.store, [vkey])
    assert done == [4_096, 4_601]
    with ledger.store.write() as connection:
        connection.execute(sa.update(entry).where(entry.c.idx.in_((4_500, 4_550))).values(body=b"{}"))
    export_folder = tmp_path / "export"
    export_tiles(ledger.store, vkey, export_folder)
    with pytest.raises(VerifyError, match="entry 4500 is not") as raised:
        verify_folder(export_folder, [vkey], workers=2)
    assert (raised.value.code, raised.value.index) == ("entry_differs", 4_500)


FORKING = """
import sys, threading
from pathlib import Path
from audit import examine
from audit.errors import VerifyError
from audit.home import Home
from audit.verify import verify_folder

assert threading.active_count() == 1
examine.WORTH_FORKING = 0
vkey = Home(Path(sys.argv[1])).read_vkey()
print(verify_folder(Path(sys.argv[2]), [vkey], workers=2) == verify_folder(Path(sys.argv[2]), [vkey]))
bundle = Path(sys.argv[2]) / "tile/entries/001.p/45"
bundle.write_bytes(bundle.read_bytes().replace(b"messenger", b"massenger", 1))
try:
    verify_folder(Path(sys.argv[2]), [vkey], workers=2)
except VerifyError as error:
    print(error.code, error.index)
"""


def test_copies_of_a_process_without_threads_find_what_one_does(ledger: Ledger, transfer, tmp_path: Path) -> None:
    ledger._append_all(transfer() for _ in range(300))
    export_tiles(ledger.store, ledger.home.read_vkey(), tmp_path / "export")
    said = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORKING, str(ledger.home.path), str(tmp_path / "export")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (said.stdout.split(), said.stderr) == (["True", "entry_differs", "256"], "")


def note_of(ledger: Ledger) -> bytes:
    with ledger.store.read() as connection:
        return newest_checkpoint(connection) or b""


def test_a_kept_checkpoint_shows_that_nothing_it_covered_is_gone(ledger: Ledger, transfer, tmp_path: Path) -> None:
    vkey = ledger.home.read_vkey()
    kept = [note_of(ledger)]
    for count in (1, 255, 300):
        ledger._append_all(transfer() for _ in range(count))
        kept.append(note_of(ledger))
    for note in kept:
        assert verify_store(ledger.store, [vkey], kept=note).checkpoint.size == 557
    signer = ledger.home.load_signer()
    empty = Checkpoint(vkey.name, 0, root_of([])).signed(signer)
    assert verify_store(ledger.store, [vkey], kept=empty).checkpoint.size == 557


@pytest.mark.parametrize(
    ("size", "code"), [(3, "log_forked"), (557, "log_forked"), (700, "log_shortened"), (None, "checkpoint_origin")]
)
def test_a_log_that_does_not_continue_a_kept_checkpoint_is_refused(
    ledger: Ledger, transfer, size: int | None, code: str
) -> None:
    ledger._append_all(transfer() for _ in range(556))
    vkey, signer = ledger.home.read_vkey(), ledger.home.load_signer()
    kept = Checkpoint(vkey.name, size or 3, bytes(32)).signed(signer)
    keys = [vkey]
    if size is None:
        other = KeyFile.from_seed("audit.example.com/other", bytes(32))
        kept, keys = Checkpoint(other.verifier.name, 3, bytes(32)).signed(other), [vkey, other.verifier]
    with pytest.raises(VerifyError) as raised:
        verify_store(ledger.store, keys, kept=kept)
    assert raised.value.code == code


def test_a_table_of_questions_that_lost_a_row_is_found(ledger: Ledger, transfer) -> None:
    ledger._append_all(transfer() for _ in range(3))
    with ledger.store.write() as connection:
        connection.execute(sa.delete(transfers).where(transfers.c.idx == 2))
    with pytest.raises(VerifyError) as raised:
        verify_store(ledger.store, [ledger.home.read_vkey()])
    assert raised.value.code == "index_differs"


def rotation(old: KeyFile, new: KeyFile, *, forged: bool = False) -> dict[str, Any]:
    import base64

    text = rotation_text(old.verifier, new.verifier)
    signatures = [base64.b64encode(key.sign(text)).decode() for key in (new if forged else old, new)]
    vkeys = {"old_vkey": str(old.verifier), "new_vkey": str(new.verifier)}
    return {**vkeys, "old_signature": signatures[0], "new_signature": signatures[1]}


def test_keys_that_hand_over_to_each_other_are_as_good_as_one_another() -> None:
    keys = [KeyFile.from_seed("log.example/1", bytes([seed]) * 32) for seed in range(3)]
    history = [rotation(keys[0], keys[1]), rotation(keys[1], keys[2])]
    for known in keys:
        assert set(trusted_keys([known.verifier], history)) == {key.verifier for key in keys}
    assert trusted_keys([keys[0].verifier], [rotation(keys[0], keys[1], forged=True)]) == (keys[0].verifier,)
    stranger = KeyFile.from_seed("log.example/1", bytes([9]) * 32)
    assert trusted_keys([stranger.verifier], history) == (stranger.verifier,)


def test_an_empty_folder_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(VerifyError) as raised:
        verify_folder(tmp_path, [KeyFile.from_seed(f"log.example/{new_id()}", bytes(32)).verifier])
    assert raised.value.code == "missing"
