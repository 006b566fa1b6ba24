"""What is in force for new transfers: the policy, the credentials of applications, the stops; and how it changes.

Policy file and control.db are looked at each second. A change of policy is recorded before it takes effect; one that
is refused leaves the running policy as it is. Transfers that have begun keep what they began with.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version

from audit.events import ConfigRecord, PolicyRecord
from audit.ids import now_ms
from audit.values import PolicyEvent
from policies.errors import PolicyError
from policies.policy import Policy
from proxy.config import Settings
from proxy.control.store import ControlStore
from proxy.errors import ConfigError
from proxy.identity import CredentialBook
from proxy.policy_source import load_policy, policy_path, stamp
from proxy.records import config_digest
from proxy.services import Active, Recorder

log = logging.getLogger("dragoman")

POLL_S = 1.0
"""How often policy file, credentials and stops are looked at; a stop must act within 2 s."""


class InForce:
    """Holds `active` and keeps it true. Raises PolicyError, ConfigError when the first policy cannot be loaded."""

    def __init__(
        self, settings: Settings, control: ControlStore, recorder: Recorder, observe: Callable[[str, str], None]
    ) -> None:
        self._settings, self._control, self._recorder, self._observe = settings, control, recorder, observe
        self._seen = stamp(policy_path(settings.home, settings.policy))
        stops = control.stops()
        self.active = Active(
            load_policy(settings.home, settings.policy, settings.bundled),
            CredentialBook(control.digests()),
            stops["destination"],
            stops["application"],
        )

    async def record_start(self, detector_version: str) -> None:
        """Records the configuration and, where it is another than last time, the policy. Raises AuditError."""
        settings, policy = self._settings, self.active.policy
        lines = (
            f"listen={settings.listen}",
            f"modes={','.join(settings.modes)}",
            *(f"upstream {name}={origin.authority}" for name, origin in sorted(settings.upstreams.items())),
            f"detectors={','.join(settings.detectors)}",
            f"languages={','.join(settings.languages)}",
            f"engine={detector_version}",
            f"limits={settings.limits}",
        )
        await self._recorder.append(
            ConfigRecord(
                at=now_ms(),
                version=version("dragoman"),
                digest=config_digest(lines),
                policy_digest=policy.digest.removeprefix("sha256:"),
                modes=("gateway", *(mode.partition("@")[0].partition(":")[0] for mode in settings.modes)),
                workers=settings.worker_count,
            )
        )
        await self._record_policy(None, policy)

    async def watch(self) -> None:
        """Looks each second, for ever; what cannot be read changes nothing and is counted."""
        while True:
            await asyncio.sleep(POLL_S)
            try:
                await self.refresh()
            except Exception as error:
                self._observe("refresh_failed", type(error).__name__)

    async def refresh(self) -> None:
        """Looks now. Raises what reading the control store or recording a new policy raises."""
        digests, stops = await asyncio.to_thread(lambda: (self._control.digests(), self._control.stops()))
        self.active = replace(
            self.active,
            credentials=CredentialBook(digests),
            stopped_destinations=stops["destination"],
            stopped_applications=stops["application"],
        )
        seen = stamp(policy_path(self._settings.home, self._settings.policy))
        if seen != self._seen:
            self._seen = seen
            await self._swap_policy()

    async def _swap_policy(self) -> None:
        settings, old = self._settings, self.active.policy
        try:
            new = await asyncio.to_thread(load_policy, settings.home, settings.policy, settings.bundled)
        except (PolicyError, ConfigError) as error:
            self._observe("policy_refused", type(error).__name__)
            log.error("the policy file was changed and is refused; the running policy stays:\n%s", error)
            return
        await self._record_policy(old, new)
        self.active = replace(self.active, policy=new)
        log.warning("policy %s is active", new.name)

    async def _record_policy(self, old: Policy | None, new: Policy) -> None:
        before = old.digest if old is not None else self._control.last_policy()
        if before == new.digest:
            return
        await self._recorder.append(
            PolicyRecord(
                at=now_ms(),
                event=PolicyEvent.ACTIVATED,
                name=new.name,
                version=str(new.version),
                old_digest=before.removeprefix("sha256:") if before else None,
                new_digest=new.digest.removeprefix("sha256:"),
            )
        )
        self._control.activated(new.name, new.digest)
