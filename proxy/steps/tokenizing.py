"""From decisions to new texts: scopes are opened, placeholders issued, texts of the app that look like one protected.

At most one batched call per scope and round; nothing is looked up later, so restoring needs no vault. The mappings are
committed when this returns, which is before the transfer is recorded.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Protocol

from audit.flat import slotted
from policies.model import Action
from proxy.identity import Identity
from proxy.steps.found import Found, InText, by_text
from proxy.steps.offload import Offload
from proxy.steps.scopes import ScopeRefs, in_application_scope
from proxy.steps.services import AsyncVault, Bound
from redaction.errors import OperatorError, VaultError
from redaction.restore import Restorable
from redaction.segment import Segment, SegmentKind
from redaction.settling import Decided, look_alikes, settle
from redaction.tokens import is_token
from redaction.transform import Filled, Item, rewritten, surfaces, tokenizes
from redaction.vault import ReplacedText, Scope
from redaction.vault.base import SESSION

ROUNDS = 3
"""Of looking for look-alikes; a second one finds something only where a new placeholder was guessed."""
_SCOPES = 2  # that a request writes into: the conversation's and the app's, each of which may have been shredded


class Tokenizing(Protocol):
    """What tokenizing asks: the vault, the references of scopes, and where long work is done."""

    @property
    def vault(self) -> AsyncVault: ...

    @property
    def scopes(self) -> ScopeRefs: ...

    @property
    def offload(self) -> Offload: ...


@slotted
@dataclass(frozen=True, slots=True)
class Tokenized:
    """texts: pointer -> new text, only of the segments that changed. restorable: what the answer may hold.

    scopes: session first, then the app's if it was needed. commit_key: of the session's scope, for commitments.
    """

    texts: Mapping[str, str]
    restorable: Restorable
    scopes: tuple[Scope, ...]
    commit_key: bytes


@dataclass(slots=True)
class _Plan:
    """What is to be replaced in one segment, and in which scope its placeholders are issued.

    origin: what detection and policy said of it. key: under which it is remembered. filled: what it becomes for just
    what is decided, where that is remembered.
    """

    segment: Segment
    scope: Scope
    decided: tuple[Decided, ...] = ()
    origin: InText | None = None
    key: bytes = b""
    filled: Filled | None = None


async def tokenize(
    services: Tokenizing,
    identity: Identity,
    destination: str,
    found: Sequence[Found],
    segments: Sequence[Segment],
    bound: Bound | None,
    persons: Sequence[str] = (),
) -> Tokenized:
    """Replace what was decided to be replaced. Raises RedactionError when a placeholder cannot be made or kept.

    persons: pseudonymous references of whom the transfer concerns; the scopes it writes into are kept as theirs.
    """
    for _ in range(_SCOPES):
        try:
            return await _tokenize(services, identity, destination, found, segments, bound, persons)
        except VaultError as error:
            if error.code != "shredded":
                raise
            # Somebody was erased while this process still had the scope in memory, which now has forgotten it.
    return await _tokenize(services, identity, destination, found, segments, bound, persons)


async def _tokenize(
    services: Tokenizing,
    identity: Identity,
    destination: str,
    found: Sequence[Found],
    segments: Sequence[Segment],
    bound: Bound | None,
    persons: Sequence[str],
) -> Tokenized:
    scopes = await _scopes(services, identity, destination, segments, bound)
    plans = _plans(services.vault, scopes, found, segments)
    known = dict(bound.restorable) if bound is not None else {}
    size = sum([len(segment.text) for segment in segments])
    issued: dict[str, dict[Item, str]] = {scope.id: {} for scope in scopes}
    for plan in plans:
        if plan.filled is not None:
            known.update(plan.filled.originals(plan.segment.text))
    for _ in range(ROUNDS):
        await _issue(services.vault, scopes, plans, issued, persons)
        for tokens in issued.values():
            known.update([(token, surface) for (_, surface), token in tokens.items()])
        restorable = Restorable(known)
        if not known or not await services.offload(size, partial(_protect, plans, restorable)):
            texts = await services.offload(size, lambda: _texts(plans, issued))
            # With the new texts, so that restore knows which URLs were really sent.
            restorable = restorable.with_sent(texts.values(), numbers=_numbers(plans, texts))
            _remember(services.vault, plans, issued)
            return Tokenized(texts, restorable, scopes, scopes[0].commit_key)
    raise OperatorError("texts keep looking like placeholders that were just made", code="unstable")


async def _scopes(
    services: Tokenizing, identity: Identity, destination: str, segments: Sequence[Segment], bound: Bound | None
) -> tuple[Scope, ...]:
    """The conversation's scope, then the app's where a segment needs it."""
    refs, vault = services.scopes, services.vault
    # Where the conversation's own scope is gone, the app's may be left, which is no place for its placeholders.
    session = next((scope for scope in bound.scopes if scope.kind == SESSION), None) if bound is not None else None
    if session is None:
        ref = refs.session(identity, destination, segments)
        session = await vault.open_scope(ref, kind=SESSION, destination=destination)
    if not any(in_application_scope(segment) for segment in segments):
        return (session,)
    ref = refs.application(identity, destination)
    return session, await vault.open_scope(ref, kind="application", destination=destination)


def _plans(
    vault: AsyncVault, scopes: Sequence[Scope], found: Sequence[Found], segments: Sequence[Segment]
) -> list[_Plan]:
    plans = {
        segment.pointer: _Plan(segment, scopes[-1] if in_application_scope(segment) else scopes[0])
        for segment in segments
    }
    before = {scope.id: vault.known_texts(scope) for scope in scopes}
    # Hundreds of findings share a handful of decisions.
    chosen: dict[int, tuple[str, Mapping[str, str | int]] | None] = {}
    for text in by_text(found):
        plan = plans[text.segment.pointer]
        plan.origin, plan.key = text, _digest(plan)
        was = before[plan.scope.id].get(plan.key)
        if was is not None and was.found == text.part and was.decisions == text.decisions:
            plan.decided, plan.filled = was.plan, was.filled
        else:
            plan.decided = settle(_decided(text, chosen))
    return list(plans.values())


def _digest(plan: _Plan) -> bytes:
    """The key of a text in its scope: no text can be told from it without the scope's key."""
    text = plan.segment.text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, key=plan.scope.token_key, digest_size=16).digest()


def _decided(text: InText, chosen: dict[int, tuple[str, Mapping[str, str | int]] | None]) -> list[Decided]:
    """The findings of a text that are to be replaced. chosen: how, by the identity of a decision; added to."""
    items: list[Decided] = []
    for finding, decision in zip(text.part.findings, text.decisions, strict=True):
        key = id(decision)
        if key not in chosen:
            params = MappingProxyType(dict(decision.params))
            chosen[key] = (decision.operator.value, params) if decision.action is Action.TRANSFORM else None
        how = chosen[key]
        if how is not None:
            items.append(Decided(finding, *how))
    return items


def _remember(vault: AsyncVault, plans: Sequence[_Plan], issued: Mapping[str, Mapping[Item, str]]) -> None:
    """What became of texts, for the next turn, where all that was replaced became placeholders."""
    new: dict[str, dict[bytes, ReplacedText]] = {}
    for plan in plans:
        origin = plan.origin
        if origin is None or plan.filled is not None or not plan.decided or not tokenizes(plan.decided):
            continue
        text, tokens = plan.segment.text, issued[plan.scope.id]
        filled = Filled(len(text), plan.decided, [tokens[item] for item in surfaces(text, plan.decided)])
        replaced = ReplacedText(origin.part, origin.decisions, plan.decided, filled)
        new.setdefault(plan.scope.id, {})[plan.key] = replaced
    for scope in {plan.scope.id: plan.scope for plan in plans}.values():
        if scope.id in new:
            vault.remember_texts(scope, new[scope.id])


async def _issue(
    vault: AsyncVault,
    scopes: Sequence[Scope],
    plans: Sequence[_Plan],
    issued: dict[str, dict[Item, str]],
    persons: Sequence[str],
) -> None:
    """Placeholders for every surface that has none yet, one batch per scope."""
    for scope in scopes:
        # The conversation is somebody's even where nothing was replaced: its key opens the commitments of the log.
        concerns = scope is scopes[0]
        known, wanted = issued[scope.id], dict[Item, None]()
        for plan in plans:
            if plan.scope is scope and plan.decided:
                if plan.filled is None:
                    wanted.update(dict.fromkeys(surfaces(plan.segment.text, plan.decided)))
                else:
                    concerns = True  # what is remembered stands there for these persons as well
        missing = [item for item in wanted if item not in known] if known else list(wanted)
        if missing or (persons and concerns):
            tokens = await vault.issue(scope, missing, persons)
            known.update(zip(missing, tokens, strict=True))


def _protect(plans: Sequence[_Plan], restorable: Restorable) -> bool:
    """Add what the app itself wrote in the spelling of a restorable placeholder; whether anything was added."""
    added = False
    for plan in plans:
        alike = look_alikes(plan.segment.text, restorable, plan.decided)
        if not alike:
            continue
        spans = [(one.finding.start, one.finding.end) for one in plan.decided]
        new = [
            one
            for one in alike
            if not any(start <= one.finding.start and one.finding.end <= end for start, end in spans)
        ]
        if new:
            # Not remembered: what looks like a placeholder depends on the placeholders of all texts.
            plan.decided, plan.origin, plan.filled = settle((*plan.decided, *new)), None, None
            added = True
    return added


def _numbers(plans: Sequence[_Plan], texts: Mapping[str, str]) -> frozenset[str]:
    """Placeholders that stand where a number was, and nowhere where words were."""
    numbers: set[str] = set()
    words: set[str] = set()
    for plan in plans:
        new = texts.get(plan.segment.pointer) if plan.decided else None
        if new is not None:
            of_number = plan.segment.kind is SegmentKind.NUMBER
            (numbers if of_number and len(plan.decided) == 1 and is_token(new) else words).add(new)
    return frozenset(numbers - words)


def _texts(plans: Sequence[_Plan], issued: Mapping[str, Mapping[Item, str]]) -> dict[str, str]:
    texts = {}
    for plan in plans:
        if plan.decided:
            text = plan.segment.text
            if plan.filled is not None:
                new = plan.filled.text(text)
            else:
                new = rewritten(text, plan.decided, issued[plan.scope.id], plan.scope.token_key)
            if new != text:
                texts[plan.segment.pointer] = new
    return texts
