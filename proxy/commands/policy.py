"""`dragoman policy`: write, check, explain and compare policy files.

What needs nothing but files comes from `policies.cli`; here stand the commands that need detection (`lint`, `test`,
`explain`), the log (`simulate`) or the home's keys (`except`). Exit codes: 0 holds, 1 does not hold, 2 wrong use.
"""

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from policies import cli
from policies.cli import File, Home, Json, exit_codes, print_json
from policies.errors import PolicyFileError, UsageError
from policies.load import Loaded
from proxy.commands import policy_activation as activation
from proxy.config import Settings
from proxy.configured import load

if TYPE_CHECKING:
    from policies.cases import CaseResult
    from policies.model import PolicyInput
    from proxy.steps.policy_facts import EngineFacts

Detectors = Annotated[str | None, typer.Option(help="Detectors, with commas (default: as configured).")]
Languages = Annotated[str | None, typer.Option(help="Languages of the texts, with commas (default: as configured).")]
Application = Annotated[str | None, typer.Option("--app", help="Application that sends.")]
Word = Annotated[str, typer.Option(help="given, withdrawn or unknown.")]
Flag = Annotated[str, typer.Option(help="yes, no or unknown.")]


def lint(
    file: File = None,
    home: Home = None,
    as_json: Json = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
) -> None:
    """Check a policy: errors with file, line, column and what was probably meant; warnings after them.

    Example: dragoman policy lint policy.yaml
    """
    from policies.lint import lint as lint_policy
    from proxy.policy.source import check_examples, check_supported

    with exit_codes(as_json):
        loaded = _open(file, _settings(home, None, None))
        found = [*lint_policy(loaded, cli.today_utc()), *check_examples(loaded), *check_supported(loaded)]
        problems = sorted(found)
        holds = cli.report(loaded, problems, as_json=as_json, strict=strict)
    if not holds:
        raise typer.Exit(1)


def cases(
    file: File = None,
    home: Home = None,
    as_json: Json = False,
    detectors: Detectors = None,
    languages: Languages = None,
) -> None:
    """Run the policy's own cases with the detection that inspects transfers; name the rules that no case uses.

    Example: dragoman policy test policy.yaml
    """
    from policies.cases import run_cases

    settings = _settings(home, detectors, languages)
    with exit_codes(as_json):
        loaded = _open(file, settings)
        results = run_cases(loaded, _engine(settings, loaded), cli.today_utc())
        _tell(loaded, results, as_json)
    if not all(one.holds for one in results):
        raise typer.Exit(1)


def explain(
    file: File = None,
    text: Annotated[str, typer.Option("--text", help="What would be sent; `-` reads standard input.")] = "",
    to: Annotated[str, typer.Option("--to", help="Destination.")] = "openai",
    application: Application = None,
    kind: Annotated[str, typer.Option(help="Whose words: user, system, tool_result, ...")] = "user",
    language: Annotated[str, typer.Option(help="Language of the text, instead of the detected one.")] = "",
    purpose: Annotated[str | None, typer.Option(help="Purpose, instead of the application's own.")] = None,
    consent: Word = "unknown",
    objected: Flag = "unknown",
    minor: Flag = "unknown",
    home: Home = None,
    as_json: Json = False,
    detectors: Detectors = None,
    languages: Languages = None,
) -> None:
    """Say which rule decides about each finding in a text, and why the others do not.

    Example: dragoman policy explain --app messenger --to openai --text "Ruf mich an: 0171 2345678"
    """
    from policies import explain as explaining

    settings = _settings(home, detectors, languages)
    given = {"app": application, "to": to, "kind": kind, "language": language, "purpose": purpose}
    given |= {"consent": consent, "objected": objected, "minor": minor}
    with exit_codes(as_json):
        loaded = _open(file, settings)
        case = _transfer(loaded, given, sys.stdin.read() if text == "-" else text, _engine(settings, loaded))
        story = explaining.explain(loaded.policy, case)
        print_json(explaining.as_data(story)) if as_json else typer.echo(explaining.render(story))


def simulate(
    file: File = None,
    since: Annotated[str, typer.Option(help="From (UTC): 2026-11-24, 2026-11-24T10:00, or 7d, 12h, 30m ago.")] = "7d",
    application: Annotated[str | None, typer.Option("--app", help="Only this application's transfers.")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Replay recorded transfers under a policy: what would have been blocked, routed or replaced otherwise.

    Works on the counts in the audit log; no text is needed, and none is kept.

    Example: dragoman policy simulate policy.yaml --since 7d
    """
    from audit import query
    from audit.commands.reading import moment, reading
    from audit.values import Question
    from policies import simulate as simulating
    from proxy.policy.replay import Replay
    from proxy.running.databases import AUDIT, database_url

    start = moment(since)
    settings = _settings(home, None, None)
    with exit_codes(as_json):
        loaded = _open(file, settings)
        with reading(settings.home, database_url(settings, AUDIT) or None) as log:
            with log.store.read() as connection:
                first = query.first_since(connection, start or 0)
                kinds = ("transfer", "blocked")
                replay = Replay(query.entries(connection, since=first, kinds=kinds) if first is not None else ())
                replay.application = application
                found = simulating.simulate(loaded.policy, replay)
            log.asked(Question.QUERY, found.transfers, filters=("simulate",))
        if as_json:
            print_json(simulating.as_data(found) | {"left_out": replay.left_out})
            return
        typer.echo(simulating.render(found))
        if replay.left_out:
            typer.echo(f"{replay.left_out:,} refusals that no rule decided were left out")


def except_(
    value: Annotated[str, typer.Argument(help="The value, as it stands in a text; `-` reads it from standard input.")],
    entity_type: Annotated[str, typer.Option("--type", help="What it was taken for, such as PERSON.")],
    because: Annotated[str, typer.Option("--because", help="Why it is no personal data, or may be sent.")],
    application: Annotated[
        list[str] | None, typer.Option("--app", help="Application for which it holds (may repeat; else for all).")
    ] = None,
    days: Annotated[int, typer.Option("--days", help="How long it holds.")] = 30,
    to: Annotated[str, typer.Option("--to", help="Destination at which it was changed or stopped.")] = "",
    rule: Annotated[
        str, typer.Option("--rule", help="Rule that it is excepted from (default: the one that decides).")
    ] = "",
    approved_by: Annotated[str | None, typer.Option("--approved-by", help="Who approved it (default: you).")] = None,
    policy: Annotated[Path | None, typer.Option("--policy", help="Policy file (default: the one in force).")] = None,
    home: Home = None,
) -> None:
    """Let a value pass that is found by mistake: an exception with an end, and a case that proves it.

    The file holds only a keyed hash of the value. A running dragoman takes it up within seconds.

    Example: dragoman policy except "Ada Lovelace" --type PERSON --app messenger --days 30 --because "a street"
    """
    from policies.cases import failing, run_cases
    from policies.load import read
    from proxy.policy.excepting import Wanted, except_value
    from proxy.policy.source import policy_path
    from proxy.policy.value_refs import ValueRefs

    settings = _settings(home, None, None)
    today = cli.today_utc()
    with exit_codes():
        path = policy_path(settings.home, policy or settings.policy)
        if path is None:
            raise UsageError(
                "an exception needs a policy file: `dragoman policy new --out "
                f"{settings.home / 'policy.yaml'}` writes one"
            )
        found = (sys.stdin.readline().rstrip("\n") if value == "-" else value).strip()
        if not found:
            raise UsageError("an exception needs a value")
        loaded, text = read(path), path.read_text(encoding="utf-8")
        refs = ValueRefs.of_home(settings.home)(entity_type, found)
        approver = approved_by or getpass.getuser()
        wanted = Wanted(entity_type, refs, tuple(application or ()), days, because, approver, rule, to)
        made = except_value(text, loaded, wanted, today)

        def fits(new: Loaded) -> bool:
            if problems := failing(run_cases(new, _engine(settings, new), today)):
                raise PolicyFileError(problems)
            return True

        cli.write_checked(path, made.text, fits)
        typer.echo(f"{path}: an exception from rule {made.rule} until {made.until}, and a case that proves it")


def facts_difference(
    destination: Annotated[str, typer.Argument(help="A destination of the policy.")],
    file: File = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Compare a destination's pinned facts with the register's newest edition, and say whom a newer fact touches.

    Example: dragoman policy facts diff openai
    """
    from policies import facts_diff
    from proxy.policy.replay import recorded_to

    settings = _settings(home, None, None)
    with exit_codes(as_json):
        found = facts_diff.compare(_open(file, settings), destination)
        sent = recorded_to(settings.home, destination)
        if as_json:
            print_json(facts_diff.as_data(found) | {"recorded": sent})
            return
        typer.echo(facts_diff.render(found))
        if sent:
            typer.echo(f"  recorded transfers there: {', '.join(f'{name} {n:,}' for name, n in sent.items())}")


app = typer.Typer(help="Write, check, explain and compare policies.", no_args_is_help=True, rich_markup_mode=None)
app.command("lint")(lint)
app.command("test")(cases)
app.command("explain")(explain)
app.command("diff")(cli.diff)
app.command("simulate")(simulate)
app.command("except")(except_)
facts = typer.Typer(help="Facts about destinations: what is pinned, what is known now.", no_args_is_help=True)
facts.command("diff")(facts_difference)
facts.command("accept")(cli.accept)
app.add_typer(facts, name="facts")
app.command("schema")(cli.schema)
app.command("show")(cli.show_command)
app.command("fmt")(cli.fmt)
app.command("new")(cli.new)
app.command("enforce")(cli.enforce)
app.command("propose")(activation.propose_)
app.command("agree")(activation.agree)
app.command("rollback")(activation.rollback)
app.command("proposals")(activation.proposals)
app.command("history")(activation.history)


def _settings(home: Path | None, detectors: str | None, languages: str | None) -> Settings:
    return load(
        home=home,
        detectors=tuple(detectors.split(",")) if detectors else None,
        languages=tuple(languages.split(",")) if languages else None,
    )


def _open(file: str | None, settings: Settings) -> Loaded:
    """The policy that a command names, else the one that `dragoman run` would take. Raises PolicyFileError."""
    from proxy.policy.source import policy_path

    path = policy_path(settings.home, settings.policy)
    return cli.open_policy(file or (str(path) if path else f"bundled:{settings.bundled}"))


def _engine(settings: Settings, loaded: Loaded) -> "EngineFacts":
    from proxy.policy.own_entities import own_entities
    from proxy.policy.value_refs import ValueRefs
    from proxy.steps.policy_facts import EngineFacts, engine_settings, no_refs

    refs = ValueRefs.of_home(settings.home) if loaded.policy.needs_value_refs else no_refs
    return EngineFacts(engine_settings(settings, own_entities(loaded.policy.entities)), refs)


def _tell(loaded: Loaded, results: "list[CaseResult]", as_json: bool) -> None:
    from policies.cases import covered_rules, failing

    used, unused = covered_rules(loaded.policy, results)
    if as_json:
        cases = [{"name": one.name, "holds": one.holds, "differences": list(one.differences)} for one in results]
        print_json({"holds": all(one.holds for one in results), "cases": cases, "unused_rules": unused})
        return
    for one in results:
        typer.echo(f"{'✓' if one.holds else '✗'} {one.name}")
    for problem in failing(results):
        typer.echo(problem.render(), err=True)
    held = sum(one.holds for one in results)
    typer.echo(f"{held} of {len(results)} cases hold; they use {len(used)} of {len(used) + len(unused)} rules")
    if unused:
        typer.echo(f"no case uses: {', '.join(unused)}")


def _transfer(loaded: Loaded, given: dict[str, Any], text: str, find: "EngineFacts") -> "PolicyInput":
    """The transfer that `explain` is about. Raises UnknownNameError, UsageError for words that mean nothing."""
    from policies.cases import case_input, case_of

    case = case_of(loaded.policy, given, text)
    facts = find(text, kind=case.kind, language=case.language) if text else ()
    return case_input(case, facts, cli.today_utc())
