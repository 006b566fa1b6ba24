"""Hostile bodies cost a bounded amount of memory: the kernel's own high-water mark of a process of its own."""

import gzip
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

MIB = 1024 * 1024


def chat(text: str) -> bytes:
    return orjson.dumps({"model": "echo", "messages": [{"role": "user", "content": text}]})


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    """Process id and gateway of a dragoman with one worker and its own demo provider."""
    arguments = ("run", "--home", str(tmp_path_factory.mktemp("memory") / "home"), "--mode", "none")
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", "from proxy.cli import main; main()", *arguments, "--detectors", "patterns"),
            *("--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--workers", "1", "--console", "off"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    gateway = next(line.split()[-1].decode() for line in process.stdout if b"gateway" in line)
    yield process.pid, gateway
    process.terminate()
    process.wait(60)
    process.stdout.close()


@pytest.fixture(scope="module")
def ask(running: tuple[int, str]) -> Iterator[Any]:
    url = f"{running[1]}/demo/v1/chat/completions"
    with httpx.Client(trust_env=False, timeout=100, headers={"content-type": "application/json"}) as client:
        assert client.post(url, content=chat("warm")).status_code == 200
        yield lambda body, **headers: client.post(url, content=body, headers=headers)


def high_water(pid: int) -> int:
    """The most memory, in MiB, that a process ever had resident."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) // 1024


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (gzip.compress(b" " * 400 * MIB, 9), {"content-encoding": "gzip"}, 413, "body_too_large"),
        (b"[" * 5_000_000, {}, 400, "too_deep"),
        (b'{"a":' * 1_000_000, {}, 400, "too_deep"),
        (b"[" + b'{"a":"b"},' * 1_000_000 + b"1]", {}, 413, "too_many_texts"),
        (b"[" + b'"a",' * 4_000_000 + b"1]", {}, 413, "too_many_texts"),
        (b"[" + b"{}," * 4_000_000 + b"1]", {}, 400, None),
        (chat("Nothing to see here. " * 900_000), {}, 200, None),
        (chat(" ".join(f"a{n}@example.com" for n in range(20_000))), {}, 413, "too_many_placeholders"),
    ],
    ids=["bomb", "deep", "deep objects", "many members", "many texts", "empty objects", "20 MB", "20,000 addresses"],
)
def test_a_hostile_body_is_answered_in_bounded_memory(
    running: tuple[int, str], ask: Any, body: bytes, headers: dict[str, str], status: int, code: str | None
) -> None:
    answer = ask(body, **headers)
    assert (answer.status_code, answer.headers.get("dragoman-reason")) == (status, code)
    # 20 MB of text stand in memory as bytes, text and JSON, in and out; nothing may cost a multiple of that.
    assert high_water(running[0]) < 600
    assert ask(chat("still there?")).status_code == 200


@pytest.mark.parametrize("seed", ["1 ", "a.b@", "Von Dr. ", "a='", "1/1 "])
def test_a_megabyte_made_to_stall_expressions_is_answered(ask: Any, seed: str) -> None:
    """What is quadratic would need hours for it; a limit of time refuses, and the next request is served."""
    answer = ask(chat((seed * (MIB // len(seed)))[:MIB]))
    assert answer.status_code in (200, 413, 503)
    assert answer.status_code == 200 or answer.headers.get("dragoman-reason")
    assert ask(chat("still there?")).status_code == 200
