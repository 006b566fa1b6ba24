"""The figures of a comparison: how often the mirror was found better, and what both took, counted and cost. Pure.

Ratings and measures enter, one report leaves. What is not known is absent (None) and never guessed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from math import sqrt
from statistics import median
from typing import Any

from audit.questions.mirrored import Attempt, Mirrored
from audit.reports.prices import Prices
from proxy.control.ratings import Rating, Side, Verdict

Z_95 = 1.959963984540054
"""Quantile of the standard normal distribution for a two-sided interval of 95 percent."""


def wilson(wins: int, n: int, z: float = Z_95) -> tuple[float, float]:
    """The score interval of a share; (0, 1) where nothing was counted.

    Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22 (1927).
    """
    if not n:
        return 0.0, 1.0
    share, square = wins / n, z * z / n
    middle, half = share + square / 2, z * sqrt(share * (1 - share) / n + square / (4 * n))
    return max(0.0, (middle - half) / (1 + square)), min(1.0, (middle + half) / (1 + square))


@dataclass(frozen=True, slots=True)
class Rate:
    """How pairs were judged. wins: the mirror's answer was better. rate: wins among those decided, None where none is.

    Each pair counts once: where several rated it, what most of them said; as many on either side are a tie.
    """

    wins: int
    losses: int
    ties: int
    rate: float | None
    low: float
    high: float

    @property
    def pairs(self) -> int:
        """Pairs that were rated."""
        return self.wins + self.losses + self.ties


@dataclass(frozen=True, slots=True)
class Measures:
    """One recipient's answers. wait_ms: median to the first word; total_ms: to the end. cost: in the table's currency.

    counted: answers whose recipient told their tokens.
    """

    answers: int
    failed: int
    wait_ms: float | None
    total_ms: float | None
    counted: int
    tokens_in: int | None
    tokens_out: int | None
    cost: str | None


@dataclass(frozen=True, slots=True)
class Match:
    """Two recipients that got the same requests. people, judge: how ratings went, from the second's side."""

    first: Side
    second: Side
    people: Rate
    judge: Rate
    measures: tuple[Measures, Measures] | None


@dataclass(frozen=True, slots=True)
class Week:
    """Transfers of a week, and how many of them an own model answered. week: its Monday."""

    week: str
    own: int
    all: int


@dataclass(frozen=True, slots=True)
class Report:
    """A comparison. since: ms. more: there are further copies, older than those that were measured."""

    since: int
    matches: tuple[Match, ...]
    weeks: tuple[Week, ...]
    prices: Mapping[str, str] | None
    more: bool

    def as_json(self) -> dict[str, Any]:
        """For `--json` and the API."""
        return {
            "since": self.since,
            "prices": self.prices,
            "measured_in_part": self.more,
            "matches": [
                {
                    "first": asdict(one.first),
                    "second": asdict(one.second),
                    "people": asdict(one.people),
                    "judge": asdict(one.judge),
                    "measures": None
                    if one.measures is None
                    else dict(zip(("first", "second"), map(asdict, one.measures), strict=True)),
                }
                for one in self.matches
            ],
            "weeks": [asdict(one) | {"share": one.own / one.all if one.all else None} for one in self.weeks],
        }


def report(
    since: int,
    ratings: Sequence[Rating],
    mirrored: Sequence[Mirrored],
    weeks: Iterable[tuple[str, int, int]],
    prices: Prices | None,
    *,
    more: bool = False,
) -> Report:
    """The report of a period."""
    measured: dict[tuple[Side, Side], list[Mirrored]] = {}
    for one in mirrored:
        measured.setdefault((_side(one.first), _side(one.second)), []).append(one)
    rated: dict[tuple[Side, Side], list[Rating]] = {}
    for rating in ratings:
        rated.setdefault((rating.first, rating.second), []).append(rating)
    matches = tuple(
        Match(
            *key,
            rate_of([one for one in rated.get(key, ()) if one.by_person]),
            rate_of([one for one in rated.get(key, ()) if not one.by_person]),
            _both(measured[key], prices) if key in measured else None,
        )
        for key in sorted({*measured, *rated}, key=lambda key: (_words(key[0]), _words(key[1])))
    )
    table = None if prices is None else _table(prices)
    return Report(since, matches, tuple(Week(*week) for week in weeks), table, more)


def rate_of(ratings: Iterable[Rating]) -> Rate:
    """How pairs were judged, each once."""
    votes: dict[tuple[str, int], Counter[Verdict]] = {}
    for one in ratings:
        votes.setdefault((one.exchange, one.attempt), Counter())[one.verdict] += 1
    won = Counter(_settled(count) for count in votes.values())
    wins, losses = won[Verdict.SECOND], won[Verdict.FIRST]
    decided = wins + losses
    return Rate(wins, losses, won[Verdict.TIE], wins / decided if decided else None, *wilson(wins, decided))


def _settled(count: Counter[Verdict]) -> Verdict:
    first, second = count[Verdict.FIRST], count[Verdict.SECOND]
    if max(first, second) <= count[Verdict.TIE] or first == second:
        return Verdict.TIE
    return Verdict.FIRST if first > second else Verdict.SECOND


def _both(mirrored: Sequence[Mirrored], prices: Prices | None) -> tuple[Measures, Measures]:
    # Only where both answered: a model that fails on long requests would else look fast.
    good = [one for one in mirrored if one.first.complete and one.second.complete]
    return (
        _measures([one.first for one in good], sum(not one.first.complete for one in mirrored), prices),
        _measures([one.second for one in good], sum(not one.second.complete for one in mirrored), prices),
    )


def _measures(answers: Sequence[Attempt], failed: int, prices: Prices | None) -> Measures:
    counted = [one for one in answers if one.tokens_in is not None and one.tokens_out is not None]
    tokens_in, tokens_out = (sum(getattr(one, name) for one in counted) for name in ("tokens_in", "tokens_out"))
    cost: Decimal | None = None
    if prices is not None and counted:
        cost = prices.cost(counted[0].model, tokens_in, tokens_out)  # one model: answers are grouped by it
    return Measures(
        answers=len(answers),
        failed=failed,
        wait_ms=_median([one.wait_ms for one in answers]),
        total_ms=_median([one.total_ms for one in answers]),
        counted=len(counted),
        tokens_in=tokens_in if counted else None,
        tokens_out=tokens_out if counted else None,
        cost=None if cost is None else f"{cost:.4f}",
    )


def _median(times: Sequence[int | None]) -> float | None:
    known = [one for one in times if one is not None]
    return median(known) if known else None


def _side(one: Attempt) -> Side:
    return Side(one.destination, one.model)


def _words(side: Side) -> tuple[str, str]:
    return side.destination, side.model


def _table(prices: Prices) -> dict[str, str]:
    return {"date": prices.day.isoformat(), "currency": prices.currency, "source": prices.source}
