"""Notes, keys and checkpoints: the vectors of audit-formats.md, and everything a note may have wrong."""

import base64
from pathlib import Path

import pytest

from audit.checkpoint import Checkpoint, cosign, cosignatures, open_checkpoint
from audit.errors import SigningKeyError, VerifyError
from audit.merkle import leaf_hash, root_of
from audit.signing import COSIGNATURE, KeyFile, VerifierKey, open_note, parse_note, sign_note

NAME = "audit.dragoman.example/log1"
SIGNER = KeyFile.from_seed(NAME, bytes(range(32)))
WITNESS = KeyFile.from_seed("witness.example/w1", bytes(range(32, 64)))
WITNESS_KEY = VerifierKey(WITNESS.verifier.name, WITNESS.verifier.public, COSIGNATURE)
OTHER = KeyFile.from_seed("audit.dragoman.example/other", bytes(32))
CHECKPOINT = Checkpoint(NAME, 3, root_of(leaf_hash(letter) for letter in (b"a", b"b", b"c")))
NOTE = (
    f"{NAME}\n3\nNmQuc8JUCrEh46a/lUWwokmCzYMOsT080Z3jzmwCHsE=\n\n"
    f"— {NAME} +bY3/7wNYdqsNo75FAe1a9xJhGF6EMEAbgCbmwxufthEVkoVsTCjAkxW5nfdK6u4Q89QKDYeMHPRQ1TaDH73L7F2PQk=\n"
).encode()
COSIGNATURE_LINE = (
    "— witness.example/w1 "
    "IDJKvgAAAABlU/EAURagmlqrS9aKFUIjfPS8nAteQsmKqkqfMLE01MbLxlhH1yL0+MMFFAVdDT8KweAXk/LavnGkLcjlJjSZdUm2BA==\n"
)


def test_a_signed_checkpoint_is_that_of_the_vector() -> None:
    assert CHECKPOINT.signed(SIGNER) == NOTE
    assert open_checkpoint(NOTE, [SIGNER.verifier]) == CHECKPOINT


def test_verifier_keys_are_those_of_the_vectors() -> None:
    assert str(SIGNER.verifier) == f"{NAME}+f9b637ff+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
    assert str(WITNESS_KEY) == "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"
    assert VerifierKey.parse(str(WITNESS_KEY)) == WITNESS_KEY


def test_a_cosignature_is_that_of_the_vector() -> None:
    assert cosign(CHECKPOINT.text(), WITNESS, 1_700_000_000) == COSIGNATURE_LINE
    found = cosignatures(NOTE + COSIGNATURE_LINE.encode(), [WITNESS_KEY])
    assert [(one.witness, one.time) for one in found] == [(WITNESS_KEY, 1_700_000_000)]


def test_a_cosigned_checkpoint_is_still_signed_by_its_log() -> None:
    assert open_checkpoint(NOTE + COSIGNATURE_LINE.encode(), [SIGNER.verifier, WITNESS_KEY]) == CHECKPOINT


def test_a_wrong_cosignature_of_a_known_witness_is_refused() -> None:
    forged = cosign("another text\n", WITNESS, 1_700_000_000)
    with pytest.raises(VerifyError, match="cosignature") as raised:
        cosignatures(NOTE + forged.encode(), [WITNESS_KEY])
    assert raised.value.code == "signature_wrong"


def test_signatures_of_unknown_keys_are_skipped() -> None:
    note = CHECKPOINT.signed(OTHER, SIGNER)
    assert open_note(note, [SIGNER.verifier])[1] == (SIGNER.verifier,)


def test_one_wrong_signature_of_a_known_key_refuses_the_note() -> None:
    wrong = sign_note("another\n", [OTHER]).split(b"\n\n")[1]
    with pytest.raises(VerifyError) as raised:
        open_note(NOTE + wrong, [SIGNER.verifier, OTHER.verifier])
    assert raised.value.code == "signature_wrong"


def test_a_note_without_a_known_signature_is_refused() -> None:
    with pytest.raises(VerifyError) as raised:
        open_note(NOTE, [OTHER.verifier])
    assert raised.value.code == "signature_missing"


def test_a_checkpoint_of_another_log_than_its_key_is_refused() -> None:
    with pytest.raises(VerifyError) as raised:
        open_checkpoint(CHECKPOINT.signed(OTHER), [OTHER.verifier])
    assert raised.value.code == "checkpoint_origin"


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\nno dash AAAAAAAA\n",
        "text\n\n— name +++\n".encode(),
        "text\n\n— name AAAA\n".encode(),
        "text\n\n— na+me AAAAAAAA\n".encode(),
        "te\x01xt\n\n— name AAAAAAAA\n".encode(),
        b"\xff\n\n",
        NOTE[:-1],
        NOTE.replace(b"F2PQk=", b"F2PQl="),
        b"x" * 70_000,
        b"text\n\n" + "— name AAAAAAAA\n".encode() * 65,
    ],
)
def test_a_malformed_note_is_refused(note: bytes) -> None:
    with pytest.raises(VerifyError) as raised:
        parse_note(note)
    assert raised.value.code == "note_malformed"


ROOT = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [f"{NAME}\n03\n{ROOT}\n", f"{NAME}\n-1\n{ROOT}\n", f"{NAME}\n3\nAAAA\n", f"\n3\n{ROOT}\n", f"{NAME}\n3\n"],
)
def test_a_malformed_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(VerifyError) as raised:
        Checkpoint.parse(text)
    assert raised.value.code == "checkpoint_malformed"


def test_extension_lines_of_a_checkpoint_are_skipped() -> None:
    assert Checkpoint.parse(CHECKPOINT.text() + "extension\n") == CHECKPOINT


WRONG_ID = f"{NAME}+00000000+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"


@pytest.mark.parametrize("text", ["", "name", "name+00000000+AAAA", WRONG_ID])
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(SigningKeyError):
        VerifierKey.parse(text)


def test_a_key_file_is_for_its_owner_only_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "log.key"
    made = KeyFile.create(path, NAME)
    assert path.stat().st_mode & 0o777 == 0o600
    assert KeyFile.load(path, NAME).verifier == made.verifier
    with pytest.raises(SigningKeyError) as raised:
        KeyFile.create(path, NAME)
    assert raised.value.code == "key_exists"


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    KeyFile.create(path, NAME)
    path.chmod(0o640)
    with pytest.raises(SigningKeyError, match="chmod 600") as raised:
        KeyFile.load(path, NAME)
    assert raised.value.code == "key_mode"


def test_a_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    path.touch(0o600)
    with pytest.raises(SigningKeyError, match="PEM"):
        KeyFile.load(path, NAME)
    with pytest.raises(SigningKeyError) as raised:
        KeyFile.load(tmp_path / "none", NAME)
    assert raised.value.code == "key_missing"
