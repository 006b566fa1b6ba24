"""Errors of the API as problem details (RFC 9457): what happened, in words that hold nothing of what was asked."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from audit.errors import AuditError, StoreError
from policies.errors import PolicyError
from proxy.console.language import Words, words
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


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not fit, without what was given.

    where: names of our own fields, `input` for the whole. rule: its name among the pages' words (`fault`), and the
    limits that it speaks of. text: in English, where no words of ours say it.
    """

    where: str
    rule: str
    limits: Mapping[str, Any] = MappingProxyType({})
    text: str = ""

    def told(self, t: Words) -> str:
        """The fault in a person's words."""
        key = f"fault.{self.rule}"
        return t(key, **self.limits) if key in t.texts else self.text


class InputError(ProxyError):
    """A parameter or body that does not fit."""

    code = "input"
    status = 400

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        super().__init__("; ".join(f"{one['where']}: {one['what']}" for one in self.errors[:8]))

    @property
    def errors(self) -> list[dict[str, str]]:
        """Place and rule of each fault, as the API tells them."""
        return [{"where": one.where, "what": one.told(words("en"))} for one in self.faults]

    def told(self, t: Words) -> str:
        """The faults in the words of a page, with the names that its forms have for their fields."""
        return "; ".join(f"{t.field(one.where)}: {one.told(t)}" for one in self.faults[:8])

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
        return cls(*faults)


def wrong(where: str, rule: str, **limits: object) -> InputError:
    """The error of one field."""
    return InputError(Fault(where, rule, limits))


def within(where: str, text: str, longest: int) -> str:
    """The text of a field, which is no longer than that. Raises InputError."""
    if len(text) > longest:
        raise wrong(where, "string_too_long", max_length=longest)
    return text


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


_SAME_AS = {
    "model_attributes_type": "model_type",
    "dict_type": "model_type",
    "int_parsing": "int_type",
    "int_from_float": "int_type",
    "float_parsing": "float_type",
    "bool_parsing": "bool_type",
    "literal_error": "enum",
}
"""Rules of pydantic that a person need not tell apart."""


def _fault(rule: str, where: tuple[int | str, ...], text: str, context: Mapping[str, Any]) -> Fault:
    if rule == "extra_forbidden":
        where = where[:-1]  # the name itself came from outside; it may be somebody's address in the wrong place
    expected = str(context.get("expected", ""))
    limits = {**context, "expected": ", ".join(re.findall(r"'([^']*)'", expected)) or expected}
    told = text.removeprefix("Value error, ")
    return Fault(".".join(map(str, where)) or "input", _SAME_AS.get(rule, rule), limits, told)


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
