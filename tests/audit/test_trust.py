"""Whom an auditor trusts: policies as C2SP tlog-policy writes them, and what their quorums ask for."""

import base64

import pytest

from audit.checkpoint import Checkpoint, cosign
from audit.errors import VerifyError
from audit.merkle import inclusion_proof, leaf_hash, root_of, verify_consistency
from audit.signing import COSIGNATURE, KeyFile, VerifierKey
from audit.trust import TrustError, TrustPolicy, Witness, accepted, add_checkpoint, with_lines

LOG = KeyFile.from_seed("audit.dragoman.example/log1", bytes(range(32)))
SIGNERS = {
    name: KeyFile.from_seed(f"witness.example/{name}", bytes([number]) * 32) for number, name in enumerate("ABCDE")
}
LEAVES = [leaf_hash(letter.encode()) for letter in "abcdefg"]


def vkey(name: str) -> VerifierKey:
    signer = SIGNERS[name]
    return VerifierKey(signer.verifier.name, signer.verifier.public, COSIGNATURE)


def node(level: int, index: int) -> bytes:
    return root_of(LEAVES[index << level : (index + 1) << level])


def note_of(size: int) -> bytes:
    return Checkpoint(LOG.verifier.name, size, root_of(LEAVES[:size])).signed(LOG)


def cosigned(names: str, size: int = 7) -> bytes:
    text = Checkpoint(LOG.verifier.name, size, root_of(LEAVES[:size])).text()
    return with_lines(note_of(size), [cosign(text, SIGNERS[name], 1_700_000_000) for name in names])


WITNESSES = "".join(f"witness {name} {vkey(name)}\n" for name in "ABCDE")
LEVELS = f"""# two organisations
log {LOG.verifier} https://log.example/
\t
{WITNESSES}
group X 2 A B C
  group Y any\tD E
group both all X Y
quorum both
"""


@pytest.mark.parametrize(
    ("names", "enough"),
    [("", False), ("AB", False), ("DE", False), ("AD", False), ("ABD", True), ("BCE", True), ("ABCDE", True)],
)
def test_a_quorum_of_groups_wants_enough_of_each(names: str, enough: bool) -> None:
    policy = TrustPolicy.parse(LEVELS.encode())
    assert policy.holds(cosigned(names)) is enough
    again = TrustPolicy.parse(policy.text(LOG.verifier))
    assert again.holds(cosigned(names)) is enough
    assert again.logs == policy.logs == (LOG.verifier,)


def test_one_witness_or_none_can_be_the_quorum() -> None:
    one = TrustPolicy.parse(f"{WITNESSES}quorum C\n".encode())
    assert (one.holds(cosigned("AB")), one.holds(cosigned("C"))) == (False, True)
    assert TrustPolicy.parse(b"quorum none\n").holds(note_of(7))


def test_the_wrong_signature_of_a_known_witness_spoils_the_note() -> None:
    policy = TrustPolicy.parse(f"{WITNESSES}quorum A\n".encode())
    other = cosigned("B", size=6).decode().splitlines()[-1] + "\n"
    with pytest.raises(VerifyError, match="cosignature"):
        policy.holds(with_lines(cosigned("A"), [other]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "quorum A\n",
        "quorum none\nquorum none\n",
        f"witness A {vkey('A')}\n",
        f"witness A {vkey('A')}\nwitness B {vkey('A')}\nquorum A\n",
        f"witness A {vkey('A')}\nwitness A {vkey('B')}\nquorum A\n",
        f"witness none {vkey('A')}\nquorum none\n",
        f"witness A {LOG.verifier}\nquorum A\n",
        f"witness A {vkey('A')} ftp://w.example\nquorum A\n",
        f"log {vkey('A')}\nquorum none\n",
        f"log {LOG.verifier}\nlog {LOG.verifier}\nquorum none\n",
        f"group X any A\nwitness A {vkey('A')}\nquorum X\n",
        f"witness A {vkey('A')}\ngroup X 2 A\nquorum X\n",
        f"witness A {vkey('A')}\ngroup X 0 A\nquorum X\n",
        f"witness A {vkey('A')}\ngroup X 01 A\nquorum X\n",
        f"witness A {vkey('A')}\ngroup X ² A\nquorum X\n",
        f"witness A {vkey('A')}\ngroup X any\nquorum A\n",
        f"witness A {vkey('A')}\ngroup X any A A\nquorum X\n",
        f"witness A {vkey('A')}\ngroup X any A\ngroup Y any A\nquorum X\n",
        f"witness A {vkey('A')} x y z\nquorum A\n",
        "witness A nonsense\nquorum A\n",
        f"witness\vA {vkey('A')}\nquorum none\n",
        "trust everybody\nquorum none\n",
    ],
)  # fmt: skip
def test_what_the_format_does_not_allow_is_refused(text: str) -> None:
    with pytest.raises(TrustError):
        TrustPolicy.parse(text.encode())


def test_thirty_two_witnesses_are_read_and_one_more_is_not() -> None:
    keys = [KeyFile.from_seed(f"w.example/{number}", bytes([number]) * 32).verifier for number in range(33)]
    lines = [f"witness w{at} {VerifierKey(key.name, key.public, COSIGNATURE)}\n" for at, key in enumerate(keys)]
    text = "".join(lines[:32]) + f"group all all {' '.join(f'w{at}' for at in range(32))}\nquorum all\n"
    assert len(TrustPolicy.parse(text.encode()).witnesses) == 32
    with pytest.raises(TrustError, match="at most 32"):
        TrustPolicy.parse("".join(lines).encode())


@pytest.mark.parametrize("old", range(8))
def test_a_request_holds_the_proof_from_what_the_witness_knows(old: int) -> None:
    head, _, note = add_checkpoint(node, old, note_of(7)).partition(b"\n\n")
    first, *hashes = head.decode().split("\n")
    assert (first, note) == (f"old {old}", note_of(7))
    proof = [base64.b64decode(one) for one in hashes]
    if old:
        assert verify_consistency(old, root_of(LEAVES[:old]), 7, root_of(LEAVES), proof)
    else:
        assert proof == []
    assert inclusion_proof(node, 0, 7)


def test_of_an_answer_only_the_asked_witness_s_line_is_taken() -> None:
    witness = Witness("A", vkey("A"))
    lines = cosigned("BA").removeprefix(note_of(7))
    found, line = accepted(lines, note_of(7), witness)
    assert (found.witness, found.time) == (vkey("A"), 1_700_000_000)
    assert with_lines(note_of(7), [line]) == cosigned("A")
    assert with_lines(cosigned("A"), [line]) == cosigned("A")
    for answer in (
        b"",
        b"nothing\n",
        cosigned("B").removeprefix(note_of(7)),
        cosigned("A", 6).removeprefix(note_of(6)),
    ):
        with pytest.raises(VerifyError):
            accepted(answer, note_of(7), witness)
