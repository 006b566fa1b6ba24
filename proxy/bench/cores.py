"""Which cores a bench gives to whom: what is measured must not wait for the client or for the upstream.

Read from the affinity of this process and from its control group (Linux), so a container's or `taskset`'s limit counts.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from proxy.errors import ConfigError

TOO_FEW = 3
"""With fewer cores nobody can have one for himself and leave two to what is measured."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Numbers of cores. apart: whether client, upstream and what is measured have their own."""

    client: tuple[int, ...]
    upstream: tuple[int, ...]
    measured: tuple[int, ...]
    apart: bool

    def words(self) -> str:
        """For the row of a table."""
        if not self.apart:
            return f"{len(self.measured)} cores shared by all"
        return f"cores: client {len(self.client)}, upstream {len(self.upstream)}, measured {len(self.measured)}"


def free() -> tuple[int, ...]:
    """The cores that this process may use."""
    return tuple(sorted(os.sched_getaffinity(0)))


def allowed(limits: Path = Path("/sys/fs/cgroup/cpu.max")) -> tuple[int, ...]:
    """No more of them than the control group's share of time is worth (cgroup v2, cpu.max), but one."""
    cores = free()
    try:
        quota, period = limits.read_text().split()
        return cores[: max(1, int(quota) // int(period))]
    except (OSError, ValueError):
        return cores  # there is no limit: no such file, or "max"


def shared_out(cores: Sequence[int], measured: int = 0) -> Cores:
    """A quarter each for client and upstream, the rest, or so many, for what is measured; all for all where few.

    Raises ConfigError where so many cannot be left.
    """
    if len(cores) < TOO_FEW:
        if measured > len(cores):
            raise ConfigError(f"--cores {measured}: this process may use {len(cores)}")
        return Cores(tuple(cores), tuple(cores), tuple(cores[: measured or None]), apart=False)
    if len(cores) == TOO_FEW:
        sides, rest = (tuple(cores[:1]), tuple(cores[:1])), tuple(cores[1:])
    else:
        quarter = len(cores) // 4
        sides, rest = (tuple(cores[:quarter]), tuple(cores[quarter : 2 * quarter])), tuple(cores[2 * quarter :])
    if measured > len(rest):
        raise ConfigError(f"--cores {measured}: client and upstream leave {len(rest)} of {len(cores)} cores")
    return Cores(*sides, rest[: measured or None], apart=True)


def stay(pid: int, cores: Sequence[int]) -> None:
    """Keep a process, and whatever it starts from now on, on these cores; 0 is this one."""
    os.sched_setaffinity(pid, cores)
