"""How often somebody may ask: a bucket for each key that fills again with time. Keys are digests or addresses."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

KEYS = 10_000
"""Buckets that are remembered; the one that was used longest ago goes first, and it would be full anyway."""


class RateLimit:
    """per_minute: how many requests of one key pass in a minute; as many may come at once."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute, self._clock = per_minute, clock
        self._buckets: OrderedDict[object, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, key: object) -> int:
        """0 where the request may pass, which counts it; else after how many seconds the next one may."""
        now, rate = self._clock(), self._per_minute / 60
        with self._lock:
            left, since = self._buckets.pop(key, (float(self._per_minute), now))
            left = min(float(self._per_minute), left + (now - since) * rate)
            passes = left >= 1
            self._buckets[key] = (left - 1 if passes else left, now)
            if len(self._buckets) > KEYS:
                self._buckets.popitem(last=False)
        return 0 if passes else int((1 - left) / rate) + 1
