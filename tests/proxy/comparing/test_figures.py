"""Win rate, interval, measures and cost, from ratings and measures alone."""

from datetime import date
from decimal import Decimal

import pytest

from audit.questions.mirrored import Attempt, Mirrored
from audit.reports.prices import Price, Prices
from proxy.comparing.report import rate_of, report, wilson
from proxy.control.ratings import Rating, Side, Verdict

OUTSIDE, OWN = Side("openai", "gpt-5-mini"), Side("own-llama", "llama")
PRICES = Prices(date(2026, 11, 1), "USD", "https://prices.example", {"gpt-5-*": Price(Decimal(1), Decimal(10))})


def rated(pair: int, verdict: Verdict, rater: str = "anna") -> Rating:
    return Rating(f"{pair:026}", 2, rater, verdict, OUTSIDE, OWN)


def answer(
    side: Side, *, wait: int | None = 10, total: int = 100, tokens: int | None = 5, good: bool = True
) -> Attempt:
    return Attempt(side.destination, side.model, good, tokens, tokens, wait, total)


def mirrored(first: Attempt, second: Attempt) -> Mirrored:
    return Mirrored("0" * 26, 2, 0, "chat", first, second)


@pytest.mark.parametrize(
    ("wins", "n", "low", "high"),
    # Published values of the score interval: Newcombe, Statistics in Medicine 17 (1998), table I; and its ends.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718), (0, 0, 0, 1)],
)
def test_the_interval_is_wilsons(wins: int, n: int, low: float, high: float) -> None:
    assert wilson(wins, n) == pytest.approx((low, high), abs=5e-5)


def test_a_pair_counts_once_and_what_most_say_counts() -> None:
    ratings = [
        rated(1, Verdict.SECOND, "anna"),
        rated(1, Verdict.SECOND, "ben"),
        rated(1, Verdict.FIRST, "cara"),
        rated(2, Verdict.FIRST, "anna"),
        rated(3, Verdict.FIRST, "anna"),
        rated(3, Verdict.SECOND, "ben"),
        rated(4, Verdict.TIE, "anna"),
    ]
    found = rate_of(ratings)
    assert (found.wins, found.losses, found.ties, found.pairs) == (1, 1, 2, 4)
    assert found.rate == 0.5
    assert found.low < 0.5 < found.high
    assert rate_of([rated(4, Verdict.TIE)]).rate is None


def test_people_and_judge_are_never_mixed() -> None:
    ratings = [rated(1, Verdict.SECOND), rated(1, Verdict.FIRST, "judge:own-llama/llama")]
    (match,) = report(0, ratings, [], [], None).matches
    assert (match.people.wins, match.people.losses) == (1, 0)
    assert (match.judge.wins, match.judge.losses) == (0, 1)
    assert match.measures is None


def test_measures_are_medians_of_what_both_answered_and_absent_is_absent() -> None:
    pairs = [
        mirrored(answer(OUTSIDE, wait=10), answer(OWN, wait=30, tokens=None)),
        mirrored(answer(OUTSIDE, wait=20), answer(OWN, wait=None, tokens=None)),
        mirrored(answer(OUTSIDE, wait=60), answer(OWN, wait=50, tokens=None)),
        mirrored(answer(OUTSIDE, wait=9_000), answer(OWN, good=False)),
    ]
    (match,) = report(0, [], pairs, [("2026-11-23", 3, 12)], PRICES).matches
    assert match.measures is not None
    first, second = match.measures
    assert (first.answers, first.failed, second.failed) == (3, 0, 1)
    assert (first.wait_ms, second.wait_ms, first.total_ms) == (20, 40, 100)
    assert (first.tokens_in, first.cost) == (15, "0.0002")
    assert (second.counted, second.tokens_in, second.cost) == (0, None, None)


def test_a_model_without_a_price_has_no_cost() -> None:
    (match,) = report(0, [], [mirrored(answer(OUTSIDE), answer(OWN))], [], PRICES).matches
    assert match.measures is not None
    assert (match.measures[0].cost, match.measures[1].cost) == ("0.0001", None)
    (match,) = report(0, [], [mirrored(answer(OUTSIDE), answer(OWN))], [], None).matches
    assert match.measures is not None
    assert match.measures[0].cost is None


def test_the_report_is_plain_data() -> None:
    data = report(5, [rated(1, Verdict.SECOND)], [], [("2026-11-23", 3, 12)], PRICES).as_json()
    assert data["weeks"] == [{"week": "2026-11-23", "own": 3, "all": 12, "share": 0.25}]
    assert data["matches"][0]["people"]["wins"] == 1
    assert data["prices"]["currency"] == "USD"
