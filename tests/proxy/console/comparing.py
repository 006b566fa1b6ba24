"""Mirrored requests in a console's log, with both answers in its vault, as a running dragoman leaves them."""

from contextlib import closing

import orjson

from audit.ids import new_id, now_ms
from audit.record import DestinationFacts, OutcomeRecord, StageTime
from audit.values import Action, Environment, OutcomeState, Stage
from redaction.vault import open_vault
from tests.audit.conftest import exchange_record
from tests.proxy.console.conftest import Console

OPENAI, OWN = ("openai", "gpt-5-mini"), ("own-llama", "llama-3.3-70b")
SAID = ("Call [PERSON_4V0M7KQ2] back.", "Write to [PERSON_7K3QX2MA]; <b>today</b> \u202e!")


def mirrored(console: Console, n: int = 1, *, kept: bool = True) -> list[str]:
    """So many exchanges, each with a copy; their ids, oldest first."""
    ids = [new_id() for _ in range(n)]
    for number, exchange in enumerate(ids):
        at = now_ms() - 60_000 * (n - number)
        for attempt, (destination, model) in enumerate((OPENAI, OWN), start=1):
            facts = DestinationFacts(
                name=destination, contracting_entity="us" if attempt == 2 else "OpenAI Ireland Ltd"
            )
            record = exchange_record(
                id=exchange, attempt=attempt, at=at, destination=facts, model=model, environment=Environment.TEST,
                action=Action.MIRROR if attempt == 2 else Action.TRANSFORM,
            )  # fmt: skip
            console.ledger.append_blocking(record)
            stages = (StageTime(stage=Stage.WAIT, us=100_000 * attempt), StageTime(stage=Stage.TOTAL, us=900_000))
            outcome = OutcomeRecord(
                id=exchange, attempt=attempt, at=at + 1_000, state=OutcomeState.COMPLETE, upstream_status=200,
                tokens_in=1_200, tokens_out=300 * attempt, stages=stages,
            )  # fmt: skip
            console.ledger.append_blocking(outcome)
    if kept:
        keep(console, ids)
    return ids


def keep(console: Console, ids: list[str]) -> None:
    """Both answers of each, under scopes of their own."""
    with closing(open_vault(console.home)) as vault:
        for exchange in ids:
            for attempt, (destination, model) in enumerate((OPENAI, OWN), start=1):
                scope = vault.open_scope(f"{exchange} {destination}", destination=destination)
                token = SAID[attempt - 1].partition("[")[2].partition("]")[0]
                asked = [["system", "Be brief."], ["user", f"What do I tell [{token}]?"]]
                half = {"destination": destination, "model": model, "asked": asked, "said": [SAID[attempt - 1]]}
                vault.answers.keep(scope, exchange, attempt, orjson.dumps(half).decode(), 86_400)
