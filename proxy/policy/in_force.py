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
from proxy.control.policies import Proposal, ProposalState
from proxy.control.store import ControlStore
from proxy.errors import ConfigError
from proxy.identity import CredentialBook
from proxy.policy.detecting import CurrentDetection
from proxy.policy.own_entities import own_entities
from proxy.policy.source import PolicySource, accept, files_of, stored
from proxy.running.flags import check_database
from proxy.steps.policy_facts import ValueRefsOf, facts_of_cases
from proxy.steps.records import config_digest
from proxy.steps.services import Active, Detection, Recorder
from proxy.steps.spending import Budgets
from redaction.errors import RedactionError

log = logging.getLogger("dragoman")

POLL_S = 1.0
"""How often policy file, credentials and stops are looked at; a stop must act within 2 s."""
FOLLOW_S = 60.0
"""How long a process that starts waits for the one that leads, which loads its models meanwhile."""
STALE_S = 5.0
"""How long nothing is refused though the control database that several machines share does not answer."""


class InForce:
    """Keeps `active` true. loaded: the first policy, as `source` read it.

    actor: who somebody is in the log. Raises PolicyFileError, ConfigError where it relies on what cannot be done.
    """

    def __init__(
        self,
        settings: Settings,
        source: PolicySource,
        loaded: Loaded,
        control: ControlStore,
        recorder: Recorder,
        actor: Callable[[str], str],
        detection: CurrentDetection,
        value_refs: ValueRefsOf,
        budgets: Budgets,
        observe: Callable[[str, str], None],
        *,
        leads: bool = True,
    ) -> None:
        """leads: this process tries and records policies; the others beside it use what was activated."""
        self._leads = leads
        accept(loaded)  # before anything else is started for it
        check_database(loaded.policy.subject_source, settings.flag_databases)
        self._settings, self._source, self._control = settings, source, control
        self._recorder, self._observe, self._actor = recorder, observe, actor
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
        """Runs the cases of the first policy; detection has started. Raises PolicyFileError, ConfigError."""
        own_file = any(not name.startswith("bundled:") for name in self._first.files)
        # A machine that joins others takes over what is in force there, unless its file is one that nobody ever saw.
        follows = not self._leads or (self._control.shared and not (own_file and await self._is_new(self._first)))
        # What ships was tested where it was made; a person's file was not.
        if not (follows and await self._adopt()) and own_file:
            await self._check(self._first, self._detection)
        self._budgets.use(await self._budgets.prepare(self.active.policy, now_ms()))

    async def record_start(self, detector_version: str) -> None:
        """Records the configuration and, where it is another than last time, the policy. Raises AuditError."""
        settings, policy = self._settings, self.active.policy
        for name in sorted(settings.upstreams.keys() - policy.destinations.keys()):
            log.warning("upstream %s replaces nothing: the policy names no destination %s", name, name)
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
        await self._record_policy(None, self._first)

    async def watch(self) -> None:
        """Looks each second, for ever; what cannot be read changes nothing and is counted."""
        # Side by side: a policy with entity types of its own loads models, and a stop does not wait for that.
        looks = (self.look_at_control, self._look_at_policy, self._budgets.follow)
        await asyncio.gather(*(self._each_second(look) for look in looks))

    def retire(self) -> None:
        """Another process leads from now on."""
        self._leads = False

    async def refresh(self) -> None:
        """Looks now. Raises what reading the control store or recording a new policy raises."""
        await self.look_at_control()
        await self._look_at_policy()
        await self._budgets.follow()

    async def _each_second(self, look: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            try:
                await look()
            except Exception as error:
                self._observe("refresh_failed", type(error).__name__)

    async def look_at_control(self) -> None:
        """Looks now at what officers and other machines have set. Raises UnavailableError."""
        control, began = self._control, time.monotonic()
        digests, stops, approved = await asyncio.to_thread(
            lambda: (control.digests(), control.stops(), control.approvals.granted())
        )
        if began < self._looked:
            return  # one that began later has ended before: what it saw is newer
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
            if self._leads and await asyncio.to_thread(self._source.changed):
                await self._swap_policy()
            elif not self._leads or self._control.shared:
                await self._follow()
            await self._detection.retire()

    async def _swap_policy(self) -> None:
        loaded: Loaded | None = None
        try:
            loaded = await asyncio.to_thread(self._source.read)
            if self._source.waits and loaded.policy.digest == self._active.policy.digest and not self._source.agreed:
                self._observe("policy_waits", "two_people")
                log.warning(
                    "the policy file says something else; two people have to want it: `dragoman policy propose`"
                )
                return
            await asyncio.to_thread(accept, loaded)
            check_database(loaded.policy.subject_source, self._settings.flag_databases)
            own = own_entities(loaded.policy.entities)
            prepared = await self._detection.prepare(own)
            try:
                await self._check(loaded, prepared)
                usage = await self._budgets.prepare(loaded.policy, now_ms())
                await self._record_policy(self.active.policy, loaded)
            except BaseException:
                self._budgets.keep()
                await self._detection.drop(prepared)
                raise
        except (PolicyError, ConfigError, RedactionError) as error:
            self._observe("policy_refused", type(error).__name__)
            log.error("another policy is refused; the running one stays:\n%s", error)
            await self._say_refused(loaded, str(error))
            return
        self._detection.use(prepared, own)
        self._budgets.use(usage)
        self._active = replace(self._active, policy=loaded.policy)
        log.warning("policy %s is active", loaded.policy.name)

    async def _is_new(self, loaded: Loaded) -> bool:
        """Whether that policy was never in force on any machine, nor proposed."""
        try:
            await asyncio.to_thread(self._control.policies.files, loaded.policy.digest)
        except ConfigError:
            return True
        return False

    async def _adopt(self) -> bool:
        """Begin with the policy in force instead of the one of the files. False where there never was one.

        Raises ConfigError where a process that does not lead waits for one in vain.
        """
        until = time.monotonic() + FOLLOW_S
        while not await self._follow():
            if self._leads:
                return False
            if time.monotonic() > until:
                raise ConfigError("no policy was activated, or its text is not kept; see the worker that leads")
            await asyncio.sleep(0.1)
        return True

    async def _follow(self) -> bool:
        """Use what another process, or another machine, has activated. False where that is nothing we could read."""
        digest = await asyncio.to_thread(self._control.last_policy)
        if digest is None:
            return False
        if digest == self._active.policy.digest:
            return True
        try:
            loaded = await asyncio.to_thread(stored, self._control, digest)
            accept(loaded)
        except (ConfigError, PolicyError) as error:
            self._observe("policy_unreadable", type(error).__name__)
            return False
        own = own_entities(loaded.policy.entities)
        prepared = await self._detection.prepare(own)
        usage = await self._budgets.prepare(loaded.policy, now_ms())
        self._detection.use(prepared, own)
        self._budgets.use(usage)
        self._active = replace(self._active, policy=loaded.policy)
        self._first = loaded
        return True

    async def _check(self, loaded: Loaded, detection: Detection) -> None:
        find = await facts_of_cases(loaded, detection, self._value_refs, deadline_s=self._settings.limits.detect_s)
        if problems := failing(run_cases(loaded, find, datetime.now(UTC).date())):
            raise PolicyFileError(problems)

    async def _record_policy(self, old: Policy | None, loaded: Loaded) -> None:
        new, proposal = loaded.policy, self._source.proposal
        before = old.digest if old is not None else await asyncio.to_thread(self._control.last_policy)
        if before != new.digest:
            if old is None and before is not None:
                old = await asyncio.to_thread(self._kept, before)
            changes = (await asyncio.to_thread(diff, old, new)).changes if old is not None else ()
            stricter, weaker = sum(one.stricter for one in changes), sum(one.weaker for one in changes)
            record = replace(self._record(PolicyEvent.ACTIVATED, before, new), stricter=stricter, weaker=weaker)
            await self._recorder.append(record)
        await asyncio.to_thread(self._keep, loaded, proposal, activated=before != new.digest)

    def _kept(self, digest: str) -> Policy | None:
        """The policy that was in force when the process ended, None where its text is not kept."""
        try:
            return stored(self._control, digest).policy
        except (ConfigError, PolicyError):
            return None

    def _keep(self, loaded: Loaded, proposal: Proposal | None, *, activated: bool) -> None:
        policy, policies = loaded.policy, self._control.policies
        policies.keep(policy.digest, policy.name, files_of(loaded))
        if activated:
            self._control.activated(policy.name, policy.digest)
        if proposal is not None:
            policies.ended(proposal.id, ProposalState.ACTIVE)

    async def _say_refused(self, refused: Loaded | None, why: str) -> None:
        """A policy that can be read and still does not take effect; a file that cannot be read has no digest."""
        proposal = self._source.proposal
        if refused is not None:
            await self._recorder.append(self._record(PolicyEvent.REFUSED, self.active.policy.digest, refused.policy))
        if proposal is not None:
            await asyncio.to_thread(self._control.policies.ended, proposal.id, ProposalState.REFUSED, why)

    def _record(self, event: PolicyEvent, before: str | None, policy: Policy) -> PolicyRecord:
        record, proposal = _policy_record(event, before, policy), self._source.proposal
        if proposal is None or proposal.digest != policy.digest:
            return record
        second = self._actor(proposal.agreed_by) if proposal.agreed_by else None
        return replace(record, actor=self._actor(proposal.asked_by), second_actor=second)


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
