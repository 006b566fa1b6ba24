"""What holds for every policy and every transfer, whatever stands in them."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.diff import diff
from policies.explain import explain
from policies.load import loads
from policies.model import Action, Consent, FindingFacts, Flag, MediaKind, MediaPart, PolicyInput, SubjectFacts
from policies.policy import Policy
from policies.reach import reach
from policies.rules import Does
from policies.show import as_data
from policies.space import Space

TODAY = date(2026, 11, 24)
TYPES = ("PERSON", "EMAIL_ADDRESS", "IBAN_CODE", "RELIGION", "API_KEY")
DESTINATIONS = ("openai", "gemini", "home")
APPLICATIONS = ("chat", "feed")
LANGUAGES = ("de", "vi", "en")
SEGMENTS = ("user", "tool_result", "system")
SLOW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def some(values: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)


finding_conditions = st.fixed_dictionaries(
    {},
    optional={
        "entity": st.one_of(some(TYPES), st.sampled_from(["any", "group:identity", ["group:special", "API_KEY"]])),
        "score_at_least": st.sampled_from([0.3, 0.5, 0.8]),
        "segment": some(SEGMENTS),
        "language": some(LANGUAGES),
        "recognizer": some(("names", "patterns")),
    },
)
destination_conditions = st.one_of(
    some(DESTINATIONS),
    st.fixed_dictionaries(
        {},
        optional={
            "operator_not": st.just("us"),
            "role": some(("processor", "unknown")),
            "expired": st.sampled_from(["yes", "no"]),
            "store": st.just("never"),
        },
    ),
)
transfer_conditions = st.fixed_dictionaries(
    {},
    optional={
        "application": some((*APPLICATIONS, "unknown")),
        "destination": destination_conditions,
        "purpose": some(("answer", "unknown")),
        "subject": st.fixed_dictionaries(
            {},
            optional={
                "consent": some(("given", "withdrawn", "unknown")),
                "minor": some(("yes", "no", "unknown")),
                "participants": st.sampled_from(["all", "requester"]),
            },
        ),
        "endpoint": some(("chat", "files")),
        "size_at_least": st.sampled_from([100, 10_000]),
        "share": st.sampled_from([10, 50.5]),
        "time": st.sampled_from(
            [
                {"from": "08:00", "to": "18:00", "days": ["mon", "tue"], "zone": "Europe/Berlin"},
                {"from": "22:00", "to": "06:00", "zone": "Asia/Ho_Chi_Minh"},
            ]
        ),
    },
)
verbs = st.sampled_from(["allow", "tokenize", "redact", "mask", "block", "hold", "route"])


@st.composite
def rule(draw: st.DrawFn, number: int) -> dict[str, object]:
    kind = draw(st.sampled_from(["finding", "finding", "finding", "rest", "count", "transfer"]))
    when = draw(transfer_conditions)
    do = draw(verbs)
    if kind == "rest":
        when["entity"] = "none"
    elif kind == "count":
        when |= draw(finding_conditions) | {"count_at_least": draw(st.integers(1, 3))}
        do = draw(st.sampled_from(["block", "hold", "redact", "route"]))
    elif kind == "finding":
        when |= draw(finding_conditions)
    made: dict[str, object] = {"id": f"r{number}", "when": when, "do": do}
    if do == "route":
        made["to"] = draw(st.sampled_from(["home", "gemini"]))
    return made


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    rules = [draw(rule(number)) for number in range(draw(st.integers(1, 9)))]
    if draw(st.booleans()):
        rules.append({"id": "rest", "when": {"entity": "none"}, "do": "allow"})
    data = {
        "version": 1,
        "name": "generated",
        "unknown_applications": draw(st.sampled_from(["allow", "refuse"])),
        "controllers": {"org": {"name": "Example Ltd"}},
        "purposes": {"answer": {"controller": "org", "basis": "consent"}},
        "destinations": {
            "openai": {
                "extends": "bundled:openai@2026-11-23",
                "role": {"answer": "processor"},
                **draw(st.sampled_from([{}, {"until": "2026-12-31"}])),
            },
            "gemini": {"extends": "bundled:gemini@2026-11-23", "store": "never"},
            "home": {"extends": "bundled:self-hosted@2026-11-23"},
        },
        "applications": {"chat": {"purpose": "answer"}, "feed": {}},
        "media": {"image": "inspect", "audio": "refuse"},
        "rules": rules,
    }
    return loads(orjson.dumps(data), today=TODAY)


findings = st.builds(
    FindingFacts,
    st.sampled_from((*TYPES, "SOMETHING_NEW")),
    st.sampled_from([0.1, 0.3, 0.49, 0.5, 0.79, 0.8, 1.0]),
    st.sampled_from((*SEGMENTS, "unknown")),
    st.sampled_from((*LANGUAGES, "fr", "")),
    st.sampled_from(("names", "patterns", "other")),
)
media = st.builds(MediaPart, st.sampled_from(MediaKind), st.just("x/y"), st.integers(0, 10), st.booleans())
subjects = st.builds(
    SubjectFacts,
    st.sampled_from(["requester", "participant"]),
    st.sampled_from(Consent),
    st.sampled_from(Flag),
    st.sampled_from(Flag),
)
transfers = st.builds(
    PolicyInput,
    application=st.sampled_from((*APPLICATIONS, "")),
    destination=st.sampled_from((*DESTINATIONS, "")),
    time=st.datetimes(datetime(2026, 11, 1), datetime(2027, 3, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    findings=st.lists(findings, max_size=4).map(tuple),
    media=st.lists(media, max_size=2).map(tuple),
    subjects=st.lists(subjects, max_size=3).map(tuple),
    languages=st.frozensets(st.sampled_from(LANGUAGES)),
    size=st.sampled_from([0, 99, 100, 20_000]),
    endpoint=st.sampled_from(["chat", "files", "other"]),
    session_bucket=st.one_of(st.none(), st.integers(0, 9999)),
    approved=st.frozensets(st.sampled_from([f"r{number}" for number in range(9)]), max_size=2),
)


@SLOW
@given(policies(), transfers)
def test_a_decision_depends_on_nothing_but_its_input(policy: Policy, transfer: PolicyInput) -> None:
    first = policy.decide(transfer)
    for other in ("openai", "gemini", "home"):  # warms the index with other contexts in between
        policy.decide(replace(transfer, destination=other))
    assert policy.decide(transfer) == first


@SLOW
@given(policies(), transfers, findings)
def test_adding_a_finding_never_weakens_a_decision(policy: Policy, transfer: PolicyInput, extra: FindingFacts) -> None:
    before = policy.decide(transfer)
    after = policy.decide(replace(transfer, findings=(*transfer.findings, extra)))
    assert after.action.rank >= before.action.rank


@SLOW
@given(policies(), transfers, media)
def test_adding_a_media_part_never_weakens_a_decision(policy: Policy, transfer: PolicyInput, extra: MediaPart) -> None:
    before = policy.decide(transfer)
    after = policy.decide(replace(transfer, media=(*transfer.media, extra)))
    assert after.action.rank >= before.action.rank


@SLOW
@given(policies(), transfers, st.randoms(use_true_random=False))
def test_the_order_of_findings_does_not_matter(policy: Policy, transfer: PolicyInput, dice: random.Random) -> None:
    order = list(range(len(transfer.findings)))
    dice.shuffle(order)
    shuffled = policy.decide(replace(transfer, findings=tuple(transfer.findings[index] for index in order)))
    straight = policy.decide(transfer)
    assert replace(shuffled, decisions=()) == replace(straight, decisions=())
    assert shuffled.decisions == tuple(straight.decisions[index] for index in order)


@SLOW
@given(policies(), transfers)
def test_every_part_has_a_decision_and_the_transfer_is_at_least_as_strict(
    policy: Policy, transfer: PolicyInput
) -> None:
    decision = policy.decide(transfer)
    assert len(decision.decisions) == len(transfer.findings)
    assert len(decision.media) == len(transfer.media)
    for part in (*decision.decisions, decision.rest):
        assert part.action.rank <= decision.action.rank or part.action is Action.ROUTE


@SLOW
@given(policies(), transfers)
def test_what_no_rule_matches_is_blocked(policy: Policy, transfer: PolicyInput) -> None:
    decision = policy.decide(transfer)
    for part in (*decision.decisions, decision.rest):
        assert part.rule_id or part.action is Action.BLOCK


@SLOW
@given(policies(), transfers)
def test_the_index_gives_the_same_answer_as_asking_every_rule_in_turn(policy: Policy, transfer: PolicyInput) -> None:
    decision = policy.decide(transfer)
    routes = {rule.id for rule in policy.rules if rule.does is Does.ROUTE}
    if routes & {*decision.rule_ids} or decision.code.value in {
        "application_unknown",
        "destination_unknown",
        "route_loop",
    }:
        return  # what is decided elsewhere is told for the destination that was asked for
    story = explain(policy, transfer)
    for part in story.parts[: len(transfer.findings) + 1]:
        ended = [step.rule_id for step in part.steps if step.matched]
        if part.decision.rule_id and part.decision.rule_id != decision.rest.rule_id:
            assert part.decision.rule_id in ended
    assert {step.rule_id for part in story.parts for step in part.steps if step.matched} <= {
        *decision.rule_ids,
        *(step.rule_id for part in story.parts[len(transfer.findings) + 1 :] for step in part.steps),
    }


@SLOW
@given(policies())
def test_lint_is_right_about_which_rules_are_reached(policy: Policy) -> None:
    space = Space([policy])
    for one in reach(policy, space):
        assert one.settled
        if one.point is not None:
            transfer = space.input_at(one.point)
            if one.rule.adds:
                transfer = replace(transfer, findings=transfer.findings * one.rule.when.count_at_least)
            above = frozenset(rule.id for rule in policy.rules[: one.rule.position] if rule.does is Does.HOLD)
            assert one.rule.id in policy.decide(replace(transfer, approved=above)).rule_ids


@SLOW
@given(policies(), st.lists(transfers, min_size=5, max_size=20))
def test_what_lint_calls_unreachable_is_never_reached(policy: Policy, several: list[PolicyInput]) -> None:
    never = {one.rule.id for one in reach(policy) if one.unreachable}
    for transfer in several:
        assert not never & set(policy.decide(transfer).rule_ids)


@settings(max_examples=10, deadline=None)
@given(policies())
def test_a_policy_does_not_differ_from_itself(policy: Policy) -> None:
    assert diff(policy, replace(policy, digest="sha256:other")).empty


@settings(max_examples=10, deadline=None)
@given(policies(), policies(), transfers)
def test_policies_that_do_not_differ_decide_alike(one: Policy, other: Policy, transfer: PolicyInput) -> None:
    plain = replace(transfer, findings=transfer.findings[:1], media=(), approved=frozenset(), subjects=())
    found = diff(one, other)
    if found.empty and found.complete and one.decide(plain).action is not other.decide(plain).action:
        raise AssertionError("diff called policies the same that decide differently")
    assert found.empty or found.changes or found.settings


@SLOW
@given(policies())
def test_the_digest_names_the_meaning(policy: Policy) -> None:
    assert policy.digest.startswith("sha256:")
    assert len(policy.digest) == 71
    assert as_data(policy)["digest"] == policy.digest
