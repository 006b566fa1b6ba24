"""Requests that a rule holds, and an officer's word on them: in the log before a request may pass, after it may not."""

from audit.events import PolicyRecord
from audit.ids import now_ms
from audit.values import ApprovalReason, PolicyEvent
from proxy.console.access import Right, Visitor
from proxy.console.log import AuditLog
from proxy.console.policy_desk import PolicyDesk
from proxy.console.questions import NotFoundError
from proxy.control.approvals import HeldRequest, end_of, in_words
from proxy.control.store import ControlStore
from proxy.errors import ConfigError


class Approving:
    """Raises RefusedError, NotFoundError, ConfigError for hours that cannot be, PolicyError, AuditError."""

    def __init__(self, policy: PolicyDesk, control: ControlStore, log: AuditLog) -> None:
        self._policy, self._control, self._log = policy, control, log

    def held(self, visitor: Visitor) -> tuple[HeldRequest, ...]:
        """What waits, and what was decided in the last week, newest first."""
        visitor.require(Right.APPROVE)
        return self._control.approvals.all()

    def one(self, visitor: Visitor, reference: str) -> HeldRequest:
        """One of them."""
        return self._find(visitor, reference)

    def grant(
        self, visitor: Visitor, reference: str, hours: int, reason: ApprovalReason, because: str = ""
    ) -> HeldRequest:
        """Lets that very request pass when it is sent again, for some hours; acts within 2 s.

        because: the reason in words, which the log does not get.
        """
        held, until, words = self._find(visitor, reference), end_of(hours), in_words(because)
        self._record(visitor, held, PolicyEvent.APPROVED, until, reason)
        self._control.approvals.grant(reference, until, str(reason), words)
        return held

    def deny(self, visitor: Visitor, reference: str) -> HeldRequest:
        """Ends the waiting, or an approval that was given."""
        held = self._find(visitor, reference)
        self._control.approvals.deny(reference)
        self._record(visitor, held, PolicyEvent.DENIED, None)
        return held

    def _find(self, visitor: Visitor, reference: str) -> HeldRequest:
        visitor.require(Right.APPROVE)
        try:
            return self._control.approvals.find(reference)
        except ConfigError:
            raise NotFoundError("no held request has this reference") from None

    def _record(
        self,
        visitor: Visitor,
        held: HeldRequest,
        event: PolicyEvent,
        until: int | None,
        reason: ApprovalReason | None = None,
    ) -> None:
        policy = self._policy.policy
        self._log.append(
            PolicyRecord(
                at=now_ms(),
                event=event,
                name=policy.name,
                version=str(policy.version),
                new_digest=policy.digest.removeprefix("sha256:"),
                actor=self._log.actor(visitor),
                request=held.reference,
                rules=held.rules[:64],
                until=until,
                reason=reason,
            )
        )
