"""Operations on tokens, the asker's own included."""

from typing import Annotated

from pydantic import Field, StringConstraints

from proxy.console.access import Right
from proxy.console.inputs import Nothing
from proxy.console.operations.base import Answer, Call, Desk, Operation
from proxy.console.outputs import COUNT, MAYBE_COUNT, STRING, Json, many, thing
from proxy.control.tokens import MAX_DAYS, Role


class TokenBody(Nothing):
    """A token for a team or an auditor."""

    role: Role = Field(description="team, or of an officer auditor; others get theirs from `dragoman token create`.")
    name: str = Field(min_length=1, max_length=96, pattern=r"^[^\x00]*$", description="Whose it is.")
    applications: list[Annotated[str, StringConstraints(max_length=63, pattern=r"^[^\x00]*$")]] = Field(
        default_factory=list, max_length=100, description="Of a team: what it may see."
    )
    days: int = Field(90, ge=1, le=MAX_DAYS, description="How long it opens anything.")


def _tokens(desk: Desk, call: Call) -> Answer:
    return {"items": [one.data() for one in desk.tokens.all(call.visitor)]}


def _create(desk: Desk, call: Call) -> Answer:
    body = call.body
    value, made = desk.tokens.create(call.visitor, body.role, body.name, tuple(body.applications), body.days)
    return {"token": value, **made.data()}


def _revoke(desk: Desk, call: Call) -> Answer:
    found = desk.tokens.revoke(call.visitor, call.path["id"])
    return next(one for one in desk.tokens.all(call.visitor) if one.id == found.id).data()


def _me(desk: Desk, call: Call) -> Answer:
    visitor, token = call.visitor, call.visitor.token
    return {
        "id": token.id,
        "role": str(token.role),
        "name": token.name,
        "applications": None if visitor.applications is None else list(visitor.applications),
        "rights": sorted(str(right) for right in Right if visitor.may(right)),
        "expires": token.expires,
    }


TOKEN: dict[str, Json] = {
    "id": STRING,
    "role": {"enum": [str(role) for role in Role]},
    "name": STRING,
    "applications": many(STRING),
    "created": COUNT,
    "expires": COUNT,
    "revoked": MAYBE_COUNT,
}
ME = thing(
    id=STRING,
    role=STRING,
    name=STRING,
    applications={"anyOf": [many(STRING), {"type": "null"}]},
    rights=many(STRING),
    expires=COUNT,
)
_TOKEN_ID: Json = {"type": "string", "pattern": "^[0-9a-f]{8}$"}

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/tokens", "listTokens", "Every token, without its secret.", _tokens,
              thing(items=many(thing(**TOKEN))), right=Right.TOKENS),
    Operation("POST", "/tokens", "createToken", "A token for a team or an auditor, shown this once.", _create,
              thing(token=STRING, **TOKEN), right=Right.TOKENS, body=TokenBody, status=201),
    Operation("DELETE", "/tokens/{id}", "revokeToken", "End a token and its sessions at once.", _revoke,
              thing(**TOKEN), right=Right.TOKENS, path_schemas={"id": _TOKEN_ID}),
    Operation("GET", "/me", "whoAmI", "The token that asks.", _me, ME, right=None),
)  # fmt: skip
