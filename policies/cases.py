"""The cases that stand beside the rules: a text, who sends it where, and what must happen.

Findings come from whoever detects (`policies` knows no text), through one small Protocol; texts are handed to it and
to nothing else. A result names the case and what differed, never what the text contained.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Protocol

from pydantic import ValidationError

from policies.errors import Problem, UnknownNameError, UsageError
from policies.language.compile import SEGMENTS
from policies.language.problems import closest
from policies.language.resolve import Findings
from policies.language.schema import CaseSection
from policies.language.vocabulary import NOTHING_FOUND
from policies.load import Loaded
from policies.model import (
    Action,
    Consent,
    Decision,
    FindingFacts,
    Flag,
    MediaPart,
    PolicyInput,
    SubjectFacts,
    TransferDecision,
)
from policies.policy import Policy


class FindsFacts(Protocol):
    """Turns a text into facts about it; the same engine that inspects transfers. language: ISO 639-1, or ""."""

    def __call__(self, text: str, *, kind: str, language: str) -> Sequence[FindingFacts]: ...


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one case went. differences: what was expected and what happened, empty when the case holds.

    copies: what was decided about those for second recipients.
    """

    name: str
    differences: tuple[str, ...]
    decision: TransferDecision
    problem: Problem | None = None
    copies: tuple[TransferDecision, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether everything that the case expects happened."""
        return not self.differences


def word(decision: Decision) -> str:
    """A decision as a case writes it: the operator of a transformation, else the action."""
    return decision.operator.value if decision.action is Action.TRANSFORM else decision.action.value


def run_cases(loaded: Loaded, find: FindsFacts, today: date) -> list[CaseResult]:
    """Every case of a policy, in the order of the file."""
    found = Findings(loaded.tree, loaded.sources)
    results = []
    for index, case in enumerate(loaded.cases):
        facts = (*_stated(case), *(find(case.text, kind=case.kind, language=case.language) if case.text else ()))
        given = case_input(case, facts, today)
        decision = loaded.policy.decide(given)
        copies = [loaded.policy.decide_mirror(given, one) for one in decision.mirrors]
        differences = tuple(_differences(case, facts, decision, copies))
        problem = None
        if differences:
            found.add(
                ("cases", index, "name"), f"case '{case.name}': {'; '.join(differences)}", "case_fails", quote=False
            )
            problem = found.problems[-1]
        results.append(CaseResult(case.name, differences, decision, problem, tuple(copies)))
    return results


def _stated(case: CaseSection) -> tuple[FindingFacts, ...]:
    """Findings that the case states instead of a text (an exception's case may not repeat the value)."""
    return tuple(
        FindingFacts(one.type, one.score, case.kind, one.language or case.language, one.recognizer, frozenset(one.refs))
        for one in case.findings
    )


def case_input(case: CaseSection, facts: Sequence[FindingFacts], today: date) -> PolicyInput:
    """The transfer that a case is about, at noon (UTC) of its day."""
    media = tuple(MediaPart(one.kind, one.type, 0, one.inspectable == "yes") for one in case.media)
    person = SubjectFacts("requester", Consent(case.consent), Flag(case.objected), Flag(case.minor))
    languages = frozenset(one.language for one in facts if one.language)
    return PolicyInput(
        application=case.app or "",
        destination=case.to,
        time=datetime.combine(case.at or today, time(12), UTC),
        findings=tuple(facts),
        identified_by="credential" if case.app else "none",
        purpose=case.purpose or "",
        subjects=(person,),
        media=media,
        languages=languages | ({case.language} if case.language else frozenset()),
        size=case.size if case.size is not None else len(case.text.encode("utf-8", "surrogatepass")),
        session_bucket=None if case.share is None else int(case.share * 100),
    )


def case_of(policy: Policy, given: Mapping[str, str | None], text: str) -> CaseSection:
    """A case from words that somebody typed. given: keys of a case. Raises UnknownNameError, UsageError."""
    application, to = given.get("app"), given.get("to") or ""
    for what, name, known in (
        ("application", application, policy.applications),
        ("destination", to, policy.destinations),
        ("purpose", given.get("purpose"), policy.purposes),
        ("kind of segment", given.get("kind"), SEGMENTS),
    ):
        if name is not None and name not in known:
            hint = closest(name, known) if known else f"no {what} is named yet"
            raise UnknownNameError(f"there is no {what} '{name[:60]}'; {hint}")
    values = {key: value for key, value in given.items() if value is not None}
    try:
        return CaseSection.model_validate({**values, "name": "asked", "text": text, "expect": {"action": "allow"}})
    except ValidationError as error:
        keys = ", ".join(sorted({str(detail["loc"][0]) for detail in error.errors() if detail["loc"]}))
        raise UsageError(f"that is no value of {keys}; `dragoman policy schema` lists them") from None


def _differences(
    case: CaseSection,
    facts: Sequence[FindingFacts],
    decision: TransferDecision,
    copies: Sequence[TransferDecision],
) -> list[str]:
    differences = []
    for key, expected in case.expect.items():
        happened = _happened(key, facts, decision, copies)
        if expected not in happened or len(happened) > 1:
            shown = " and ".join(sorted(happened)) or NOTHING_FOUND
            differences.append(f"{key} should be {expected}, is {shown}")
    return differences


def _happened(
    key: str, facts: Sequence[FindingFacts], decision: TransferDecision, copies: Sequence[TransferDecision]
) -> set[str]:
    """What happened to the thing that an expectation names."""
    match key:
        case "action":
            return {decision.action.value}
        case "rule":
            return {decision.rule_id or NOTHING_FOUND}
        case "to":
            return {decision.route_to or NOTHING_FOUND}
        case "code":
            return {decision.code.value}
        case "mirror":
            return {one.to for one in decision.mirrors} or {NOTHING_FOUND}
        case "copy":
            return {one.action.value for one in copies} or {NOTHING_FOUND}
        case "media":
            return {one.action.value for one in decision.media}
        case _:
            words = {word(one) for fact, one in zip(facts, decision.decisions, strict=True) if fact.entity_type == key}
            return words or {NOTHING_FOUND}


def failing(results: Sequence[CaseResult]) -> list[Problem]:
    """The problems of the cases that do not hold."""
    return [one.problem for one in results if one.problem is not None]


def covered_rules(policy: Policy, results: Sequence[CaseResult]) -> tuple[list[str], list[str]]:
    """Rules that at least one case used, and those that none did, in the policy's order."""
    used = {rule for result in results for rule in result.decision.rule_ids}
    used |= {rule for result in results if result.decision.would for rule in result.decision.would.rule_ids}
    used |= {one.rule_id for result in results for one in result.decision.mirrors}
    used |= {rule for result in results for copy in result.copies for rule in copy.rule_ids}
    return [rule.id for rule in policy.rules if rule.id in used], [r.id for r in policy.rules if r.id not in used]
