"""The bench of doors reads streams as they are written, its upstream holds them, and its rows are those of its sums."""

import asyncio
import time
from contextlib import ExitStack

import pytest

from proxy.bench import doors, workers
from proxy.bench.doors import _Taken
from proxy.bench.gateway import PATH, Server, spawn
from proxy.bench.load import cpu_of_each, cpu_seconds
from tests.ports import free_port


def test_rows_are_next_to_direct_and_to_the_bare_door() -> None:
    taken = {
        "direct": _Taken([0.001] * 10, [0.001]),
        "bare gateway": _Taken([0.002] * 10, [0.002], cpu_s=0.01, stream_kb=20.0),
        "gateway": _Taken([0.004] * 9 + [0.1], [0.005], cpu_s=0.03, stream_kb=50.0),
        "network": _Taken([0.01] * 10, [0.02], cpu_s=0.05),
        "bare network": _Taken([0.005] * 10, [0.006], cpu_s=0.02, stream_kb=10.0),
        "direct, routed": _Taken([0.002] * 10, [0.002]),
        "bare transparent": _Taken([0.005] * 10, [0.006], cpu_s=0.02),
        "transparent": _Taken([0.01] * 10, [0.02], cpu_s=0.06),
    }
    rows = {row.server: row for row in doors.rows(taken)}
    gateway, network, direct = rows["gateway"], rows["network"], rows["direct"]
    assert (gateway.p50_ms, gateway.p99_ms, gateway.added_p50_ms) == pytest.approx((4, 100, 3))
    assert (gateway.cpu_ms, gateway.added_cpu_ms, gateway.added_first_ms) == pytest.approx((3, 2, 4))
    assert (gateway.ratio_direct, gateway.ratio_bare, gateway.added_stream_kb) == pytest.approx((0.25, 0.5, 30))
    assert network.added_cpu_ms == pytest.approx(3)
    assert (network.ratio_bare, network.added_stream_kb) == (0.5, None)
    # What is routed is compared with what is routed.
    routed = rows["transparent"]
    assert (routed.added_p50_ms, routed.added_cpu_ms, routed.ratio_direct) == pytest.approx((8, 4, 0.2))
    assert rows["bare transparent"].added_p50_ms == pytest.approx(3)
    assert (direct.added_cpu_ms, direct.ratio_bare, direct.stream_kb) == (None, None, None)


def test_the_bare_network_door_passes_whole_answers_and_held_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "STREAMS", 3)
    monkeypatch.setattr(doors, "HELD_S", 100.0)  # far more than the rest takes, on whatever machine
    with ExitStack() as stack:
        upstream, network = free_port(), free_port()
        spawn(stack, "-m", "proxy.bench.bare", "upstream", str(upstream), ready="ready")
        mode = f"reverse:http://127.0.0.1:{upstream}@127.0.0.1:{network}"
        pid = spawn(stack, "-m", "proxy.bench.bare_network", mode, ready="ready")
        server = Server("bare network", network, PATH, [pid])
        began = time.perf_counter()
        (seconds, cpu_s), first = asyncio.run(doors._block(server, b'{"model": "m", "messages": []}', 5))
        assert len(seconds) == 5
        assert len(first) == 1
        assert 0 <= cpu_s <= cpu_seconds([pid])
        assert asyncio.run(doors._held(server, b'{"model": "m", "messages": []}')) >= 0
        # The streams were open and held when memory was read: nobody waited for their end.
        assert time.perf_counter() - began < doors.HELD_S
        assert list(cpu_of_each([pid])) == [f"proxy.bench.bare_network ({pid})"]


def test_the_busiest_process_bounds_what_free_cores_would_give() -> None:
    taken = {name: workers._Taken() for name in ("direct", "bare", "dragoman, 2 workers")}
    taken["direct"].add(1000, 1.0, {}, {})
    taken["bare"].add(500, 1.0, {"bare": 1.0}, {"bare": 1.5})
    taken["dragoman, 4 workers"] = workers._Taken()
    taken["dragoman, 4 workers"].add(150, 1.0, {}, {"door (4)": 0.3})
    for _ in range(2):
        before, after = {"door (1)": 1.0, "door (2)": 1.0}, {"door (1)": 1.2, "door (2)": 1.1, "ledger (3)": 0.1}
        taken["dragoman, 2 workers"].add(100, 1.0, before, after, (0.5, 1.0))
    rows = {row.server: row for row in workers.rows(taken, clients=2, upstreams=4)}
    both = rows["dragoman, 2 workers"]
    assert (both.per_second, both.ratio_bare, both.cpu_ms) == pytest.approx((100, 0.2, 4))
    assert both.busiest == "door (1)"
    assert both.busiest_cpu_ms == pytest.approx(2)
    assert both.each == pytest.approx({"door (1)": 2, "door (2)": 1, "ledger (3)": 1})
    assert (both.client_busy, both.upstream_busy) == pytest.approx((0.25, 0.25))
    assert both.ratio_first == pytest.approx(1)
    assert rows["dragoman, 4 workers"].ratio_first == pytest.approx(1.5)
    assert rows["bare"].ratio_first is None
    assert not rows["direct"].busiest
    assert rows["bare"].cpu_ms == pytest.approx(1)
