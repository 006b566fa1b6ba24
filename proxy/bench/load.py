"""Sends requests one after another over one kept connection and takes the time of each; and reads a process's CPU.

The client is a bare socket with fixed request bytes, so that its own cost stays small beside what is measured.
"""

import json
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Sample:
    """Latencies in seconds and CPU seconds of the measured processes for one block of requests."""

    seconds: tuple[float, ...]
    cpu_s: float


def request_bytes(port: int, path: str, body: bytes, host: str = "127.0.0.1") -> bytes:
    """One HTTP/1.1 POST."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer sk-bench\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection:
    """One kept connection to a port of this machine."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def ask(self, request: bytes) -> int:
        """Send one request, read its whole answer, return the status."""
        self._socket.sendall(request)
        while b"\r\n\r\n" not in self._buffer:
            self._buffer += self._more()
        head, _, rest = self._buffer.partition(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
        )
        while len(rest) < length:
            rest += self._more()
        self._buffer = rest[length:]
        return int(head[9:12])

    def _more(self) -> bytes:
        piece = self._socket.recv(65536)
        if not piece:
            raise ConnectionError("the server closed the connection")
        return piece

    def close(self) -> None:
        self._socket.close()


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system CPU of these processes and their children so far (Linux /proc)."""
    return sum(cpu_of_each(pids).values())


def cpu_of_each(pids: Sequence[int]) -> dict[str, float]:
    """The same by what a process does, and its id."""
    found: dict[str, float] = {}
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        found[name_of(pid)] = (int(fields[11]) + int(fields[12])) / _TICKS
        for task in Path(f"/proc/{pid}/task").iterdir():
            found |= cpu_of_each([int(child) for child in (task / "children").read_text().split()])
    return found


def name_of(pid: int) -> str:
    """What a process does, as its command line says: the module of ours that it runs, and its role there."""
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    place = next((n for n, word in enumerate(words) if word.startswith(("redaction.", "proxy."))), None)
    if place is None:
        return f"dragoman ({pid})"
    role = words[place + 1] if words[place] == "proxy.processes" else ""
    return f"{words[place]} {role}".rstrip() + f" ({pid})"


def measure(connection: Connection, requests: list[bytes], pids: list[int]) -> Sample:
    """Send these requests; every answer must be a 200."""
    before = cpu_seconds(pids)
    seconds = []
    for request in requests:
        began = time.perf_counter()
        status = connection.ask(request)
        seconds.append(time.perf_counter() - began)
        if status != 200:
            raise ConnectionError(f"a request of the bench was answered with {status}")
    return Sample(tuple(seconds), cpu_seconds(pids) - before)


def chat_body(messages: list[str]) -> bytes:
    """A chat completion request with these user and assistant messages in turn."""
    roles = ("user", "assistant")
    data = [{"role": roles[n % 2], "content": text} for n, text in enumerate(messages)]
    return json.dumps({"model": "bench", "messages": data}, ensure_ascii=False).encode()
