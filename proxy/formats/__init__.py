"""The wire formats: one file per provider API and one entry in `ALL`; the generic one is last and knows every
request."""

from proxy.formats import (
    anthropic,
    bedrock,
    cohere,
    gemini,
    gemini_interactions,
    gemini_live,
    generic,
    llama,
    mcp,
    mistral,
    ollama,
    openai_chat,
    openai_live,
    openai_other,
    openai_realtime,
    openai_responses,
)
from proxy.formats.base import Format

ALL: tuple[Format, ...] = (
    openai_chat.FORMAT,
    openai_responses.FORMAT,
    openai_other.FORMAT,
    openai_realtime.FORMAT,
    openai_live.FORMAT,
    mistral.FORMAT,
    gemini.FORMAT,
    gemini_interactions.FORMAT,
    gemini_live.FORMAT,
    anthropic.FORMAT,
    bedrock.FORMAT,
    cohere.FORMAT,
    ollama.FORMAT,
    mcp.FORMAT,
    llama.FORMAT,
    generic.FORMAT,
)
