"""The order in which a stop and its record are made, the same for the command, the API and the console."""

from collections.abc import Callable

from audit.errors import AuditError
from audit.values import StopState, StopTarget
from proxy.control.store import ControlStore
from proxy.errors import ConfigError


def set_stop(
    store: ControlStore, target: StopTarget, name: str, record: Callable[[StopState], None], *, stopped: bool
) -> bool:
    """Stops or resumes, and records it. False when it was so already. record: appends the record to the log.

    Raises AuditError where a resume cannot be recorded (nothing was resumed), ConfigError where a stop cannot (it
    holds all the same).
    """
    if not stopped:
        # What lets data flow again is in the log before it acts; what holds data back never waits for the log.
        record(StopState.RESUMED)
        return store.set_stop(target.value, name, stopped=False)
    changed = store.set_stop(target.value, name, stopped=True)
    try:
        record(StopState.STOPPED)
    except AuditError as error:
        raise ConfigError(f"{target} {name} is stopped, but the log has no record of it: {error}") from None
    return changed
