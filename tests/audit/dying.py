"""A process that appends until it dies: `python dying.py HOME HOW COUNT MARKS SENDERS`; prints each acknowledged id.

HOW is a step of a commit, at whose COUNTth time the process is killed; or `file_size`: then no file may grow beyond COUNT
KiB; or `fsync`: after COUNT acknowledged records every fsync and fdatasync fails with EIO, as on a disk that dies; or
`disk`: HOME lies on a small disk that fills up. Where nothing kills it, the process ends when the ledger refuses, with the
code of the refusal on stderr. SENDERS: threads that append at the same time, each waiting for its record.
"""

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
import threading
from pathlib import Path

from audit.errors import LedgerError
from audit.ids import new_id, now_ms
from audit.log import Ledger
from audit.record import DestinationFacts, TransferRecord

DIGEST = "0123456789abcdef" * 4
SYNCS = {"x86_64": (0xC000003E, 317, (74, 75)), "aarch64": (0xC00000B7, 277, (82, 83))}
"""Machine to what seccomp calls it, the number of the call `seccomp`, and those of fsync and fdatasync."""


def transfer() -> TransferRecord:
    return TransferRecord(
        id=new_id(), at=now_ms(), environment="test", application="messenger", identified_by="none",
        destination=DestinationFacts(name="openai"), host="api.openai.com", door="gateway", mode="gateway",
        policy_digest=DIGEST, action="allow", commitment_in=DIGEST, bytes_out=1, commitment_out=DIGEST,
    )  # type: ignore[arg-type]  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def break_fsync() -> None:
    """From now on the kernel answers EIO to every fsync and fdatasync of this process (seccomp, all threads)."""
    machine, seccomp, calls = SYNCS[platform.machine()]

    def when(value: int, skip: int) -> bytes:  # BPF_JMP | BPF_JEQ | BPF_K: goes on if equal, else skips so many
        return struct.pack("HBBI", 0x15, 0, skip, value)

    def load(offset: int) -> bytes:
        return struct.pack("HBBI", 0x20, 0, 0, offset)

    def answer(value: int) -> bytes:
        return struct.pack("HBBI", 0x06, 0, 0, value)

    allow, fail = 0x7FFF0000, 0x00050000 | 5  # SECCOMP_RET_ERRNO with EIO
    steps = [load(4), when(machine, 5), load(0), when(calls[0], 1), answer(fail), when(calls[1], 1), answer(fail)]
    steps.append(answer(allow))
    libc = ctypes.CDLL(None, use_errno=True)
    program = _Program(len(steps), b"".join(steps))
    assert libc.prctl(38, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS"
    assert libc.syscall(seccomp, 1, 1, ctypes.byref(program)) == 0, "SECCOMP_SET_MODE_FILTER for every thread"


def main(home: str, how: str, count: str, marks: str, senders: str = "1") -> None:
    left = [int(count)]

    def die(at: str) -> None:
        if at == how:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    ledger = Ledger.open(Path(home), sending_marks=marks == "marks", probe=die)
    if how == "file_size":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(count) * 1024, resource.RLIM_INFINITY))

    def send() -> None:
        for number in range(10_000):
            record = transfer()
            try:
                receipt = ledger.append_blocking(record)
            except LedgerError as error:
                os.write(2, f"{error.code}\n".encode())
                return
            if marks == "marks" and number % 2 == 0:
                ledger.sending(receipt)
            os.write(1, f"{record.id}\n".encode())
            if how == "fsync" and number + 1 == int(count):
                break_fsync()

    threads = [threading.Thread(target=send) for _ in range(int(senders))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os._exit(9)


if __name__ == "__main__":
    main(*sys.argv[1:])
