"""aics-tlog, a verifier that we did not write, reads our exports; tampering that it refuses, ours refuses by name too."""

import base64
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from audit.checkpoint import Checkpoint
from audit.errors import VerifyError
from audit.export import ExportError, export_tiles
from audit.ledger.publish import write_file
from audit.log import Ledger
from audit.merkle import leaf_hash, root_of
from audit.signing import KeyFile
from audit.tiles import ENTRIES, TileBuilder, TileId, decode_bundle, encode_bundle, level_size, tiles_of, width_at
from audit.verify import verify_folder
from tests.audit.conftest import exchange_record

pytestmark = pytest.mark.outside

SIZE = 300
VERIFIER = Path(__file__).parents[2] / ".venv-outside" / "bin" / "aics-tlog"


@dataclass(frozen=True)
class Exported:
    """An export, the key that an auditor got on another way, and the log's own key for who tampers from inside."""

    path: Path
    vkey: Path
    signer: KeyFile

    def accepts(self, command: str, *arguments: str | Path) -> bool:
        """Whether the foreign verifier accepts."""
        call = [str(VERIFIER), command, "--vkey-file", str(self.vkey), "--tiles", str(self.path), *map(str, arguments)]
        environment = {"PATH": os.environ["PATH"]}
        done = subprocess.run(call, capture_output=True, text=True, timeout=150, check=False, env=environment)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode == 0

    def holds(self) -> bool:
        """Whether our own verifier accepts."""
        try:
            verify_folder(self.path, [self.signer.verifier])
        except VerifyError:
            return False
        return True

    def entries(self) -> list[bytes]:
        names = [tile.path for tile in tiles_of(SIZE) if tile.level == ENTRIES]
        return [one for name in names for one in decode_bundle((self.path / name).read_bytes())]

    def rewrite(self, found: list[bytes], signer: KeyFile | None = None) -> None:
        """Makes a whole new export of other entries; signed only where a signer is given."""
        shutil.rmtree(self.path / "tile")
        builder, leaves = TileBuilder(), [leaf_hash(one) for one in found]
        for leaf in leaves:
            for tile, hashes in builder.append(leaf):
                write_file(self.path / tile.path, hashes)
        for level, row in enumerate(builder.levels):
            if row:
                tile = TileId(level, level_size(len(found), level) // 256, len(row))
                write_file(self.path / tile.path, b"".join(row))
        for number in range(-(-len(found) // 256)):
            tile = TileId(ENTRIES, number, width_at(len(found), ENTRIES, number))
            write_file(self.path / tile.path, encode_bundle(found[number * 256 : (number + 1) * 256]))
        if signer is not None:
            self.sign(len(found), root_of(leaves), signer)

    def sign(self, size: int, root: bytes, signer: KeyFile) -> None:
        write_file(self.path / "checkpoint", Checkpoint(self.signer.verifier.name, size, root).signed(signer))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """An export of 300 entries."""
    if not VERIFIER.exists():
        pytest.skip("the foreign verifier is not installed; run: make outside")
    folder = tmp_path_factory.mktemp("foreign")
    ledger = Ledger.open(folder / "home", origin="audit.example.com/log")
    ledger._append_all(exchange_record() for _ in range(SIZE - 1))
    export_tiles(ledger.store, ledger.home.read_vkey(), folder / "export")
    (folder / "auditor.vkey").write_text(f"{ledger.home.read_vkey()}\n")
    ledger.close()
    return Exported(folder / "export", folder / "auditor.vkey", ledger.home.load_signer())


@pytest.fixture
def exported(made: Exported, tmp_path: Path) -> Exported:
    """A copy that a test may spoil."""
    shutil.copytree(made.path, tmp_path / "export")
    return Exported(tmp_path / "export", made.vkey, made.signer)


def test_the_foreign_verifier_accepts_checkpoint_and_entries(exported: Exported, tmp_path: Path) -> None:
    assert exported.holds()
    assert exported.accepts("verify-checkpoint")
    assert exported.accepts("verify-checkpoint", "--origin", "audit.example.com/log")
    for index in (0, 255, 256, 299):
        out = tmp_path / f"{index}.json"
        assert exported.accepts("verify-inclusion", "--index", str(index), "--entry-out", out)
        assert out.read_bytes() == exported.entries()[index]


def test_the_foreign_verifier_sees_that_the_log_only_grew(tmp_path: Path) -> None:
    if not VERIFIER.exists():
        pytest.skip("the foreign verifier is not installed; run: make outside")
    ledger = Ledger.open(tmp_path / "home")
    vkey = ledger.home.read_vkey()
    (tmp_path / "auditor.vkey").write_text(f"{vkey}\n")
    for number, count in enumerate((100, 200, 300)):
        ledger._append_all(exchange_record() for _ in range(count))
        export_tiles(ledger.store, vkey, tmp_path / str(number))
    signer = ledger.home.load_signer()
    ledger.close()
    last = Exported(tmp_path / "2", tmp_path / "auditor.vkey", signer)
    for number in (0, 1):
        assert last.accepts("verify-consistency", "--old-checkpoint", tmp_path / str(number) / "checkpoint")
        kept = (tmp_path / str(number) / "checkpoint").read_bytes()
        assert verify_folder(last.path, [vkey], kept=kept).checkpoint.size == 601


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def replace(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, 1))


def in_entry(log: Exported) -> None:
    flip(log.path / "tile/entries/001.p/44", 5)


def in_leaf_hash(log: Exported) -> None:
    flip(log.path / "tile/0/001.p/44", 5)


def in_upper_tile(log: Exported) -> None:
    flip(log.path / "tile/1/000.p/1", 5)


def cut_bundle(log: Exported) -> None:
    path = log.path / "tile/entries/001.p/44"
    path.write_bytes(path.read_bytes()[:-40])


def tile_gone(log: Exported) -> None:
    (log.path / "tile/0/001.p/44").unlink()


def removed(log: Exported) -> None:
    found = log.entries()
    log.rewrite([*found[:256], *found[257:], found[-1]])


def reordered(log: Exported) -> None:
    found = log.entries()
    log.rewrite([*found[:256], found[257], found[256], *found[258:]])


def replaced(log: Exported) -> None:
    found = log.entries()
    log.rewrite([*found[:256], found[256].replace(b"messenger", b"messongar"), *found[257:]])


def inserted(log: Exported) -> None:
    found = log.entries()
    log.rewrite([*found[:256], found[0], *found[256:-1]])


def signed_by_another_key(log: Exported) -> None:
    found = log.entries()
    log.rewrite([*found[:256], found[0], *found[257:]], KeyFile.from_seed(log.signer.verifier.name, bytes(32)))


def signature_flipped(log: Exported) -> None:
    note = (log.path / "checkpoint").read_bytes()
    head, _, encoded = note.rpartition(b" ")
    data = bytearray(base64.b64decode(encoded))
    data[-1] ^= 1
    (log.path / "checkpoint").write_bytes(head + b" " + base64.b64encode(bytes(data)) + b"\n")


def signature_gone(log: Exported) -> None:
    note = (log.path / "checkpoint").read_bytes()
    (log.path / "checkpoint").write_bytes(note.partition(b"\n\n")[0] + b"\n\n")


def size_changed(log: Exported) -> None:
    replace(log.path / "checkpoint", b"\n300\n", b"\n299\n")


def root_changed(log: Exported) -> None:
    lines = (log.path / "checkpoint").read_bytes().split(b"\n")
    replace(log.path / "checkpoint", lines[2], base64.b64encode(bytes(32)))


def origin_changed(log: Exported) -> None:
    replace(log.path / "checkpoint", b"audit.example.com/log\n", b"audit.example.com/lag\n")


@pytest.mark.parametrize(
    "damage",
    [
        in_entry, in_leaf_hash, in_upper_tile, cut_bundle, tile_gone, removed, reordered, replaced, inserted,
        signed_by_another_key, signature_flipped, signature_gone, size_changed, root_changed, origin_changed,
    ],
    ids=lambda damage: damage.__name__,
)  # fmt: skip
def test_both_verifiers_refuse_tampering(exported: Exported, damage: Callable[[Exported], None]) -> None:
    damage(exported)
    assert not exported.holds()
    index = 257 if damage in {reordered, inserted} else 256
    assert not exported.accepts("verify-inclusion", "--index", str(index), "--entry-out", exported.path / "out")


def shortened(log: Exported) -> None:
    log.rewrite(log.entries()[:200], log.signer)


def forked(log: Exported) -> None:
    found = log.entries()
    log.rewrite([*found[:-1], found[-1].replace(b"messenger", b"messongar"), found[-1]], log.signer)


@pytest.mark.parametrize("damage", [shortened, forked], ids=lambda damage: damage.__name__)
def test_a_log_that_its_own_key_rewrote_is_refused_by_whoever_kept_a_checkpoint(
    exported: Exported, tmp_path: Path, damage: Callable[[Exported], None]
) -> None:
    kept = tmp_path / "kept"
    shutil.copy(exported.path / "checkpoint", kept)
    damage(exported)
    assert not exported.accepts("verify-consistency", "--old-checkpoint", kept)
    with pytest.raises(VerifyError) as raised:
        verify_folder(exported.path, [exported.signer.verifier], kept=kept.read_bytes())
    assert raised.value.code in {"log_shortened", "log_forked", "sequence"}


def test_an_export_is_whole_or_not_there(made: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger.open(tmp_path / "home")
    vkey = ledger.home.read_vkey()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(ExportError):
        export_tiles(ledger.store, vkey, tmp_path / "full")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("audit.export.write_file", full)
    with pytest.raises(ExportError, match="No space left"):
        export_tiles(ledger.store, vkey, tmp_path / "half")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "home"]
    ledger.close()
