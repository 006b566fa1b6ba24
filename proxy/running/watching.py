"""A recorder that others may look over the shoulder of: what became durable is told on, to metrics and traces.

Records hold no personal data, so neither can what is made of them. A watcher that fails is counted and changes nothing.
"""

from collections.abc import Callable

from audit.canonical import Record
from audit.ledger.writer import Receipt
from proxy.steps.services import Recorder

type Watcher = Callable[[Record], None]


class Watched:
    """`services.Recorder` that tells each watcher of every record, after it is durable."""

    def __init__(self, recorder: Recorder, watchers: tuple[Watcher, ...], observe: Callable[[str, str], None]) -> None:
        self._recorder, self._watchers, self._observe = recorder, watchers, observe

    async def append(self, record: Record, *, proof: bool = False) -> Receipt:
        """As the recorder's own."""
        receipt = await self._recorder.append(record, proof=proof)
        for watcher in self._watchers:
            try:
                watcher(record)
            except Exception as error:
                self._observe("watcher_failed", type(error).__name__)
        return receipt

    def sending(self, receipt: Receipt) -> None:
        """As the recorder's own."""
        self._recorder.sending(receipt)
