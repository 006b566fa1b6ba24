"""What is in force for new transfers: the policy, the credentials of applications, the stops; and how it changes.

Policy files and control.db are looked at each second. A new policy takes effect after its own cases held and it was
recorded; one that is refused leaves the running one as it is. Transfers that have begun keep what they began with.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version

from audit.events import ConfigRecord, PolicyRecord
from audit.ids import now_ms
from audit.values import PolicyEvent
from policies.cases import failing, run_cases
from policies.diff import diff
from policies.errors import PolicyError, PolicyFileError
from policies.load import Loaded
from policies.policy import Policy
from policies.register import bundled_register
from proxy.config import Settings
from proxy.control.store import ControlStore
from proxy.detecting import CurrentDetection
from proxy.errors import ConfigError
from proxy.flags import check_database
from proxy.identity import CredentialBook
from proxy.own_entities import own_entities
from proxy.policy_facts import ValueRefsOf, facts_of_cases
from proxy.policy_source import PolicySource, accept
from proxy.records import config_digest
from proxy.services import Active, Detection, Recorder
from proxy.spending import Budgets
from redaction.errors import RedactionError

log = logging.getLogger("dragoman")

POLL_S = 1.0
"""How often policy file, credentials and stops are looked at; a stop must act within 2 s."""
STALE_S = 5.0
"""How long nothing is refused though the control database that several machines share does not answer."""


class InForce:
    """Keeps `active` true. loaded: the first policy, as `source` read it.

    Raises PolicyFileError, ConfigError where it relies on what cannot be done.
    """

    def __init__(
        self,
        settings: Settings,
        source: PolicySource,
        loaded: Loaded,
        control: ControlStore,
        recorder: Recorder,
        detection: CurrentDetection,
        value_refs: ValueRefsOf,
        budgets: Budgets,
        observe: Callable[[str, str], None],
    ) -> None:
        accept(loaded)  # before anything else is started for it
        check_database(loaded.policy.subject_source, settings.flag_databases)
        self._settings, self._source, self._control = settings, source, control
        self._recorder, self._observe = recorder, observe
        self._detection, self._value_refs, self._budgets = detection, value_refs, budgets
        self._first = loaded
        self._reading = asyncio.Lock()
        stops = control.stops()
        self._looked = time.monotonic()
        self._active = Active(
            loaded.policy,
            CredentialBook(control.digests()),
            stops["destination"],
            stops["application"],
            control.approvals.granted(),
        )

    @property
    def active(self) -> Active:
        """What is in force now."""
        if self._control.shared and time.monotonic() - self._looked > STALE_S:
            return replace(self._active, stale=True)
        return self._active

    async def check_first(self) -> None:
        """Runs the cases of the first policy; detection has started. Raises PolicyFileError."""
        # What ships was tested where it was made; a person's file was not.
        if any(not name.startswith("bundled:") for name in self._first.files):
            await self._check(self._first, self._detection)
        self._budgets.use(await self._budgets.prepare(self._first.policy, now_ms()))

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
        # Side by side: a policy with entity types of its own loads models, and a stop does not wait for that.
        await asyncio.gather(self._each_second(self._look_at_control), self._each_second(self._look_at_policy))

    async def refresh(self) -> None:
        """Looks now. Raises what reading the control store or recording a new policy raises."""
        await self._look_at_control()
        await self._look_at_policy()

    async def _each_second(self, look: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            try:
                await look()
            except Exception as error:
                self._observe("refresh_failed", type(error).__name__)

    async def _look_at_control(self) -> None:
        control, began = self._control, time.monotonic()
        digests, stops, approved = await asyncio.to_thread(
            lambda: (control.digests(), control.stops(), control.approvals.granted())
        )
        self._looked = began
        self._active = replace(
            self._active,
            credentials=CredentialBook(digests),
            stopped_destinations=stops["destination"],
            stopped_applications=stops["application"],
            approved=approved,
        )

    async def _look_at_policy(self) -> None:
        async with self._reading:
            if self._source.changed():
                await self._swap_policy()
            await self._detection.retire()

    async def _swap_policy(self) -> None:
        loaded: Loaded | None = None
        try:
            loaded = await asyncio.to_thread(self._source.read)
            await asyncio.to_thread(accept, loaded)
            check_database(loaded.policy.subject_source, self._settings.flag_databases)
            own = own_entities(loaded.policy.entities)
            prepared = await self._detection.prepare(own)
            try:
                await self._check(loaded, prepared)
                usage = await self._budgets.prepare(loaded.policy, now_ms())
                await self._record_policy(self.active.policy, loaded.policy)
            except BaseException:
                self._budgets.keep()
                await self._detection.drop(prepared)
                raise
        except (PolicyError, ConfigError, RedactionError) as error:
            self._observe("policy_refused", type(error).__name__)
            log.error("the policy file was changed and is refused; the running policy stays:\n%s", error)
            if loaded is not None:
                await self._record_refusal(loaded.policy)
            return
        self._detection.use(prepared, own)
        self._budgets.use(usage)
        self._active = replace(self._active, policy=loaded.policy)
        log.warning("policy %s is active", loaded.policy.name)

    async def _check(self, loaded: Loaded, detection: Detection) -> None:
        find = await facts_of_cases(loaded, detection, self._value_refs, deadline_s=self._settings.limits.detect_s)
        if problems := failing(run_cases(loaded, find, datetime.now(UTC).date())):
            raise PolicyFileError(problems)

    async def _record_policy(self, old: Policy | None, new: Policy) -> None:
        before = old.digest if old is not None else self._control.last_policy()
        if before == new.digest:
            return
        # What changed in meaning; at a start only the digest of the policy before is known.
        changes = (await asyncio.to_thread(diff, old, new)).changes if old is not None else ()
        record = _policy_record(PolicyEvent.ACTIVATED, before, new)
        await self._recorder.append(
            replace(record, stricter=sum(one.stricter for one in changes), weaker=sum(one.weaker for one in changes))
        )
        self._control.activated(new.name, new.digest)

    async def _record_refusal(self, refused: Policy) -> None:
        """A policy that can be read and still does not take effect; a file that cannot be read has no digest."""
        await self._recorder.append(_policy_record(PolicyEvent.REFUSED, self.active.policy.digest, refused))


def _policy_record(event: PolicyEvent, before: str | None, policy: Policy) -> PolicyRecord:
    return PolicyRecord(
        at=now_ms(),
        event=event,
        name=policy.name,
        version=str(policy.version),
        old_digest=before.removeprefix("sha256:") if before else None,
        new_digest=policy.digest.removeprefix("sha256:"),
        register_digest=bundled_register().digest.removeprefix("sha256:"),
    )
