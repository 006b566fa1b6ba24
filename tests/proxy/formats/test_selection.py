"""Which format reads a request, and in whose shape a refusal comes."""

import pytest

from proxy.formats import ALL
from proxy.formats.base import RequestHead
from proxy.formats.selection import Formats
from proxy.messages import Headers


@pytest.mark.parametrize(
    ("hints", "format"),
    [
        (("gemini", "openai_chat"), "openai_chat"),
        (("gemini", "gemini"), "gemini"),
        (("llama", "openai_chat"), "openai_chat"),
        (("llama", "llama"), "llama"),
        (("cohere", "cohere"), "cohere"),
        (("vertex", "generic"), "gemini"),
        (("anthropic", "api.anthropic.com"), "anthropic"),
        (("", "generativelanguage.googleapis.com"), "gemini"),
        (("openai", "openai_realtime"), "openai_realtime"),
        (("mine", "generic"), "openai_chat"),
    ],
)
def test_a_refusal_comes_in_the_shape_that_the_sdk_at_that_path_expects(hints, format):
    assert Formats().shape(*hints).name == format


@pytest.mark.parametrize(
    ("path", "hint", "format"),
    [
        ("/v1/chat/completions", "llama", "llama"),
        ("/v1/chat/completions", "", "openai_chat"),
        ("/v1/chat/completions", "no_such_format", "openai_chat"),
        ("/v1/conversations", "mistral", "mistral"),
        ("/v1/conversations", "openai_responses", "openai_responses"),
        ("/v1/embeddings", "mistral", "mistral"),
        ("/v1/projects/p/locations/l/publishers/mistralai/models/m:streamRawPredict", "gemini", "mistral"),
        ("/v1/projects/p/locations/l/publishers/anthropic/models/m:rawPredict", "gemini", "anthropic"),
        ("/v1/projects/p/locations/l/publishers/meta/models/m:rawPredict", "gemini", "generic"),
        ("/v1/files", "anthropic", "anthropic"),
        ("/v1/files", "openai_other", "openai_other"),
        ("/v1/messages", "openai_other", "anthropic"),
        ("/anything", "openai_chat", "generic"),
        ("/anything", "generic", "generic"),
    ],
)
def test_the_registers_format_comes_first_and_generic_last(path, hint, format):
    chosen, endpoint = Formats().select(RequestHead("POST", "h", path, "", Headers()), hint)
    assert (chosen.name, endpoint.format) == (format, format)


def test_every_format_is_there_once_and_generic_is_the_last():
    names = [item.name for item in ALL]
    assert len(set(names)) == len(names)
    assert names[-1] == "generic"


@pytest.mark.parametrize(
    ("path", "operation", "model"),
    [
        ("/v1/messages", "messages", ""),
        (
            "/v1/projects/p/locations/l/publishers/anthropic/models/claude-x@1:streamRawPredict",
            "messages",
            "claude-x@1",
        ),
        ("/v1/projects/p/locations/l/publishers/anthropic/models/count-tokens:rawPredict", "count_tokens", ""),
        ("/v1/messages/count_tokens", "count_tokens", ""),
    ],
)
def test_anthropics_models_at_google_are_read_as_at_anthropic(path, operation, model):
    chosen, endpoint = Formats().select(RequestHead("POST", "h", path, "", Headers()), "gemini")
    assert (chosen.name, endpoint.operation, endpoint.model) == ("anthropic", operation, model)
