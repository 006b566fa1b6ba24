"""What the log sends on while it grows: one file for each way out, and its entry in `ALL`.

A stream has a cursor in the control database and reads the audit database; it runs in a process of its own, so a
receiver that is slow, full or away never touches a transfer. Every entry arrives at least once, in order.
"""

from proxy.outbound.streams import file, otlp, webhook
from proxy.outbound.streams.base import Exporter

ALL: tuple[Exporter, ...] = (file.EXPORTER, otlp.EXPORTER, webhook.EXPORTER)

NAMES = {exporter.name: exporter for exporter in ALL}
