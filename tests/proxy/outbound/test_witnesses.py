"""Witnesses that refuse, lie, stall or answer too much: the log goes on, and what is wrong is counted, never kept."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from audit import cosigned
from audit.checkpoint import cosign, unverified
from audit.export import export_tiles
from audit.log import Ledger
from audit.merkle import subtree_root, verify_consistency
from audit.query import entries
from audit.signing import COSIGNATURE, KeyFile, VerifierKey, parse_note
from audit.stored import StoredTiles
from audit.tiles import node_source
from audit.trust import TrustPolicy
from audit.verify import verify_folder, verify_store
from proxy.outbound import witnesses as room
from proxy.outbound.witnesses import Witnesses
from tests.audit.conftest import exchange_record

SIGNER = KeyFile.from_seed("witness.example/w1", bytes(32))
VKEY = VerifierKey(SIGNER.verifier.name, SIGNER.verifier.public, COSIGNATURE)

type Answer = Callable[[bytes], Awaitable[web.StreamResponse] | web.StreamResponse]


class Scripted:
    """A witness that does what it is told to, over a real socket."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.bodies = list(answers), []
        self.url = ""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        assert request.path == "/prefix/add-checkpoint"
        self.bodies.append(await request.read())
        answer = self.answers.pop(0)(self.bodies[-1])
        return answer if isinstance(answer, web.StreamResponse) else await answer


@asynccontextmanager
async def asking(ledger: Ledger, *answers: Answer) -> AsyncIterator[tuple[Scripted, Witnesses, list[tuple[str, str]]]]:
    witness, seen = Scripted(*answers), []
    # One that stalls would be waited for when it is told to end.
    runner = web.ServerRunner(web.Server(witness.handle), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    text = f"witness w1 {VKEY} http://127.0.0.1:{port}/prefix/\nquorum w1\n"
    with ThreadPoolExecutor(2) as threads:
        async with room.client() as client:
            policy = TrustPolicy.parse(text.encode())
            yield witness, Witnesses(ledger, policy, client, threads, lambda *one: seen.append(one)), seen
    await runner.cleanup()


def signed(body: bytes) -> web.Response:
    text, _ = parse_note(body.partition(b"\n\n")[2])
    return web.Response(body=cosign(text, SIGNER, 1_700_000_000).encode())


def knows(size: int) -> Answer:
    return lambda _: web.Response(status=409, body=f"{size}\n".encode(), content_type="text/x.tlog.size")


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    opened = Ledger.open(tmp_path / "home", publish_every_s=0.01)
    opened._append_all(exchange_record() for _ in range(299))
    yield opened
    opened.close()


def kinds(ledger: Ledger) -> list[str]:
    with ledger.store.read() as connection:
        return [orjson.loads(body)["kind"] for _, body in entries(connection, since=300)]


async def test_a_cosignature_is_kept_recorded_exported_and_not_asked_for_twice(ledger: Ledger, tmp_path: Path) -> None:
    async with asking(ledger, signed, signed) as (witness, witnesses, seen):
        (one,) = await witnesses.once()
        assert (one.witness, one.time) == (VKEY, 1_700_000_000)
        assert await witnesses.once() == (), "nothing but the record of the witness is new"
        ledger.append_blocking(exchange_record())
        assert len(await witnesses.once()) == 1
    assert [body.split(b"\n")[0] for body in witness.bodies] == [b"old 0", b"old 300"]
    assert seen == [("witness_cosigned", "witness.example/w1")] * 2
    assert kinds(ledger) == ["witness", "transfer", "witness"]
    vkey = ledger.home.read_vkey()
    verify_store(ledger.store, [vkey])
    policy = TrustPolicy.parse(f"witness w1 {VKEY}\nquorum w1\n".encode())
    export_tiles(ledger.store, vkey, tmp_path / "export", trust=policy.text(vkey))
    found = verify_folder(tmp_path / "export", [vkey])
    assert cosigned.check_witnessed(tmp_path / "export", found, policy).size == 302
    export_tiles(ledger.store, vkey, tmp_path / "as-cosigned", cosigned=True)
    assert verify_folder(tmp_path / "as-cosigned", [vkey]).checkpoint.size == 302
    assert policy.holds((tmp_path / "as-cosigned" / "checkpoint").read_bytes())


async def test_a_witness_that_knows_another_size_is_asked_again_from_there(ledger: Ledger) -> None:
    async with asking(ledger, knows(17), signed) as (witness, witnesses, _):
        assert len(await witnesses.once()) == 1
    first, *proof = witness.bodies[1].partition(b"\n\n")[0].split(b"\n")
    assert first == b"old 17"
    with ledger.store.read() as connection:
        old = subtree_root(node_source(StoredTiles(connection), 300), 0, 17)
    new = unverified(witness.bodies[1].partition(b"\n\n")[2])
    assert verify_consistency(17, old, new.size, new.root, [base64.b64decode(one) for one in proof])


async def endless(_: bytes) -> web.StreamResponse:
    return web.Response(body=b"x" * 20_000)


def foreign(body: bytes) -> web.Response:
    text, _ = parse_note(body.partition(b"\n\n")[2])
    stranger = KeyFile.from_seed(VKEY.name, bytes([7]) * 32)
    return web.Response(body=cosign(text, stranger, 1_700_000_000).encode())


def wrong(body: bytes) -> web.Response:
    return web.Response(body=cosign("another.example/log\n1\nAAAA\n", SIGNER, 1_700_000_000).encode())


def moved(_: bytes) -> web.Response:
    return web.Response(status=307, headers={"location": "http://127.0.0.1:1/"})


async def stalls(_: bytes) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ([lambda _: web.Response(status=403)], "status_403"),
        ([lambda _: web.Response(status=404)], "status_404"),
        ([lambda _: web.Response(status=422)], "status_422"),
        ([lambda _: web.Response(status=409, body=b"17\n")], "status_409"),
        ([moved], "status_307"),
        ([knows(301)], "witness_ahead"),
        ([knows(1), knows(2), knows(3)], "witness_conflict"),
        ([lambda _: web.Response(status=409, body=b"-1", content_type="text/x.tlog.size")], "witness_answer"),
        ([endless], "witness_answer"),
        ([lambda _: web.Response(body=b"")], "note_malformed"),
        ([foreign], "signature_missing"),
        ([wrong], "signature_wrong"),
        ([stalls], "TimeoutError"),
    ],
)
async def test_whatever_else_a_witness_does_is_counted_and_nothing_is_kept(
    ledger: Ledger, answers: list[Answer], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if code == "TimeoutError":
        monkeypatch.setattr(room, "TIMEOUT_S", 0.2)
    async with asking(ledger, *answers) as (_, witnesses, seen):
        assert await witnesses.once() == ()
        assert seen == [("witness_refused", code)]
    assert kinds(ledger) == []
    with ledger.store.read() as connection:
        assert cosigned.newest_cosigned(connection) is None
    ledger.append_blocking(exchange_record())


async def test_a_witness_that_is_away_costs_only_its_cosignature(ledger: Ledger) -> None:
    seen: list[tuple[str, str]] = []
    policy = TrustPolicy.parse(f"witness w1 {VKEY} http://127.0.0.1:1\nquorum w1\n".encode())
    with ThreadPoolExecutor(1) as threads:
        async with room.client() as client:
            witnesses = Witnesses(ledger, policy, client, threads, lambda *one: seen.append(one))
            assert await witnesses.once() == ()
    assert seen == [("witness_refused", "ConnectError")]
