"""How fast policies are: figures for the performance page, measured on the machine at hand.

Synthetic policies and transfers enter, milliseconds and microseconds of CPU time leave; nothing here is asserted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from statistics import median, quantiles
from time import process_time_ns

from policies.groups import ENTITY_TYPES
from policies.language.document import parse
from policies.language.tree import Sources
from policies.lint import lint
from policies.load import compiled, read_text
from policies.model import FindingFacts, PolicyInput
from policies.policy import Policy
from policies.register import bundled_register
from policies.simulate import RecordedFinding, RecordedTransfer, simulate

RULES = 2_000
_TYPES = tuple(sorted(ENTITY_TYPES))
_DESTINATIONS = ("openai", "gemini", "llama", "anthropic", "mistral")
_VERBS = ("tokenize", "redact", "block", "tokenize", "hash")
_TODAY = date(2026, 11, 24)


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured, with `rules` rules, in CPU time: a machine that does other things as well changes little.

    parse_ms: from text to tree. compile_ms: from the tree to a policy that decides. lint_ms: all that the command does,
    both included.
    """

    rules: int
    parse_ms: float
    compile_ms: float
    lint_ms: float
    decision_p50_us: float
    decision_p99_us: float
    first_decision_us: float
    simulate_per_s: float


def synthetic(rules: int = RULES) -> str:
    """A policy with many rules: 50 applications, 5 destinations, every entity type, scores and languages."""
    head = ["version: 1", "name: bench", "applications:"]
    head += [f"  app-{index}: {{identify: {{credential: app-{index}}}}}" for index in range(50)]
    head += ["destinations:"]
    head += [f"  {name}: {{extends: bundled:{name}@2026-11-23}}" for name in _DESTINATIONS]
    body = ["rules:"]
    for index in range(rules - 2):
        when = [f"entity: [{_TYPES[index % len(_TYPES)]}, {_TYPES[index * 7 % len(_TYPES)]}]"]
        when += [f"application: app-{index % 50}", f"destination: {_DESTINATIONS[index % 5]}"]
        when += [f"score_at_least: 0.{index % 9 + 1}"]
        when += [f"language: {('de', 'vi', 'en')[index % 3]}"] if index % 4 == 0 else []
        body.append(f"  - {{id: rule-{index}, when: {{{', '.join(when)}}}, do: {_VERBS[index % len(_VERBS)]}}}")
    body += ["  - {id: others, when: {entity: any}, do: tokenize}", "  - {id: rest, when: {entity: none}, do: allow}"]
    return "\n".join([*head, *body, "media: {image: inspect}", ""])


def measure(rules: int = RULES, decisions: int = 20_000, recorded: int = 200_000) -> Figures:
    """All figures; some seconds."""
    text = synthetic(rules)
    read_text("version: 1\nname: warm\nrules: [{id: r, do: block}]\n")
    parse_ms = _ms(lambda: parse(text, "bench.yaml", Sources()))
    sources = Sources()
    tree = parse(text, "bench.yaml", sources)
    compile_ms = _ms(lambda: compiled(tree, sources, bundled_register(), _TODAY))
    loaded = compiled(tree, sources, bundled_register(), _TODAY)
    lint_ms = _ms(lambda: lint(loaded, _TODAY))
    first, times = _decisions(loaded.policy, decisions)
    transfers = [_recorded(index) for index in range(recorded)]
    simulate_ms = _ms(lambda: simulate(loaded.policy, transfers), times=1)
    return Figures(
        rules=rules,
        parse_ms=parse_ms,
        compile_ms=compile_ms,
        lint_ms=parse_ms + compile_ms + lint_ms,
        decision_p50_us=median(times),
        decision_p99_us=quantiles(times, n=100)[98],
        first_decision_us=first,
        simulate_per_s=recorded / simulate_ms * 1000,
    )


def _ms(work: Callable[[], object], times: int = 3) -> float:
    """The fastest of a few runs, in milliseconds."""
    spent = []
    for _ in range(times):
        start = process_time_ns()
        work()
        spent.append((process_time_ns() - start) / 1e6)
    return min(spent)


def _decisions(policy: Policy, count: int) -> tuple[float, list[float]]:
    """Microseconds of the first decision (its context is not in the index yet), and of each later one."""
    moment = datetime(2026, 11, 24, 12, tzinfo=UTC)
    inputs = [
        PolicyInput(
            application=f"app-{index % 50}",
            destination=_DESTINATIONS[index % 5],
            time=moment,
            findings=tuple(
                FindingFacts(_TYPES[(index + step * 11) % len(_TYPES)], 0.85, "user", ("de", "vi", "en")[index % 3])
                for step in range(4)
            ),
            identified_by="credential",
            size=2_000,
        )
        for index in range(500)
    ]
    start = process_time_ns()
    policy.decide(inputs[0])
    first = (process_time_ns() - start) / 1e3
    for one in inputs:
        policy.decide(one)
    times = []
    for index in range(count):
        one = inputs[index % len(inputs)]
        start = process_time_ns()
        policy.decide(one)
        times.append((process_time_ns() - start) / 1e3)
    return first, times


def _recorded(index: int) -> RecordedTransfer:
    """A recorded transfer; a service's transfers repeat, with a few thousand different counts."""
    kind = index * 31 % 4_000
    findings = tuple(
        RecordedFinding(_TYPES[(kind + step) % len(_TYPES)], 8, ("de", "vi", "en")[kind % 3], n=1 + kind % 3)
        for step in range(kind % 4)
    )
    moment = 1_795_000_000_000 + index
    return RecordedTransfer(f"app-{kind % 50}", _DESTINATIONS[kind % 5], "", moment, "transform", findings)


if __name__ == "__main__":
    for name, value in {
        field: getattr(measured, field) for measured in [measure()] for field in Figures.__slots__
    }.items():
        print(f"{name:>20}  {value:,.1f}")  # noqa: T201
