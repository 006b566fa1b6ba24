"""The fakes by name, and the one way from a request to an answer.

A new provider is a file with `answer`, `error` and `not_found`, and one entry in `ALL`. Pure: values in, values out.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from proxy.fakes import (
    anthropic,
    bedrock,
    cohere,
    echo,
    gemini,
    llama,
    ollama,
    openai,
    openai_files,
    openai_kept,
    openai_responses,
)
from proxy.fakes.behaviour import Behaviour, Play, named_by
from proxy.fakes.traffic import Answer, Received, compressed, whole

_PATH_MODEL = re.compile(r"models/([^/:]+):|/model/([^/]+)/")


@dataclass(frozen=True, slots=True)
class Api:
    """One provider API. answer: None where it does not know the path."""

    name: str
    answer: Callable[[Received, Play], Answer | None]
    not_found: Callable[[Received], Answer]


def _openai(call: Received, play: Play) -> Answer | None:
    if "/responses" in call.path:
        return openai_responses.answer(call, play)
    if "/files" in call.path:
        return openai_files.answer(call, play)
    return openai_kept.answer(call, play) or openai.answer(call, play)


ALL: Mapping[str, Api] = MappingProxyType(
    {
        api.name: api
        for api in (
            Api("openai", _openai, openai.not_found),
            Api("gemini", gemini.answer, gemini.not_found),
            Api("anthropic", anthropic.answer, anthropic.not_found),
            Api("llama", llama.answer, llama.not_found),
            Api("bedrock", bedrock.answer, bedrock.not_found),
            Api("cohere", cohere.answer, cohere.not_found),
            Api("ollama", ollama.answer, ollama.not_found),
            Api("echo", echo.answer, echo.not_found),
        )
    }
)


def respond(name: str, call: Received, play: Play) -> Answer:
    """The answer of one API, or of all of them by the first part of the path where `name` is `all`.

    The behaviour that the model name asks for goes before the one in `play`.
    """
    if name == "all":
        first, rest = _split(call.target)
        if first not in ALL:
            return whole({"error": f"use /{'/, /'.join(ALL)}/"}, status=404)
        return respond(first, replace(call, target=rest), play)
    api = ALL[name]
    try:
        play = replace(play, behaviour=named_by(_model_of(call)) or play.behaviour)
        answer = api.answer(call, play) or api.not_found(call)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        # A fake checks no schema; whatever does not fit is a bad request, said without a word of it.
        return whole({"error": {"message": f"the request cannot be read ({type(error).__name__})"}}, status=400)
    if play.behaviour is Behaviour.GZIP:
        answer = compressed(answer)
    if play.behaviour is Behaviour.RESET:
        answer = replace(answer, broken="rst")
    elif play.behaviour is Behaviour.CUT and not answer.streamed:
        answer = replace(answer, broken="fin")
    return answer


def _split(target: bytes) -> tuple[str, bytes]:
    name, slash, rest = target.removeprefix(b"/").partition(b"/")
    return name.decode("utf-8", "replace"), slash + rest


def _model_of(call: Received) -> str:
    if found := _PATH_MODEL.search(call.path):
        return found[1] or found[2]
    if call.method != "POST":
        return ""
    try:
        body = call.json()
    except ValueError:
        return ""
    model = body.get("model") if isinstance(body, dict) else None
    return model if isinstance(model, str) else ""
