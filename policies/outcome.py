"""What a policy does with a transfer, told in parts: whoever shows it says the parts in a language of their own.

Decisions enter; values leave that are equal when they mean the same, whatever the rules are called. `str` is English.
"""

from dataclasses import dataclass

from policies.decide import decide
from policies.model import Action, Decision, Mirror, PolicyInput, TransferDecision
from policies.policy import Policy


@dataclass(frozen=True, slots=True)
class Copied:
    """A second recipient. purpose: of the copy, "" for the first one's. keep_days: of both answers, 0 for none."""

    to: str
    purpose: str = ""
    keep_days: int = 0

    def __str__(self) -> str:
        purpose = f" for {self.purpose}" if self.purpose else ""
        days = "day" if self.keep_days == 1 else "days"
        kept = f", answers kept {self.keep_days} {days}" if self.keep_days else ""
        return f"mirror {self.to}{purpose}{kept}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happens to the finding of a transfer, or to the transfer where there is none.

    does: an operator or action (`tokenize`, `block`); params: the operator's, as `name=value`. route_to: where the
    transfer goes instead (with `hold`: once it may), "" for nowhere else. observe: it would happen, but only observes;
    refused: what happens to the transfer all the same. mirrors, copies: who gets a copy, and what happens to it.
    """

    does: str
    params: tuple[str, ...] = ()
    route_to: str = ""
    observe: bool = False
    refused: str = ""
    mirrors: tuple[Copied, ...] = ()
    copies: tuple["Outcome", ...] = ()

    def __str__(self) -> str:
        words = " ".join((self.does, *self.params))
        if self.route_to:
            held = self.does == Action.HOLD.value
            words = f"{words} {self.route_to}" if held else f"{Action.ROUTE.value} {self.route_to}, {words}"
        if self.observe:
            words = f"observe, {self.refused}" if self.refused else f"observe ({words})"
        words = ", ".join([words, *map(str, self.mirrors)])
        return words + (f" (the copy: {', '.join(map(str, self.copies))})" if self.copies else "")

    @property
    def strength(self) -> int:
        """The higher, the less gets through."""
        routed = self.route_to and self.does != Action.HOLD.value
        return _STRENGTH.index("observe" if self.observe else "route" if routed else self.does)


_STRENGTH = (
    "observe", "allow", "hash", "mask", "surrogate", "tokenize", "redact", "route", "hold", "block",
)  # fmt: skip


def happens(policy: Policy, given: PolicyInput) -> Outcome:
    """What happens to a transfer and to its copies."""
    decision = decide(policy, given)
    return outcome(decision, tuple(outcome(policy.decide_mirror(given, one)) for one in decision.mirrors))


def outcome(decision: TransferDecision, copies: tuple[Outcome, ...] = ()) -> Outcome:
    """What a decision does. copies: what those for its mirrors do."""
    judged = decision.would or decision
    does, params = _done(judged.decisions[0]) if judged.decisions else (judged.action.value, ())
    if judged.action.rank > Action.ROUTE.rank:
        does, params = judged.action.value, ()
    return Outcome(
        does,
        params,
        judged.route_to if judged.action.rank >= Action.ROUTE.rank else "",
        decision.observe,
        decision.action.value if decision.observe and decision.action is not Action.ALLOW else "",
        tuple(copied(one) for one in decision.mirrors),
        copies,
    )


def copied(mirror: Mirror) -> Copied:
    """What a mirror does; the rule that asks for it is no part of that."""
    return Copied(mirror.to, mirror.purpose, mirror.keep_days)


def _done(decision: Decision) -> tuple[str, tuple[str, ...]]:
    if decision.action is not Action.TRANSFORM:
        return decision.action.value, ()
    return decision.operator.value, tuple(f"{key}={value}" for key, value in decision.params)
