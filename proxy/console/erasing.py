"""Erasing a person from the console: what `dragoman erase` does, its consequences first.

The identifier comes twice, is hashed in memory each time and kept nowhere; a seal says that both times the same person
was meant. One erasure runs at a time, in a thread of its own, so that a browser that goes away ends nothing.
"""

import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from audit.values import ErasureReason, Question
from proxy.config import Settings
from proxy.console.access import Right, Visitor
from proxy.console.asking_again import Left, Repeat, left_by
from proxy.console.log import AuditLog
from proxy.console.policy_desk import PolicyDesk, person_of
from proxy.console.questions import NotFoundError
from proxy.control.erasures import ErasureRequest, ErasureRequests
from proxy.erasure.again import retry_objects
from proxy.erasure.agreeing import word
from proxy.erasure.carrying_out import Done, Erasing
from proxy.erasure.deleting import Deleter, Deletion, HttpDeleter
from proxy.erasure.holding import set_hold
from proxy.erasure.plan import Plan, make_plan, references_of
from proxy.errors import ProxyError

if TYPE_CHECKING:
    from redaction.vault import SqlVault, Vault

PATIENCE_S = 10.0
"""How long a page waits for an erasure; most need less, asking providers may need more."""
KEPT = 20
"""Erasures whose course is remembered; the log and the saved files remember all."""

_NOTHING_SAVED = "no erasure of this id has saved anything on this machine"


class ErasureRefusedError(ProxyError):
    """A legal hold stands, another erasure runs, nothing is there, or the second identifier is another person's."""

    code = "erasure"
    status = 409


@dataclass(slots=True)
class Course:
    """One erasure. waits: for a second person, then nothing has begun. asked: objects whose providers have answered.

    done: when it has ended. failed: kind of what broke it off; what was recorded until then is done at the next start.
    """

    plan: Plan
    waits: ErasureRequest | None = None
    asked: list[Deletion] = field(default_factory=list)
    done: Done | None = None
    failed: str = ""
    ended: threading.Event = field(default_factory=threading.Event)


class Remembered[T]:
    """The newest `KEPT` of what this process began, by the id of the erasure. missing: what is said of any other."""

    def __init__(self, missing: str) -> None:
        self._missing = missing
        self._known = OrderedDict[str, T]()

    def keep(self, erasure: str, one: T) -> None:
        """Remembers it, and forgets the oldest."""
        self._known[erasure] = one
        while len(self._known) > KEPT:
            self._known.popitem(last=False)

    def find(self, erasure: str) -> T:
        """Raises NotFoundError."""
        found = self._known.get(erasure)
        if found is None:
            raise NotFoundError(self._missing)
        return found


class ErasureDesk:
    """Raises RefusedError, ErasureRefusedError, NotFoundError, PolicyError, ConfigError, AuditError."""

    def __init__(
        self,
        settings: Settings,
        log: AuditLog,
        policy: PolicyDesk,
        vault: "Callable[[], SqlVault]",
        requests: ErasureRequests,
        deleter: Callable[[], Deleter] | None = None,
    ) -> None:
        """vault: opens it. requests: of the control store. deleter: instead of providers over HTTPS (tests)."""
        self._settings, self._log, self._policy, self._vault, self._deleter = settings, log, policy, vault, deleter
        self._requests = requests
        self._key, self._lock = secrets.token_bytes(32), threading.Lock()
        self._courses = Remembered[Course]("no erasure of this id was begun here since the start")
        self._repeats = Remembered[Repeat]("nobody was asked again here since the start")
        self._running: Course | Repeat | None = None

    def plan(self, visitor: Visitor, identifier: str) -> tuple[Plan, str]:
        """What erasing would do, and the seal of it. That it was asked is recorded."""
        visitor.require(Right.ERASE)
        refs = references_of(self._log.ledger(), identifier)
        with self._opened() as (vault, deleter):
            plan = make_plan(self._log.ledger(), vault, deleter, refs)
        self._log.asked(visitor, Question.WHO, len(plan.holdings), refs=refs)
        return plan, self._seal(visitor, identifier, refs)

    def erase(self, visitor: Visitor, identifier: str, seal: str, reason: ErasureReason) -> Course:
        """Erases, after a plan, or waits for a second person. Returns after `PATIENCE_S` at the latest; it goes on."""
        refs = self._same(visitor, identifier, seal)
        if not refs:
            raise ErasureRefusedError("the log holds nothing about this person", code="nobody")
        ledger, actor = self._log.ledger(), self._log.actor(visitor)
        with self._opened() as (vault, deleter):
            plan = make_plan(ledger, vault, deleter, refs)
            if plan.held:
                Erasing(ledger, vault, deleter, actor=actor, file=self._file(plan.id), reason=reason).refuse(plan)
                raise ErasureRefusedError("a legal hold stands for this person", code="legal_hold")
        course = Course(plan)
        with self._lock:
            self._not_busy()
            said = word(self._requests, ledger, plan, person_of(visitor), reason, self._settings.erasure_people)
            if said.asked is not None:
                return Course(plan, said.asked)
            self._running = course
            self._courses.keep(plan.id, course)

        def run() -> None:
            with self._opened() as (vault, deleter):
                erasing = Erasing(
                    ledger, vault, deleter, actor=said.actor, second=said.second, reason=said.reason,
                    file=self._file(plan.id),
                )  # fmt: skip
                course.done = erasing.carry_out(plan, course.asked.append)

        _begin(course, run, "console-erase")
        return course

    def left(self, visitor: Visitor) -> tuple[Left, ...]:
        """Erasures whose providers keep something still, the newest first."""
        visitor.require(Right.ERASE)
        return left_by(self._folder)

    def retry(self, visitor: Visitor, erasure: str) -> Repeat:
        """Asks providers once more for what an erasure left. Returns after `PATIENCE_S` at the latest; it goes on."""
        visitor.require(Right.ERASE)
        file, ledger, actor = self._file(erasure), self._log.ledger(), self._log.actor(visitor)
        if not file.is_file():
            raise NotFoundError(_NOTHING_SAVED)
        repeat = Repeat(erasure)
        with self._lock:
            self._not_busy()
            self._running = repeat
            self._repeats.keep(erasure, repeat)

        def run() -> None:
            with self._opened() as (_, deleter):
                repeat.again = retry_objects(ledger, deleter, actor, file)

        _begin(repeat, run, "console-erase-again")
        return repeat

    def repeat(self, visitor: Visitor, erasure: str) -> Repeat:
        """How asking again goes, or went, that this process began."""
        visitor.require(Right.ERASE)
        return self._repeats.find(erasure)

    def set_hold(self, visitor: Visitor, identifier: str, seal: str, *, held: bool) -> None:
        """Places or ends a legal hold (GDPR Art. 17(3)); somebody of whom nothing was sent yet can be held too."""
        self._same(visitor, identifier, seal)
        set_hold(self._log.ledger(), identifier, self._log.actor(visitor), held=held)

    def waiting(self, visitor: Visitor) -> tuple[ErasureRequest, ...]:
        """Erasures that one officer asked for and another one has not agreed to."""
        visitor.require(Right.ERASE)
        return self._requests.waiting()

    def course(self, visitor: Visitor, erasure: str) -> Course:
        """How an erasure goes that this process began."""
        visitor.require(Right.ERASE)
        return self._courses.find(erasure)

    def saved(self, visitor: Visitor, erasure: str) -> bytes:
        """The file with the recipients who have to be told; names nobody."""
        visitor.require(Right.ERASE)
        try:
            return self._file(erasure).read_bytes()
        except FileNotFoundError:
            raise NotFoundError(_NOTHING_SAVED) from None

    @property
    def _folder(self) -> Path:
        return self._settings.home / "erasures"

    def _file(self, erasure: str) -> Path:
        if not (erasure.isalnum() and erasure.isascii()):
            raise NotFoundError("there is no erasure of this id")
        return self._folder / f"{erasure}.json"

    def _not_busy(self) -> None:
        """Under the lock. Raises ErasureRefusedError where something is being carried out."""
        if self._running is not None and not self._running.ended.is_set():
            raise ErasureRefusedError("another erasure is being carried out; wait until it has ended", code="busy")

    def _same(self, visitor: Visitor, identifier: str, seal: str) -> tuple[str, ...]:
        visitor.require(Right.ERASE)
        refs = references_of(self._log.ledger(), identifier)
        meant = self._seal(visitor, identifier, refs)
        if not hmac.compare_digest(meant.encode(), seal.encode("utf-8", "surrogatepass")):
            text = "this is another person than the one whose consequences you saw"
            raise ErasureRefusedError(text, code="other_person")
        return refs

    def _seal(self, visitor: Visitor, identifier: str, refs: tuple[str, ...]) -> str:
        # Whom the log does not know has no reference to be known by the second time.
        named = sorted(refs) or [f"unknown {identifier}"]
        sealed = "\n".join((visitor.token.id, *named)).encode("utf-8", "surrogatepass")
        return hmac.new(self._key, sealed, "sha256").hexdigest()

    @contextmanager
    def _opened(self) -> "Iterator[tuple[Vault, Deleter]]":
        with ExitStack() as stack:
            vault = self._vault()
            stack.callback(vault.close)
            if self._deleter is not None:
                yield vault, self._deleter()
                return
            yield vault, stack.enter_context(HttpDeleter(self._settings, self._policy.policy.destinations))


def _begin(one: Course | Repeat, work: Callable[[], None], name: str) -> None:
    """Does it in a thread of its own. Returns when it has ended, after `PATIENCE_S` at the latest; it goes on."""

    def run() -> None:
        try:
            work()
        except Exception as error:
            one.failed = type(error).__name__  # its own words could hold anything
        finally:
            one.ended.set()

    threading.Thread(target=run, name=name, daemon=True).start()
    one.ended.wait(PATIENCE_S)
