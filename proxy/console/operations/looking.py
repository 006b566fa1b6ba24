"""Operations for whoever watches: what changed, whether everything works, what to see to, one's own searches."""

from dataclasses import asdict
from typing import Any

from pydantic import Field

from audit.questions.conditions import CONDITIONS
from proxy.console import moments
from proxy.console.access import Right
from proxy.console.health import Condition
from proxy.console.inputs import Conditions, Nothing
from proxy.console.operations.base import ID, Answer, Call, Desk, Operation
from proxy.console.outputs import COUNT, FACTS, STRING, Json, many, thing
from proxy.console.problems import checked
from proxy.control.searches import LONGEST_NAME, SavedSearch

MOST_DAYS = 366


class ChangesQuery(Nothing):
    """Which period."""

    days: int = Field(7, ge=1, le=MOST_DAYS, description="Whole days in UTC, today included; before are as many.")


class SearchBody(Nothing):
    """A name of one's own for a set of filters; a search of the same name is replaced."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00-\x1f\x7f]*$")
    filters: dict[str, str] = Field(max_length=len(CONDITIONS), description="As in an address of the transfers.")


def _changes(desk: Desk, call: Call) -> Answer:
    days = call.query.days
    since = moments.today_start() - (days - 1) * moments.DAY_MS
    found = desk.questions.changes(call.visitor, since, days)
    compared = {
        name: [{"name": one, "before": before, "now": now} for one, before, now in rows]
        for name, rows in found.compared.items()
    }
    return {"since": since, **compared, "acts": [dict(one) for one in found.acts]}


def _health(desk: Desk, call: Call) -> Answer:
    return _condition(desk.health.condition(call.visitor))


def _condition(found: Condition) -> Json:
    doors = found.doors
    return {
        "takes_transfers": None if doors is None else doors.takes,
        "open_transfers": None if doors is None else doors.open,
        "events": [] if doors is None else [{"kind": kind, "class": of, "n": n} for kind, of, n in doors.events],
        "entries": found.size,
        "witnesses": found.witnesses,
        "witnessed": found.witnessed,
        "ends": [{"what": one.what, "at": int(one.at * 1000), "soon": one.ends_soon(found.now)} for one in found.ends],
    }


def _warnings(desk: Desk, call: Call) -> Answer:
    return {"items": [asdict(one) for one in desk.health.warnings(call.visitor)]}


def _searches(desk: Desk, call: Call) -> Answer:
    return {"items": [_search(one) for one in desk.searches.all(call.visitor.token)]}


def _save(desk: Desk, call: Call) -> Answer:
    body, token = call.body, call.visitor.token
    given = checked(Conditions, body.filters).model_fields_set
    desk.searches.save(token, body.name, {name: body.filters[name] for name in given})
    return _searches(desk, call)


def _forget(desk: Desk, call: Call) -> Answer:
    desk.searches.remove(call.visitor.token, call.path["id"])
    return _searches(desk, call)


def _search(one: SavedSearch) -> Json:
    return {"id": one.id, "name": one.name, "filters": dict(one.filters)}


_COMPARED = many(thing(name=STRING, before=COUNT, now=COUNT))
CHANGES = thing(
    "Against as many days before. Kinds of data count findings, the others transfers.",
    since=COUNT,
    destination=_COMPARED,
    application=_COMPARED,
    entity_type=_COMPARED,
    acts={**many(FACTS), "description": "What people did besides; empty for teams."},
)
HEALTH = thing(
    takes_transfers={"type": ["boolean", "null"], "description": "Null where the doors do not answer."},
    open_transfers={"type": ["integer", "null"]},
    events=many(thing(kind=STRING, n=COUNT, **{"class": STRING})),
    entries=COUNT,
    witnesses={"type": "boolean", "description": "Whether some are configured."},
    witnessed={**COUNT, "description": "Entries that a witness has seen."},
    ends=many(thing(what=STRING, at=COUNT, soon={"type": "boolean"})),
)
WARNING = thing(
    code={**STRING, "description": "facts, exceptions, exceptions_ended, policy, ending, no_witness, unseen"},
    n=COUNT,
    path={**STRING, "description": "The page that says more."},
)
_TEXTS: Json = {"type": "object", "additionalProperties": STRING}
SEARCHES = thing(items=many(thing(id=STRING, name=STRING, filters=_TEXTS)))
_OWN: dict[str, Any] = {"right": Right.TRANSFERS}

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/changes", "getChanges", "What is new, gone, more or less against the period before.", _changes,
              CHANGES, query=ChangesQuery),
    Operation("GET", "/health", "getHealth", "Whether everything works, and what ends when.", _health, HEALTH,
              right=Right.LOG),
    Operation("GET", "/warnings", "listWarnings", "What somebody should see to.", _warnings, thing(items=many(WARNING)),
              **_OWN),
    Operation("GET", "/searches", "listSearches", "Searches that you keep.", _searches, SEARCHES, **_OWN),
    Operation("POST", "/searches", "saveSearch", "Keep a search under a name; one of the same name is replaced.",
              _save, SEARCHES, body=SearchBody, **_OWN),
    Operation("DELETE", "/searches/{id}", "forgetSearch", "Forget one.", _forget, SEARCHES, path_schemas={"id": ID},
              **_OWN),
)  # fmt: skip
