"""A year of made-up transfers, written through the real writer, to ask the questions of a log of that size.

The same number and seed give the same transfers; only the keys of references and of the log are new each time. What
is skipped is the checking of each record and the wait for each commit: facts are made from records that were checked
once, and batches are large. Indices of the derived tables are made at the end, which is when most of them fit.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import batched, product
from typing import Any

import sqlalchemy as sa

from audit.checks import Json
from audit.ids import new_id
from audit.ledger.writer import Draft, Writer
from audit.log import Ledger
from audit.progress import Progress, silent
from audit.record import BlockedRecord, DestinationFacts, ExchangeFacts, OutcomeRecord, PurposeFacts, TransferRecord
from audit.tables import entry, finding, transfer
from audit.values import (
    Action,
    Door,
    Environment,
    IdentifiedBy,
    Mode,
    OutcomeState,
    TransferMechanism,
)

DAY_MS = 86_400_000
END = 1_767_225_600_000
"""Midnight before 2026-01-01, UTC; the year before it is filled."""
DAYS = 365
BATCH = 65_536
"""Drafts in one transaction: a page of persons that is touched by several of them is written once."""

_DIGESTS = tuple(f"{number:064x}" for number in range(1, 13))
_APPLICATIONS = tuple(f"app-{number:02d}" for number in range(24))
_PURPOSES = (
    ("support", "contract"),
    ("moderation", "legitimate-interest"),
    ("recommend", "consent"),
    ("search", "consent"),
)
_MODELS = (
    "gpt-5",
    "gpt-5-mini",
    "claude-sonnet",
    "claude-opus",
    "gemini-pro",
    "gemini-flash",
    "llama-4",
    "mistral-large",
)
_DESTINATIONS = (
    ("openai", "OpenAI Ireland Ltd", ("US", "IE"), TransferMechanism.SCC_M2),
    ("anthropic", "Anthropic Ireland Ltd", ("US",), TransferMechanism.SCC_M2),
    ("gemini", "Google Cloud EMEA Ltd", ("NL", "DE"), TransferMechanism.NONE_NEEDED),
    ("llama", "Meta Platforms Ireland Ltd", ("US",), TransferMechanism.DPF_LISTED),
    ("mistral", "Mistral AI SAS", ("FR",), TransferMechanism.NONE_NEEDED),
    ("own", "Example Social Ltd", ("VN",), TransferMechanism.NONE_NEEDED),
)
_TYPES = (
    "PERSON", "EMAIL_ADDRESS", "PHONE_NUMBER", "LOCATION", "IBAN_CODE", "DATE_TIME", "ADDRESS", "USER_NAME",
    "CREDIT_CARD", "IP_ADDRESS", "VN_CCCD", "DE_TAX_ID",
)  # fmt: skip
_LANGUAGES = ("de", "en", "vi")
_PAIRS = tuple(high + low for high, low in product("0123456789ABCDEFGHJKMNPQRSTVWXYZ", repeat=2))
_LATE: tuple[sa.Index, ...] = tuple(
    index for table in (entry, transfer, finding) for index in sorted(table.indexes, key=lambda one: str(one.name))
)
RARE = "DE_PASSPORT"
"""A kind of data that about one transfer in fifty thousand holds."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What many transfers share. facts: of a record that was checked; kind: of record."""

    kind: str
    facts: dict[str, Json]


def shapes(rng: random.Random) -> list[Shape]:
    """The combinations that traffic is made of, the frequent ones first."""
    found = []
    for application, (name, entity, countries, mechanism) in product(_APPLICATIONS, _DESTINATIONS):
        purpose, basis = _PURPOSES[rng.randrange(len(_PURPOSES))]
        common: dict[str, Any] = {
            "id": new_id(END),
            "at": END,
            "environment": Environment.PROD if rng.random() < 0.9 else Environment.STAGING,
            "application": application,
            "identified_by": IdentifiedBy.CREDENTIAL,
            "purpose": PurposeFacts(name=purpose, controller="Example Social Ltd", basis=basis),
            "destination": DestinationFacts(
                name=name, contracting_entity=entity, role="processor", transfer=mechanism, processing=countries,
                storage=countries, retention="30d", training="no", register_digest=_DIGESTS[0],
            ),
            "provider": name,
            "host": f"api.{name}.example.com",
            "endpoint": "chat.completions",
            "format": "openai_chat",
            "door": Door.GATEWAY,
            "mode": Mode.GATEWAY,
            "policy_name": "messenger",
            "commitment_in": _DIGESTS[1],
            "policy_digest": _DIGESTS[2],
        }  # fmt: skip
        made: ExchangeFacts = TransferRecord(**common, action=Action.TRANSFORM, bytes_out=1, commitment_out=_DIGESTS[1])
        found.append(Shape("transfer", made.facts()))
        made = BlockedRecord(**common, action=Action.BLOCK, reason="policy_blocked", status=403)
        found.append(Shape("blocked", made.facts()))
    rng.shuffle(found)
    return found


def drafts(transfers: int, persons: Sequence[str], *, seed: int = 1) -> Iterator[Draft]:
    """So many transfers in the order of their times, each with its outcome. persons: references, the busiest first."""
    rng = random.Random(seed)  # noqa: S311 (made-up traffic)
    of = shapes(rng)
    sent, refused = ([one for one in of if one.kind == kind] for kind in ("transfer", "blocked"))
    outcome = OutcomeRecord(id=new_id(END), at=END, state=OutcomeState.COMPLETE, status=200, tokens_in=1, tokens_out=1)
    ends = outcome.facts()
    step = DAYS * DAY_MS / transfers
    for number in range(transfers):
        at = END - DAYS * DAY_MS + int(number * step)
        # The powers make some combinations and persons far busier than others, as traffic is.
        shape = (
            refused[int(rng.random() * len(refused))]
            if rng.random() < 0.02
            else sent[int(len(sent) * rng.random() ** 3)]
        )
        facts = _varied(rng, shape, at, persons)
        yield Draft(shape.kind, facts)
        if shape.kind == "transfer" and number < transfers - 20:
            spoilt = rng.random() < 0.001
            yield Draft(
                "outcome",
                ends
                | {
                    "id": facts["id"],
                    "at": at + 200 + int(rng.random() * 19_800),
                    "state": str(OutcomeState.INTERRUPTED if spoilt else OutcomeState.COMPLETE),
                    "status": 502 if spoilt else 200,
                    "tokens_in": 10 + int(rng.random() * 3_990),
                    "tokens_out": 10 + int(rng.random() * 790),
                },
            )


def _varied(rng: random.Random, shape: Shape, at: int, persons: Sequence[str]) -> dict[str, Json]:
    ref = persons[int(len(persons) * rng.random() ** 1.5)]
    size = 200 + int(rng.random() * 19_800)
    facts = shape.facts | {
        "id": _ulid(rng, at),
        "at": at,
        "model": _MODELS[int(len(_MODELS) * rng.random() ** 2)],
        "session": ref,
        "policy_digest": _DIGESTS[(END - at) // (31 * DAY_MS) % len(_DIGESTS)],
        "bytes_in": size,
    }
    if findings := _findings(rng):
        facts["findings"] = findings
    if rng.random() < 0.9:
        facts["subjects"] = [{"ref": ref, "role": "requester"}]
    if shape.kind == "transfer":
        facts["bytes_out"] = size + int(rng.random() * 100)
    return facts


def _findings(rng: random.Random) -> "list[Json]":
    kinds = {_TYPES[int(len(_TYPES) * rng.random() ** 2)] for _ in range(int(rng.random() * 4))}
    if rng.random() < 0.00002:
        kinds.add(RARE)
    return [
        {
            "entity_type": kind,
            "operator": "keep" if kind in {"LOCATION", "DATE_TIME"} else "tokenize",
            "n": 1 + int(rng.random() * 5),
            "rule": "people-become-placeholders",
            "score_decile": 8,
            "language": _LANGUAGES[int(rng.random() * 3)],
            "recognizer": "patterns",
            "where": "/messages/*/content",
            "kind": "user",
        }
        for kind in sorted(kinds)
    ]


def _ulid(rng: random.Random, at: int) -> str:
    value = (at << 80) | rng.getrandbits(80)
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in range(120, -1, -10)])


def person(number: int) -> str:
    """The identifier of a made-up person."""
    return f"person-{number}@example.com"


def fill(ledger: Ledger, transfers: int, *, seed: int = 1, progress: Progress = silent) -> int:
    """Writes so many transfers and their outcomes into a log; returns how many persons they concern."""
    writer = Writer(ledger.store, ledger.home.load_signer(), ledger.references, "made-up", new_id())
    persons = ledger.references.made([person(number) for number in range(max(10, transfers // 20))])
    with ledger.store.write() as connection:
        for index in _LATE:
            index.drop(connection, checkfirst=True)
    done = 0
    for some in batched(drafts(transfers, persons, seed=seed), BATCH):
        writer.commit(some)
        done += sum(draft.kind != "outcome" for draft in some)
        progress(done, transfers)
    finish(ledger)
    return len(persons)


def finish(ledger: Ledger) -> None:
    """Makes the indices, also those of a filling that was cut off."""
    for index in _LATE:
        with ledger.store.write() as connection:
            index.create(connection, checkfirst=True)
