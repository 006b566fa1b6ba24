"""The operations of the API, one file for each thing that is asked or done; a new file has one entry in `ALL`."""

from proxy.console.operations import (
    approvals,
    comparisons,
    drafts,
    erasures,
    history,
    log,
    looking,
    policy,
    reports,
    reveals,
    tail,
    tokens,
)
from proxy.console.operations.base import Operation

ALL: tuple[Operation, ...] = tuple(
    operation
    for one in (log, looking, reports, policy, history, drafts, reveals, approvals, tokens, erasures, comparisons, tail)
    for operation in one.OPERATIONS
)
"""Every operation below `/api/v1`."""
