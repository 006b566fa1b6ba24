"""What the soak says of growth is what the samples hold; what it reads of processes is what the kernel says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.bench import soak


def test_growth_is_the_slope_of_each_process_and_of_all_together() -> None:
    samples = [
        soak._Sample(n * 1000, {1: (2048 + n * 1024, 10), 2: (4096, 20 + n), **({3: (1, 1)} if n == 2 else {})})
        for n in range(5)
    ]
    one, two, together = soak._growth(samples, {1: "one", 2: "two", 3: "came later"})
    assert (one.process, one.warm_mib, one.end_mib, one.files_per_10k) == ("one", 2, 6, 0)
    assert one.mib_per_10k == pytest.approx(10)
    assert (two.mib_per_10k, two.files_per_10k, two.end_files) == (0, pytest.approx(10), 24)
    assert (together.process, together.end_mib) == ("all", 10)
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
