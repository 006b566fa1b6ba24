"""Budgets: what a transfer would overdraw, counted per window and apart for whom the policy says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.budgets import Spending, Usage, window_start
from policies.declared import Budget

HOUR, DAY = 3_600_000, 86_400_000
NOON = 20_000 * DAY + 12 * HOUR


def sent(
    *, app: str = "chat", to: str = "openai", at: int = NOON, size: int = 10, who: tuple[str, ...] = ()
) -> Spending:
    return Spending(app, to, at, size, who)


def usage(*spent: Spending, **limits: Any) -> Usage:
    made = Usage([Budget("b", **limits)])
    for one in spent:
        made.spend(one)
    return made


@pytest.mark.parametrize(
    ("limits", "before", "now", "over"),
    [
        ({"transfers": 2}, [sent()], sent(), False),
        ({"transfers": 2}, [sent(), sent()], sent(), True),
        ({"transfers": 1}, [sent(at=NOON - HOUR)], sent(), False),
        ({"transfers": 1, "per": "day"}, [sent(at=NOON - HOUR)], sent(), True),
        ({"transfers": 1, "per": "day"}, [sent(at=NOON - 13 * HOUR)], sent(), False),
        ({"bytes": 20}, [sent(size=10)], sent(size=10), False),
        ({"bytes": 20}, [sent(size=10)], sent(size=11), True),
        ({"bytes": 5}, [], sent(size=6), True),
        ({"transfers": 1}, [sent(app="feed")], sent(app="chat"), False),
        ({"transfers": 1, "each": ("destination",)}, [sent(app="feed")], sent(app="chat"), True),
        ({"transfers": 1, "each": ("destination",)}, [sent(to="gemini")], sent(to="openai"), False),
        ({"transfers": 1, "each": ("subject",)}, [sent(who=("a",))], sent(who=("b",)), False),
        ({"transfers": 1, "each": ("subject",)}, [sent(who=("a",))], sent(who=("b", "a")), True),
        ({"transfers": 1, "each": ("subject",)}, [sent()], sent(), True),
        ({"transfers": 1, "applications": frozenset({"feed"})}, [sent(), sent()], sent(), False),
        ({"transfers": 1, "destinations": frozenset({"gemini"})}, [sent()], sent(), False),
        ({"subjects": 1}, [sent(who=("a",))], sent(who=("a",)), False),
        ({"subjects": 1}, [sent(who=("a",))], sent(who=("b",)), True),
    ],
)  # fmt: skip
def test_what_would_be_overdrawn(limits: dict[str, Any], before: list[Spending], now: Spending, over: bool) -> None:
    assert usage(*before, **limits).exhausted(now) == (frozenset({"b"}) if over else frozenset())


def test_the_answer_that_reaches_the_limit_of_tokens_is_the_last() -> None:
    made = usage(tokens=100)
    for tokens, over in ((60, False), (60, True)):
        one = sent()
        made.spend(one)
        made.add_tokens(one, tokens)
        assert bool(made.exhausted(sent())) is over


def test_a_window_that_is_over_is_forgotten() -> None:
    made = usage(*(sent(at=NOON + hour * HOUR, app=f"app-{hour}") for hour in range(50)), transfers=5)
    assert len(made._counters) == 1


@pytest.mark.parametrize(("per", "start"), [(("hour",), NOON), (("day", "hour"), NOON - 12 * HOUR), ((), NOON + 5)])
def test_the_log_is_read_from_the_first_window(per: tuple[Any, ...], start: int) -> None:
    assert window_start([Budget(name, per=name, transfers=1) for name in per], NOON + 5) == start


spendings = st.builds(
    Spending,
    st.sampled_from(["chat", "feed"]),
    st.sampled_from(["openai", "gemini"]),
    st.integers(NOON, NOON + 2 * HOUR),
    st.integers(0, 50),
    st.lists(st.sampled_from("abc"), max_size=2, unique=True).map(tuple),
)
budgets = st.builds(
    Budget,
    st.just("b"),
    st.sampled_from(["hour", "day"]),
    st.lists(st.sampled_from(["application", "destination", "subject"]), min_size=1, unique=True).map(tuple),
    transfers=st.none() | st.integers(1, 5),
    bytes=st.none() | st.integers(1, 100),
    subjects=st.none() | st.integers(1, 2),
)


@given(budgets, st.lists(spendings, max_size=15), spendings)
def test_spending_more_never_leaves_more(budget: Budget, before: list[Spending], now: Spending) -> None:
    made = Usage([budget])
    for one in sorted(before, key=lambda one: one.at):
        if one.at // HOUR == now.at // HOUR:
            was_over = made.exhausted(now)
            made.spend(one)
            assert was_over <= made.exhausted(now)


@given(budgets, st.lists(spendings, max_size=20))
def test_who_asks_first_never_sends_more_than_the_limit(budget: Budget, wanted: list[Spending]) -> None:
    made = Usage([budget])
    passed: dict[tuple[Any, ...], int] = {}
    for one in sorted(wanted, key=lambda one: one.at):
        if not made.exhausted(one):
            made.spend(one)
            for subject in one.subjects or ("",):
                key = (
                    one.at // (HOUR if budget.per == "hour" else DAY),
                    one.application if "application" in budget.each else "",
                    one.destination if "destination" in budget.each else "",
                    subject if "subject" in budget.each else "",
                )
                passed[key] = passed.get(key, 0) + 1
                if "subject" not in budget.each:
                    break
    if budget.transfers is not None:
        assert max(passed.values(), default=0) <= budget.transfers
