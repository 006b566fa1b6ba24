"""Witnesses of the log: they are asked, now and then, to cosign the newest checkpoint (C2SP tlog-witness).

Never in the way of a transfer: a task of its own, and a witness that does not answer costs nothing but its cosignature.
Only checkpoints and hashes leave, to the addresses in HOME/witness.policy; an answer counts only by its signature.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx

from audit import cosigned
from audit.checkpoint import Cosignature, unverified
from audit.commands.reading import read_trust
from audit.errors import AuditError, VerifyError
from audit.events import WitnessRecord
from audit.ids import now_ms
from audit.log import Ledger
from audit.trust import MAX_ANSWER, TrustPolicy, Witness, accepted
from proxy.config import Settings
from proxy.errors import ProxyError
from proxy.next_proxy import NextProxy, next_proxy
from proxy.outbound.clients import async_client
from proxy.running.ca import trusting

EVERY_S = 60.0
"""Between two rounds; after each a rewritten log would show to whoever asks the witness."""
TIMEOUT_S = 10.0
TRIES = 3
"""Requests to one witness in a round: it may have seen another size than we remember, and meanwhile a further one."""
SIZE_TYPE = "text/x.tlog.size"


class WitnessError(ProxyError):
    """A witness did not cosign. code: what it answered, for metrics."""

    code = "witness"


class Witnesses:
    """Asks every witness of a policy. observe: counts (kind, label)."""

    def __init__(
        self,
        ledger: Ledger,
        policy: TrustPolicy,
        client: httpx.AsyncClient,
        threads: ThreadPoolExecutor,
        observe: Callable[[str, str], None],
    ) -> None:
        self._ledger, self._client, self._threads, self._observe = ledger, client, threads, observe
        self._asked = tuple(witness for witness in policy.witnesses if witness.url)
        self._sizes: dict[bytes, int] = {}
        self._remembers = False

    async def run(self) -> None:
        """A round now and then, until it is cancelled."""
        while True:
            try:
                await self.once()
            except Exception as error:
                # Whatever it was, the next round may do better; its text could quote an answer.
                self._observe("witness_failed", type(error).__name__)
            await asyncio.sleep(EVERY_S)

    async def once(self) -> tuple[Cosignature, ...]:
        """One round: asks all, keeps and records what they signed. Nothing where they have seen everything."""
        note = await self._run(self._due)
        if note is None:
            return ()
        answers = await asyncio.gather(*(self._cosign(witness, note) for witness in self._asked))
        got = [answer for answer in answers if answer is not None]
        if got:
            store = self._ledger.store
            await self._run(lambda: cosigned.keep(store, note, [line for _, line in got]))
            checkpoint = unverified(note)
            for one, _ in got:
                await self._ledger.append(
                    WitnessRecord(
                        at=now_ms(),
                        name=one.witness.name,
                        key_id=one.witness.id.hex(),
                        tree_size=checkpoint.size,
                        root=checkpoint.root.hex(),
                        cosigned_at=one.time,
                    )
                )
        return tuple(one for one, _ in got)

    async def _cosign(self, witness: Witness, note: bytes) -> tuple[Cosignature, str] | None:
        try:
            found = await self._ask(witness, note)
        except (ProxyError, AuditError) as error:
            self._observe("witness_refused", error.code)
        except (httpx.HTTPError, TimeoutError) as error:
            self._observe("witness_refused", type(error).__name__)
        else:
            self._observe("witness_cosigned", witness.vkey.name)
            return found
        return None

    async def _ask(self, witness: Witness, note: bytes) -> tuple[Cosignature, str]:
        """Raises WitnessError, VerifyError, httpx.HTTPError, TimeoutError."""
        size = unverified(note).size
        old = min(self._sizes.get(witness.vkey.id, 0), size)
        for _ in range(TRIES):
            body = await self._run(partial(self._body, old, note))
            status, kind, answer = await self._post(witness, body)
            if status == 200:
                found = accepted(answer, note, witness)
                self._sizes[witness.vkey.id] = size
                return found
            if status != 409 or kind != SIZE_TYPE:
                raise WitnessError("the witness refused the checkpoint", code=f"status_{status}")
            old = _size(answer)
            if old > size:
                # It has seen more of this log than there is: a database restored from a backup, or another log.
                raise WitnessError("the witness has seen a larger log than this one", code="witness_ahead")
        raise WitnessError("the witness keeps naming other sizes", code="witness_conflict")

    async def _post(self, witness: Witness, body: bytes) -> tuple[int, str, bytes]:
        """Status, media type and body of the answer, as much of it as may be."""
        # Read as it came: a few compressed bytes could become as many as the memory holds.
        plain = {"accept-encoding": "identity"}
        request = self._client.stream("POST", f"{witness.url}/add-checkpoint", content=body, headers=plain)
        async with asyncio.timeout(TIMEOUT_S), request as response:
            answer = b""
            async for piece in response.aiter_raw():
                answer += piece
                if len(answer) > MAX_ANSWER:
                    raise WitnessError("the witness's answer is too long", code="witness_answer")
            kind = response.headers.get("content-type", "").partition(";")[0].strip()
            return response.status_code, kind, answer

    def _due(self) -> bytes | None:
        with self._ledger.store.read() as connection:
            if not self._remembers:
                self._sizes, self._remembers = cosigned.sizes(connection), True
            return cosigned.due(connection)

    def _body(self, old: int, note: bytes) -> bytes:
        with self._ledger.store.read() as connection:
            return cosigned.request(connection, old, note)

    async def _run[T](self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


@asynccontextmanager
async def asked(
    ledger: Ledger, threads: ThreadPoolExecutor, observe: Callable[[str, str], None], settings: Settings
) -> AsyncIterator[None]:
    """The witnesses that HOME/witness.policy names are asked in here; none where there is no such file, or no address
    in it. Raises TrustError, ConfigError."""
    path = ledger.home.trust
    policy = read_trust(path if path.exists() else None)
    if policy is None or not any(witness.url for witness in policy.witnesses):
        yield
        return
    async with client(settings.upstream_ca, next_proxy(settings)) as over:
        task = asyncio.create_task(Witnesses(ledger, policy, over, threads, observe).run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def client(extra_ca: Path | None = None, through: NextProxy | None = None) -> httpx.AsyncClient:
    """What asks them. extra_ca: PEM file trusted beside the system's authorities."""
    return async_client(through, timeout=TIMEOUT_S, verify=trusting(extra_ca))


def _size(answer: bytes) -> int:
    text = answer.removesuffix(b"\n")
    if not text.isdigit() or len(text) > 19:
        raise VerifyError("the witness named no size", code="witness_answer")
    return int(text)
