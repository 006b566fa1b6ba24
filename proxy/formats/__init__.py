"""The wire formats: one file per provider API and one entry in `ALL`; the generic one is last and knows every
request."""

from proxy.formats import anthropic, gemini, generic, openai_chat
from proxy.formats.base import Format

ALL: tuple[Format, ...] = (openai_chat.FORMAT, gemini.FORMAT, anthropic.FORMAT, generic.FORMAT)
