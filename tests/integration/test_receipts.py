"""Receipts: the answer's header proves, offline, that the log holds the record of the transfer, or of the refusal."""

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from audit.canonical import dumps
from audit.commands.reading import reading
from audit.merkle import leaf_hash
from audit.prove import Proof, check, read
from audit.signing import VerifierKey

VERIFIER = Path(__file__).parents[2] / ".venv-outside" / "bin" / "aics-tlog"
WANTED = {"dragoman-receipt": "yes"}


def key_of(it: Any) -> VerifierKey:
    with reading(it.home, None) as log:
        return log.vkey


async def test_an_answer_proves_its_record_to_an_app_that_asks_for_it(each_door: Any, chat: Any) -> None:
    async with each_door() as it, it.client("openai") as client:
        answer = await client.post("/v1/chat/completions", json=chat("a@b.example"), headers=WANTED)
        plain = await client.post("/v1/chat/completions", json=chat("a@b.example"))
        streamed = await client.post("/v1/chat/completions", json=chat("a@b.example", stream=True), headers=WANTED)
        await it.settled()
        assert all("dragoman-receipt" not in dict(one.headers) for one in it.received())
        for one in (answer, streamed):
            proof = read(one.headers["dragoman-receipt"].encode())
            (entry,) = (record for record in it.records("transfer") if record["id"] == one.headers["dragoman-transfer"])
            assert leaf_hash(dumps(entry)) == proof.leaf
            assert check(proof, dumps(entry), [key_of(it)]).size > proof.index
            assert it.records()[proof.index] == entry
    assert "dragoman-receipt" not in plain.headers


async def test_a_refusal_has_a_receipt_as_well(each_door: Any, chat: Any) -> None:
    async with each_door(settings={"bundled": "strict"}) as it, it.client("openai") as client:
        body = chat("my key is AKIAIOSFODNN7EXAMPLE and sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD")
        answer = await client.post("/v1/chat/completions", json=body, headers=WANTED)
        assert answer.status_code == 403
        (entry,) = it.records("blocked")
        check(read(answer.headers["dragoman-receipt"].encode()), dumps(entry), [key_of(it)])
        assert not it.received()


@pytest.mark.outside
async def test_a_verifier_that_we_did_not_write_accepts_the_receipt(stand: Any, chat: Any, tmp_path: Path) -> None:
    if not VERIFIER.exists():
        pytest.skip("the foreign verifier is not installed; run: make outside")
    async with stand() as it, it.client("openai") as client:
        answer = await client.post("/v1/chat/completions", json=chat("a@b.example"), headers=WANTED)
        proof = read(answer.headers["dragoman-receipt"].encode())
        entry = dumps(it.records()[proof.index])
        (tmp_path / "auditor.vkey").write_text(f"{key_of(it)}\n")
    assert foreign(tmp_path, proof, entry)
    assert not foreign(tmp_path, proof, entry.replace(b"openai", b"opencl", 1))


def foreign(folder: Path, proof: Proof, entry: bytes) -> bool:
    """Whether aics-tlog accepts; it takes the parts of a proof as members of an object."""

    def u64(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    bundle = {
        "entry_bytes": u64(entry),
        "index": proof.index,
        "inclusion_proof": [base64.b64encode(one).decode() for one in proof.hashes],
        "checkpoint_note": u64(proof.checkpoint),
        "envelope": None,
        "body_or_ct": None,
    }
    (folder / "bundle.json").write_text(json.dumps(bundle))
    call = [str(VERIFIER), "verify-bundle", "--offline", "--bundle", str(folder / "bundle.json")]
    call += ["--vkey-file", str(folder / "auditor.vkey")]
    done = subprocess.run(call, capture_output=True, text=True, timeout=150, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode == 0
