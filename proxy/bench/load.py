"""Sends requests one after another over one kept connection and takes the time of each; and reads a process's CPU.

The client is a bare socket with fixed request bytes, so that its own cost stays small beside what is measured.
"""

import json
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Sample:
    """Latencies in seconds and CPU seconds of the measured processes for one block of requests."""

    seconds: tuple[float, ...]
    cpu_s: float


def request_bytes(port: int, path: str, body: bytes) -> bytes:
    """One HTTP/1.1 POST."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
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


def cpu_seconds(pids: list[int]) -> float:
    """User and system CPU of these processes and their children so far (Linux /proc)."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
        for task in Path(f"/proc/{pid}/task").iterdir():
            children = (task / "children").read_text().split()
            if children:
                total += int(cpu_seconds([int(child) for child in children]) * _TICKS)
    return total / _TICKS


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
