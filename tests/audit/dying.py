"""A process that appends until it dies: `python dying.py HOME STEP COMMITS MARKS`; prints each acknowledged id.

STEP is a step of a commit, or `full`: then no file may grow beyond COMMITS KiB, as on a disk that is full, and the
process ends when the ledger refuses, with the code of the refusal on stderr.
"""

import os
import resource
import signal
import sys
from pathlib import Path

from audit.errors import LedgerError
from audit.ids import new_id, now_ms
from audit.log import Ledger
from audit.record import DestinationFacts, TransferRecord

DIGEST = "0123456789abcdef" * 4


def transfer() -> TransferRecord:
    return TransferRecord(
        id=new_id(), at=now_ms(), environment="test", application="messenger", identified_by="none",
        destination=DestinationFacts(name="openai"), host="api.openai.com", door="gateway", mode="gateway",
        policy_digest=DIGEST, action="allow", commitment_in=DIGEST, bytes_out=1, commitment_out=DIGEST,
    )  # type: ignore[arg-type]  # fmt: skip


def main(home: str, step: str, commits: str, marks: str) -> None:
    left = [int(commits)]

    def die(at: str) -> None:
        if at == step:
            left[0] -= 1
            if left[0] == 0:
                os._exit(9)  # as kill -9 does: no handler, no flush, no unlock

    ledger = Ledger.open(Path(home), sending_marks=marks == "marks", probe=die)
    if step == "full":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(commits) * 1024, resource.RLIM_INFINITY))
    for number in range(10_000):
        record = transfer()
        try:
            receipt = ledger.append_blocking(record)
        except LedgerError as error:
            os.write(2, error.code.encode())
            os._exit(9)
        if marks == "marks" and number % 2 == 0:
            ledger.sending(receipt)
        os.write(1, f"{record.id}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
