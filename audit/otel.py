"""OpenTelemetry for entries: attributes by the GenAI semantic conventions, ours under `dragoman.`; no message.

Pure: what leaves as OTLP is made of these by `proxy.outbound.streams.otlp`. The conventions are in development; names
as of semantic-conventions-genai 2026-07 (`gen_ai.system` is gone, `gen_ai.provider.name` stands in its place).
"""

from collections.abc import Mapping
from typing import Any

from audit.formats.base import Place

type Value = str | int | bool
type Facts = Mapping[str, Any]

_PROVIDERS = {
    "gemini": "gcp.gemini",
    "google": "gcp.gemini",
    "vertex": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
    "xai": "x_ai",
}
"""Our names of providers that the conventions spell in another way."""
_OPERATIONS = (
    ("embed", "embeddings"),
    ("generatecontent", "generate_content"),
    ("chat", "chat"),
    ("messages", "chat"),
    ("responses", "chat"),
    ("completions", "text_completion"),
)
"""What an endpoint's name holds, and its operation; the first that fits."""
_ERRORS = frozenset({"complete"})


def operation(endpoint: str | None) -> str:
    """`gen_ai.operation.name`; the endpoint itself where the conventions have no name for it."""
    name = (endpoint or "unknown").lower()
    return next((found for part, found in _OPERATIONS if part in name), name)


def model_attributes(facts: Facts) -> dict[str, Value]:
    """What a transfer tells about the call: operation, provider, model, address. Also the attributes of metrics."""
    provider = facts.get("provider") or "unknown"
    host, _, port = str(facts.get("host") or "").rpartition(":")
    if not port.isdigit():
        host, port = str(facts.get("host") or ""), "443"
    found: dict[str, Value] = {
        "gen_ai.operation.name": operation(facts.get("endpoint")),
        "gen_ai.provider.name": _PROVIDERS.get(provider, provider),
    }
    if facts.get("model"):
        found["gen_ai.request.model"] = facts["model"]
    if host:
        found |= {"server.address": host, "server.port": int(port)}
    return found


def attributes(facts: Facts, of: Facts | None, place: Place) -> dict[str, Value]:
    """The attributes of one entry. of: for an outcome its transfer."""
    found: dict[str, Value] = {
        "dragoman.audit.log": place.log,
        "dragoman.audit.index": place.index,
        "dragoman.audit.leaf": place.leaf,
        "dragoman.audit.kind": facts["kind"],
    }
    if "id" in facts:
        found["dragoman.audit.record_id"] = facts["id"]
    if facts["kind"] in {"transfer", "blocked"}:
        return found | model_attributes(facts) | _decided(facts)
    if facts["kind"] == "outcome":
        return found | ({} if of is None else model_attributes(of)) | _ended(facts)
    return found


def _decided(facts: Facts) -> dict[str, Value]:
    named = {
        "gen_ai.conversation.id": facts.get("session"),
        "dragoman.application": facts["application"],
        "dragoman.destination": facts.get("destination", {}).get("name"),
        "dragoman.entity": facts.get("destination", {}).get("contracting_entity"),
        "dragoman.action": facts["action"],
        "dragoman.policy.digest": facts.get("policy_digest"),
        "error.type": facts.get("reason"),
    }
    found: dict[str, Value] = {name: value for name, value in named.items() if value is not None}
    for row in facts.get("findings", ()):
        name = f"dragoman.entity.{row['entity_type'].lower()}.{row['operator']}"
        found[name] = int(found.get(name, 0)) + row["n"]
    return found


def _ended(facts: Facts) -> dict[str, Value]:
    named = {
        "gen_ai.usage.input_tokens": facts.get("tokens_in"),
        "gen_ai.usage.output_tokens": facts.get("tokens_out"),
        "http.response.status_code": facts.get("upstream_status", facts.get("status")),
        "dragoman.state": facts["state"],
        "dragoman.restored": facts["restored"],
        "error.type": error_type(facts),
    }
    return {name: value for name, value in named.items() if value is not None}


def error_type(outcome: Facts) -> str | None:
    """`error.type` of how an attempt ended; None where it ended well."""
    return None if outcome["state"] in _ERRORS else str(outcome.get("error", outcome["state"]))
