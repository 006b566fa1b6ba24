"""The reports: what an officer, an auditor or a person concerned is given, computed from the log, checkable against it.

Adding one is a new file with a `REPORT`, and its entry in `ALL`. No report ranks people, and none says that a law is
fulfilled.
"""

from audit.reports import (
    answer,
    art15,
    art30,
    costs,
    dpia,
    exceptions,
    incident,
    policies,
    retention,
    transfers,
    transparency,
    who,
)
from audit.reports.base import Kind

ALL: tuple[Kind, ...] = (
    who.REPORT,
    art30.REPORT,
    transfers.REPORT,
    art15.REPORT,
    incident.REPORT,
    retention.REPORT,
    policies.REPORT,
    exceptions.REPORT,
    costs.REPORT,
    answer.REPORT,
    transparency.REPORT,
    dpia.REPORT,
)
"""Every report, the one this product exists for first."""

NAMES = {kind.name: kind for kind in ALL}
