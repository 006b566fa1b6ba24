"""Cost and latency by week and application, from a table of prices with a date; applications, never people.

A model that the table does not know has no cost, and its tokens are counted apart. Latency is the time from the record
before sending to the end of the answer, streaming included, in classes that are 5 % wide.
"""

# ruff: noqa: E501 - one text, one line: translations are compared by eye
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa

from audit.reports.base import PAGE, Bar, Chart, Facts, Kind, Section, Source, Table
from audit.reports.prices import Prices
from audit.reports.texts import Texts, Words
from audit.sums.rows import DAY_MS
from audit.tables import transfer

_CLASS = 1.05
_COLUMNS = tuple(transfer.c[name] for name in ("day", "at", "ended", "application", "model", "tokens_in", "tokens_out"))


@dataclass(slots=True)
class _Sums:
    """One week of one application and model."""

    transfers: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    without_tokens: int = 0
    latencies: Counter[int] = field(default_factory=Counter)


def week_of(day: int) -> str:
    """The Monday of the week of a day (days since 1970), as a date."""
    at = datetime.fromtimestamp(day * DAY_MS / 1000, UTC).date()
    return (at - timedelta(days=at.weekday())).isoformat()


def quantile(classes: Mapping[int, int], share: float) -> int | None:
    """Upper end, in ms, of the class below which so many of the counted times are; None where none was counted."""
    wanted, seen = share * sum(classes.values()), 0
    for name in sorted(classes):
        seen += classes[name]
        if seen >= wanted:
            return round(_CLASS ** (name + 1))
    return None


def _facts(source: Source, context: Facts) -> Facts:
    weeks: dict[tuple[str, str, str], _Sums] = {}
    rows = source.connection.execute(sa.select(*_COLUMNS).where(*source.sent()), execution_options={"yield_per": PAGE})
    for row in rows:
        sums = weeks.setdefault((week_of(row.day), row.application, row.model or "unknown"), _Sums())
        sums.transfers += 1
        sums.tokens_in += row.tokens_in or 0
        sums.tokens_out += row.tokens_out or 0
        sums.without_tokens += row.tokens_in is None and row.tokens_out is None
        if row.ended is not None:
            sums.latencies[int(math.log(max(1, row.ended - row.at), _CLASS))] += 1
    prices = source.prices
    lines = [_line(*key, weeks[key], prices) for key in sorted(weeks)]
    table = (
        None
        if prices is None
        else {"date": prices.day.isoformat(), "currency": prices.currency, "source": prices.source}
    )
    unpriced = sorted({one["model"] for one in lines if one["cost"] is None})
    return {"prices": table, "weeks": lines, "unpriced": unpriced}


def _line(week: str, application: str, model: str, sums: _Sums, prices: Prices | None) -> Facts:
    cost = None if prices is None else prices.cost(model, sums.tokens_in, sums.tokens_out)
    return {
        "week": week,
        "application": application,
        "model": model,
        "transfers": sums.transfers,
        "tokens_in": sums.tokens_in,
        "tokens_out": sums.tokens_out,
        "without_tokens": sums.without_tokens,
        "cost": None if cost is None else f"{cost:.4f}",
        "p50_ms": quantile(sums.latencies, 0.5),
        "p95_ms": quantile(sums.latencies, 0.95),
    }


def _sections(facts: Facts, say: Texts) -> list[Section]:
    rows, prices = facts["weeks"], facts["prices"]
    if not rows:
        return [Section(say("recipients"), (say("nothing"),))]
    lines = [say("prices_line", **prices) if prices else say("no_prices")]
    if prices and facts["unpriced"]:
        lines.append(say("unpriced", models=", ".join(facts["unpriced"])))
    return [
        Section(say("weeks"), tuple(lines), tables=(_table(rows, say, prices),), charts=_charts(rows, say, prices)),
        Section(say("how"), (say("latency_line"), say("tokens_line", n=sum(one["without_tokens"] for one in rows)))),
    ]


def _table(rows: Sequence[Facts], say: Texts, prices: Facts | None) -> Table:
    cost = say("cost", currency=prices["currency"]) if prices else say("cost_unknown")
    names = [say(name) for name in ("week", "application", "model", "count", "tokens_in", "tokens_out")]
    cells = tuple(
        (
            one["week"], say.name(one["application"]), say.name(one["model"]), say.number(one["transfers"]), say.number(one["tokens_in"]),
            say.number(one["tokens_out"]), say.decimal(one["cost"] or "–"), _ms(one["p50_ms"], say), _ms(one["p95_ms"], say),
        )
        for one in rows
    )  # fmt: skip
    return Table((*names, cost, say("p50"), say("p95")), cells, frozenset(range(3, 9)))


def _ms(value: int | None, say: Texts) -> str:
    return "–" if value is None else say.number(value)


def _charts(rows: Sequence[Facts], say: Texts, prices: Facts | None) -> tuple[Chart, ...]:
    """By week and application: what it cost where a table of prices says so, else how many transfers."""
    sums: dict[tuple[str, str], Decimal] = {}
    for one in rows:
        key = one["week"], one["application"]
        sums[key] = sums.get(key, Decimal()) + (Decimal(one["cost"] or 0) if prices else one["transfers"])
    title = say("cost", currency=prices["currency"]) if prices else say("count")
    places = 2 if max(sums.values(), default=0) >= 1 else 4  # as in the table, where all of it is small change
    bars = tuple(
        Bar(f"{week} {application}", float(n), say.decimal(f"{n:.{places}f}") if prices else say.number(int(n)))
        for (week, application), n in sums.items()
    )
    return (Chart(title, bars),)


TEXTS: Words = {
    "costs": ("Cost and latency by week and application", "Kosten und Antwortzeit je Woche und Anwendung", "Chi phí và độ trễ theo tuần và ứng dụng"),
    "weeks": ("Weeks", "Wochen", "Các tuần"),
    "week": ("Week from", "Woche ab", "Tuần từ"),
    "model": ("Model", "Modell", "Mô hình"),
    "tokens_in": ("Tokens in", "Tokens hinein", "Token vào"),
    "tokens_out": ("Tokens out", "Tokens heraus", "Token ra"),
    "cost": ("Cost ({currency})", "Kosten ({currency})", "Chi phí ({currency})"),
    "cost_unknown": ("Cost", "Kosten", "Chi phí"),
    "p50": ("Median ms", "Median ms", "Trung vị ms"),
    "p95": ("95 % below ms", "95 % unter ms", "95 % dưới ms"),
    "prices_line": ("Prices as read on {date} from {source}, in {currency}; discounts, cached tokens and later changes are not in them.",
                    "Preise vom {date} aus {source}, in {currency}; Rabatte, zwischengespeicherte Tokens und spätere Änderungen sind nicht enthalten.",
                    "Giá đọc ngày {date} từ {source}, tính bằng {currency}; không gồm chiết khấu, token đã lưu đệm và thay đổi sau đó."),
    "no_prices": ("No table of prices was given, so there is no cost.", "Es wurde keine Preistabelle angegeben, daher gibt es keine Kosten.", "Không có bảng giá nên không tính được chi phí."),
    "unpriced": ("Without a price in the table: {models}.", "Ohne Preis in der Tabelle: {models}.", "Không có giá trong bảng: {models}."),
    "how": ("How it was counted", "Wie gezählt wurde", "Cách tính"),
    "latency_line": ("From the record before sending to the end of the answer, streaming included, in classes 5 % wide.",
                     "Vom Eintrag vor dem Senden bis zum Ende der Antwort, Streaming eingeschlossen, in Klassen von 5 % Breite.",
                     "Từ lúc ghi trước khi gửi đến khi kết thúc câu trả lời, gồm cả truyền luồng, theo các lớp rộng 5 %."),
    "tokens_line": ("For {n} {n:transfer|transfers} the provider told no number of tokens.", "Zu {n} {n:Übermittlung|Übermittlungen} nannte der Anbieter keine Zahl von Tokens.", "Với {n} lượt chuyển, nhà cung cấp không cho biết số token."),
}  # fmt: skip

REPORT = Kind("costs", _facts, _sections, TEXTS)
