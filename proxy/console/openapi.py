"""The description of the API, OpenAPI 3.1, made from the table of operations."""

import re
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel

from proxy.console import problems
from proxy.console.access import RIGHTS
from proxy.console.operations import ALL
from proxy.console.operations.base import JSON, TEXT, Operation

BASE = "/api/v1"
_PROBLEM = {"$ref": "#/components/responses/Problem"}


def document() -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in ALL:
        paths.setdefault(BASE + operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "dragoman",
            "version": version("dragoman"),
            "description": "Who controls, stores and uses what left, and the proof. Every reading is a record.",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "From `dragoman token create`.",
                }
            },
            "responses": {
                "Problem": {
                    "description": "What happened and what to do (RFC 9457).",
                    "content": {problems.MEDIA_TYPE: {"schema": problems.SCHEMA}},
                }
            },
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": _roles(operation),
        "parameters": [*_path(operation), *_query(operation.query)],
        "responses": {
            str(operation.status): {"description": operation.summary, "content": _content(operation)},
            **dict.fromkeys(_errors(operation), _PROBLEM),
        },
    }
    if operation.body is not None:
        schema = _inlined(operation.body)
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    return described


def _roles(operation: Operation) -> str:
    if operation.right is None:
        return "Every token."
    return f"Roles: {', '.join(sorted(RIGHTS[operation.right]))}."


def _errors(operation: Operation) -> list[str]:
    codes = ["400", "401", "403", "409", "429", "500", "503"]
    if operation.path_schemas:
        codes.append("404")
    if operation.body is not None:
        codes += ["413", "415"]
    return sorted(codes)


def _content(operation: Operation) -> dict[str, Any]:
    if operation.answer is not None:
        return {JSON: {"schema": operation.answer}}
    if operation.media == (TEXT,):
        return {TEXT: {"schema": {"type": "string"}}}
    return {media: {} for media in operation.media}


def _path(operation: Operation) -> list[dict[str, Any]]:
    names = re.findall(r"\{(\w+)\}", operation.path)
    return [{"name": name, "in": "path", "required": True, "schema": operation.path_schemas[name]} for name in names]


def _query(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = _inlined(model)
    required = set(schema.get("required", ()))
    found = []
    for name, one in schema["properties"].items():
        shape = _present(one)
        described = {"name": name, "in": "query", "required": name in required, "schema": shape}
        if text := shape.pop("description", ""):
            described["description"] = text
        if shape.get("type") == "array":
            described |= {"style": "form", "explode": False}
        found.append(described)
    return found


def _present(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a value that is there: a parameter that is left out is not null."""
    shape = {key: value for key, value in schema.items() if key not in {"default", "title", "anyOf"}}
    kinds = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if len(kinds) == 1:
        return {**kinds[0], **shape}
    return {**shape, "anyOf": kinds} if kinds else shape


def _inlined(model: type[BaseModel]) -> dict[str, Any]:
    """The model's JSON Schema without references, which would point outside of where it is put."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def resolved(part: Any) -> Any:
        if isinstance(part, list):
            return [resolved(one) for one in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            name = part["$ref"].rpartition("/")[2]
            return resolved({**definitions[name], **{k: v for k, v in part.items() if k != "$ref"}})
        return {key: resolved(value) for key, value in part.items()}

    found: dict[str, Any] = resolved({"properties": {}, **schema})
    return found
