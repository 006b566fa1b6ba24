"""`dragoman compare`: which of two models answers better, how fast, and what it costs.

Pairs are kept where a rule says `do: mirror` and `keep`. Every look at one is in the log before it is shown.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proxy.comparing.compare import FILTERS, Comparing, Recorded
from proxy.comparing.pairs import Blind, in_one
from proxy.comparing.report import Match, Measures, Rate, Report
from proxy.config import Settings, secret
from proxy.configured import default_home, load
from proxy.errors import ConfigError

if TYPE_CHECKING:
    from rich.table import Table

    from audit.log import Ledger
    from policies.policy import Policy

app = typer.Typer(help="Which of two models answers better: blind ratings, measures, costs.", no_args_is_help=True)

Home = Annotated[Path | None, typer.Option(help="Folder of the running dragoman.")]
PolicyFile = Annotated[Path | None, typer.Option(help="Policy file, where it is not HOME/policy.yaml.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
CREDENTIAL = "DRAGOMAN_CREDENTIAL"
_CHOICES = {"a": "a", "b": "b", "t": "tie", "tie": "tie", "=": "tie"}


@dataclass(frozen=True, slots=True)
class Place:
    """What the commands work on. rater: the reference of whoever sits here."""

    settings: Settings
    ledger: "Ledger"
    comparing: Comparing
    policy: "Policy"
    rater: str

    def recorded(self, *filters: str) -> Recorded:
        """Leaves a durable record of a look."""
        from audit.events import QueryRecord
        from audit.ids import now_ms
        from audit.values import Question

        def leave(exchange: str) -> None:
            self.ledger.append_blocking(
                QueryRecord(
                    at=now_ms(), question=Question.SHOW, filters=(*FILTERS, *filters), transfer=exchange, results=1,
                    actor=self.rater,
                )
            )  # fmt: skip

        return leave


@app.command()
def report(
    days: Annotated[int, typer.Option(help="The last days, today included.", min=1, max=3_650)] = 28,
    home: Home = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """Win rate with its interval, time, tokens and cost of each two models, and the weekly share of the own ones.

    Example: dragoman compare report --days 28
    """
    from audit.events import QueryRecord
    from audit.ids import now_ms
    from audit.values import Question

    with _place(home, policy) as place:
        found = place.comparing.report(place.policy, days)
        looked = QueryRecord(
            at=now_ms(), question=Question.REPORT, filters=FILTERS, results=len(found.matches), actor=place.rater
        )
        place.ledger.append_blocking(looked)
    typer.echo(json.dumps(found.as_json())) if as_json else _print(found)


@app.command(name="list")
def list_(home: Home = None, policy: PolicyFile = None, as_json: AsJson = False) -> None:
    """Pairs that are kept and that you have not rated; whose answers they are is not said.

    Example: dragoman compare list
    """
    with _place(home, policy) as place:
        waiting = place.comparing.waiting(place.rater)
    if as_json:
        pairs = [{"exchange": exchange, "attempt": attempt} for exchange, attempt in waiting.names]
        typer.echo(json.dumps({"kept": waiting.kept, "pairs": pairs}))
        return
    for exchange, attempt in waiting.names:
        typer.echo(f"{exchange}/{attempt}")
    typer.echo(f"{len(waiting.names)} of {waiting.kept} kept pairs wait for your rating", err=True)


@app.command()
def rate(home: Home = None, policy: PolicyFile = None) -> None:
    """Read pairs and say which answer is better, without knowing whose it is.

    Example: dragoman compare rate
    """
    done = 0
    with _place(home, policy) as place:
        for exchange, attempt in place.comparing.waiting(place.rater).names:
            typer.echo(_readable(place.comparing.show(exchange, attempt, place.recorded())))
            choice = typer.prompt("Which is better? a, b, t (tie), s (skip), q (quit)").strip().lower()
            if choice == "q":
                break
            if choice not in _CHOICES:
                continue
            rated = place.comparing.rate(exchange, attempt, _CHOICES[choice], place.rater, place.recorded("rate"))
            done += 1
            a, b = rated.names
            typer.echo(f"A was {a.destination} ({a.model or '?'}), B was {b.destination} ({b.model or '?'})\n")
    typer.echo(f"{done} rated")


@app.command()
def judge(
    destination: Annotated[str, typer.Argument(help="An own model of the policy, in the OpenAI format.")],
    model: Annotated[str, typer.Option(help="What it is called there.")],
    most: Annotated[int, typer.Option(help="Pairs at most.", min=1, max=2_000)] = 50,
    gateway: Annotated[str, typer.Option(help="The running gateway (default: `listen` of config.toml).")] = "",
    key: Annotated[str, typer.Option(help="Reference of the model's key: a file, or env:NAME.")] = "",
    home: Home = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """Let an own model judge the pairs; its requests go through the gateway and are in the log as any other.

    The application's credential is taken from DRAGOMAN_CREDENTIAL.

    Example: dragoman compare judge own-llama --model llama-3.3-70b-instruct --most 50
    """
    import httpx

    from proxy.comparing.judging import Judge
    from proxy.control.ratings import JUDGE

    counts = {"judged": 0, "without_verdict": 0}
    with _place(home, policy) as place, httpx.Client(trust_env=False) as client:
        known = place.policy.destinations.get(destination)
        if known is None or known.operator != "us":
            raise ConfigError(f"{destination} is no own model of the policy (`operator: us`); a pair goes to no other")
        url = gateway or f"http://{place.settings.listen}"
        asked = Judge(client, f"{url.rstrip('/')}/{destination}", model, _headers(key))
        rater = f"{JUDGE}{destination}/{model}"[:128]
        for exchange, attempt in place.comparing.waiting(rater).names[:most]:
            better = asked.better(place.comparing.show(exchange, attempt, place.recorded("judge")))
            if better is None:
                counts["without_verdict"] += 1
                continue
            place.comparing.rate(exchange, attempt, better, rater, place.recorded("judge", "rate"))
            counts["judged"] += 1
    if as_json:
        typer.echo(json.dumps(counts))
    else:
        typer.echo(f"{counts['judged']} judged, {counts['without_verdict']} without a verdict")


def _headers(key: str) -> dict[str, str]:
    import os

    headers = {"dragoman-credential": os.environ[CREDENTIAL]} if os.environ.get(CREDENTIAL) else {}
    return headers | ({"authorization": f"Bearer {secret(key)}"} if key else {})


@contextmanager
def _place(home: Path | None, policy: Path | None) -> Iterator[Place]:
    from audit.commands.reading import os_user
    from proxy.policy.source import meant
    from proxy.running.databases import control_of, join_log, vault_of

    settings = load(home=home or default_home(), policy=policy)
    with closing(control_of(settings)) as control, closing(join_log(settings)) as ledger:
        comparing = Comparing(settings.home, control.ratings, lambda: vault_of(settings), ledger.store.read)
        rater = ledger.references.actor(os_user())
        yield Place(settings, ledger, comparing, meant(settings, control), rater)


def _readable(pair: Blind) -> str:
    lines = [f"── {pair.exchange}/{pair.attempt} " + "─" * 40]
    sides = (("A", pair.a), ("B", pair.b))
    if pair.same_question:
        lines += [f"[{kind}] {text}" for kind, text in pair.a.asked]
    for name, side in sides:
        if not pair.same_question:
            lines += [f"{name} was asked:", *(f"[{kind}] {text}" for kind, text in side.asked)]
        lines += [f"── Answer {name}", in_one(side.said)]
    # Words of a model may hold control characters, which a terminal would obey.
    return "".join(char for char in "\n".join(lines) if char in "\n\t" or char.isprintable())


def _print(found: Report) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not found.matches:
        console.print("Nothing was mirrored in this time. A rule with `do: mirror` compares models: docs/compare.md")
    for match in found.matches:
        console.print(_table(match, found))
    weeks = Table("week from", "transfers", "own model", "share", title="Share of the own models")
    for one in found.weeks:
        weeks.add_row(one.week, str(one.all), str(one.own), f"{100 * one.own / one.all:.1f} %" if one.all else "–")
    console.print(weeks)
    if found.more:
        console.print("Only the newest copies were measured.")
    table = found.prices
    console.print(
        "No prices.toml in the home folder, so no cost." if table is None else f"Prices as read on {table['date']}."
    )


def _table(match: Match, found: Report) -> "Table":
    from rich.table import Table

    names = [f"{one.destination} {one.model}".strip() for one in (match.first, match.second)]
    table = Table("", *names, title=f"{names[1]} against {names[0]}")
    for who, rate in (("people", match.people), ("judge", match.judge)):
        table.add_row(f"better, say {who}", str(rate.losses), f"{rate.wins} ({_rate(rate)})")
    if match.measures is not None:
        currency = found.prices["currency"] if found.prices else ""
        rows: tuple[tuple[str, Callable[[Measures], object]], ...] = (
            ("answers", lambda one: one.answers),
            ("failed", lambda one: one.failed),
            ("first word, median ms", lambda one: one.wait_ms),
            ("whole answer, median ms", lambda one: one.total_ms),
            ("tokens in", lambda one: one.tokens_in),
            ("tokens out", lambda one: one.tokens_out),
            (f"cost {currency}".rstrip(), lambda one: one.cost),
        )
        for name, of in rows:
            table.add_row(name, *("–" if of(one) is None else str(of(one)) for one in match.measures))
    return table


def _rate(rate: Rate) -> str:
    if rate.rate is None:
        return f"{rate.ties} ties"
    return f"{100 * rate.rate:.0f} %, 95 % interval {100 * rate.low:.0f}–{100 * rate.high:.0f} %, {rate.ties} ties"
