"""Errors of the API as problem details (RFC 9457): what happened, in words that hold nothing of what was asked."""

import logging
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from audit.errors import AuditError, StoreError
from policies.errors import PolicyError
from proxy.errors import ProxyError, UnavailableError, place_of

log = logging.getLogger("dragoman")

MEDIA_TYPE = "application/problem+json"


class TooManyError(ProxyError):
    """Too often. retry_after_s: when to try again."""

    code = "too_many_requests"
    status = 429

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"too many requests; try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class InputError(ProxyError):
    """A parameter or body that does not fit. errors: place and rule of each fault, never the value."""

    code = "input"
    status = 400

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("; ".join(f"{one['where']}: {one['what']}" for one in errors[:8]))
        self.errors = errors

    @classmethod
    def of(cls, error: ValidationError, model: type[BaseModel]) -> "InputError":
        """What pydantic found in a model's fields, without what was given."""
        names = _names(model)
        faults = []
        for one in error.errors(include_input=False, include_url=False):
            # A name in a mapping came from outside, as a value did.
            named = (part for part in one["loc"] if part != "[key]")
            where = tuple(part if isinstance(part, int) or part in names else "*" for part in named)
            faults.append(_fault(one["type"], where, one["msg"], one.get("ctx", {})))
        return cls(faults)


def checked[M: BaseModel](model: type[M], given: object) -> M:
    """What came from outside as a model of `inputs`. Raises InputError."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise InputError.of(error, model) from None


@cache
def _names(model: type[BaseModel]) -> frozenset[str]:
    schema = model.model_json_schema()
    shapes = (schema, *schema.get("$defs", {}).values())
    return frozenset(name for shape in shapes for name in shape.get("properties", {}))


def _fault(kind: str, where: tuple[int | str, ...], what: str, context: Mapping[str, object]) -> dict[str, str]:
    if kind == "extra_forbidden":
        # The name itself came from outside; it may be somebody's address in the wrong place.
        where, what = where[:-1], "holds a field that does not exist here"
    return {"where": ".".join(map(str, where)) or "input", "what": _plain(kind, what, context)}


_PLAIN = {
    "missing": "is missing",
    "model_type": "has to be an object with fields",
    "model_attributes_type": "has to be an object with fields",
    "dict_type": "has to be an object with fields",
    "list_type": "has to be a list",
    "string_type": "has to be a text",
    "int_type": "has to be a whole number",
    "int_parsing": "has to be a whole number",
    "int_from_float": "has to be a whole number",
    "int_parsing_size": "is too large a number",
    "float_type": "has to be a number",
    "float_parsing": "has to be a number",
    "bool_type": "has to be true or false",
    "bool_parsing": "has to be true or false",
    "string_too_long": "is longer than {max_length} characters",
    "string_too_short": "is shorter than {min_length} characters",
    "too_long": "has more than {max_length} entries",
    "too_short": "has fewer than {min_length} entries",
    "less_than_equal": "has to be at most {le}",
    "greater_than_equal": "has to be at least {ge}",
    "string_pattern_mismatch": "has to fit {pattern}",
    "enum": "has to be one of {expected}",
    "literal_error": "has to be one of {expected}",
}


def _plain(kind: str, what: str, context: Mapping[str, object]) -> str:
    """The fault in a person's words, for those that a person may cause. context: limits, as the model states them."""
    said = _PLAIN.get(kind)
    return what.removeprefix("Value error, ") if said is None else said.format_map(context)


def known(error: Exception) -> tuple[int, str, str] | None:
    """Status, code and text of an error that was raised on purpose; None for a defect."""
    if isinstance(error, ProxyError):
        return error.status, error.code, error.message
    if isinstance(error, StoreError) and error.code == "store_schema":
        return 503, error.code, error.message  # numbers of schemas, and what to do
    if isinstance(error, AuditError):
        return 503, error.code, "the audit log does not answer, and what is not recorded is not answered"
    if isinstance(error, PolicyError):
        return 409, error.code, "the policy's files hold errors; `dragoman policy lint` names them"
    if isinstance(error, ClientDisconnect):
        return 400, "gone", "the request broke off"  # which nobody reads, and which is no defect
    return None


def retry_after(error: Exception) -> Mapping[str, str]:
    """The header that says when to try again, where there is something to say."""
    if isinstance(error, TooManyError | UnavailableError):
        return {"retry-after": str(error.retry_after_s)}
    if isinstance(error, ProxyError) and error.status == 401:
        return {"www-authenticate": 'Bearer realm="dragoman"'}
    return {}


def problem(error: Exception) -> Response:
    """The answer for an error; a defect is named by its kind alone, because its text could hold anything."""
    found = known(error)
    if found is None:
        log.error("console: an unexpected %s", place_of(error))
    status, code, text = found or (500, "defect", f"an unexpected {type(error).__name__} happened; please report it")
    body = {"type": f"urn:dragoman:problem:{code}", "title": HTTPStatus(status).phrase, "status": status}
    body |= {"detail": text, "code": code}
    if isinstance(error, InputError):
        body["errors"] = error.errors
    return Response(orjson.dumps(body), status, dict(retry_after(error)), MEDIA_TYPE)


SCHEMA: dict[str, object] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Stable; programs decide by it."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["where", "what"],
                "properties": {"where": {"type": "string"}, "what": {"type": "string"}},
            },
        },
    },
}
