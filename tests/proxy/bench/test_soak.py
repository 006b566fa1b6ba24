"""What the soak says of growth is what the samples hold; what it reads of processes is what the kernel says; what its
clients and upstreams count is what went between them."""

import json
import os
import random
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from proxy.bench import soak, soak_load
from proxy.bench.cores import free, shared_out
from proxy.bench.gateway import spawn
from tests.ports import free_port


def test_growth_is_the_slope_of_each_process_and_of_all_together() -> None:
    samples = [
        soak._Sample(n * 1000, {1: (2048 + n * 1024, 10), 2: (4096, 20 + n), **({3: (1, 1)} if n == 2 else {})})
        for n in range(5)
    ]
    one, two, together = soak.growth(samples, {1: "one", 2: "two", 3: "came later"})
    assert (one.process, one.requests, one.files_per_10k) == ("one", 4000, 0)
    assert one.mib == (3, 4, 5, 6)
    assert one.mib_per_10k == pytest.approx(10)
    assert (two.mib, two.mib_per_10k) == ((4, 4, 4, 4), 0)
    assert (two.files, two.files_per_10k) == ((21, 22, 23, 24), pytest.approx(10))
    assert (together.process, together.mib[-1]) == ("all", 10)
    assert together.mib_per_10k == pytest.approx(10, rel=1e-3)


def test_memory_and_files_of_a_process_and_its_children_are_read_from_the_kernel(tmp_path: Path) -> None:
    program = "import subprocess, sys; p = subprocess.Popen(['cat']); f = [open('x', 'w') for _ in range(9)]; print(p.pid, flush=True); p.wait()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        found = soak._processes(process.pid)
        assert set(found) == {process.pid, child}
        assert found[process.pid][1] == len(os.listdir(f"/proc/{process.pid}/fd")) >= 12  # noqa: PTH208
        assert found[process.pid][0] > found[child][0] > 100
    assert soak._processes(process.pid) == {}


def test_clients_and_upstreams_count_what_went_between_them(tmp_path: Path) -> None:
    """Through a door that changes nothing: what is echoed is what was asked."""
    cores = shared_out(free())
    with ExitStack() as stack:
        upstream, door = free_port(), free_port()
        received = stack.enter_context(soak_load.upstreams(upstream, 2, cores))
        spawn(stack, "-m", "proxy.bench.bare", "gateway", str(door), f"127.0.0.1:{upstream}", ready="ready")
        load = stack.enter_context(soak_load.clients(door, 21, 1, cores, received))
        load.clients[0].join(60)
        assert not load.asking
        assert load.counted.sums == (21, 0, 21)
        soak._write(tmp_path / "out", soak.Soaked([], None), load, 1.5)
        told = json.loads((tmp_path / "out" / "soak.json").read_text())
        assert told == {"seconds": 1.5, "answered": 21, "errors": 0, "received": 21, "growth": [], "sums": None}


class Answering:
    """An aiohttp client whose every answer is the same."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self._body = status, body

    def post(self, *_: Any, **__: Any) -> "Answering":
        return self

    async def read(self) -> bytes:
        return self._body

    async def __aenter__(self) -> "Answering":
        return self

    async def __aexit__(self, *_: object) -> None:
        return


@pytest.mark.parametrize(
    ("status", "content", "wrong"),
    [(200, "hello anna0@example.com", None), (200, "hello [EMAIL_1]", "not restored"), (503, "", "503")],
)
async def test_an_answer_counts_when_it_is_a_200_that_restores(status: int, content: str, wrong: str | None) -> None:
    client: Any = Answering(status, json.dumps({"choices": [{"message": {"content": content}}]}).encode())
    if wrong is None:
        await soak_load._ask(client, 0, random.Random(1))
        return
    with pytest.raises(ConnectionError, match=wrong):
        await soak_load._ask(client, 0, random.Random(1))
