"""Which call deletes which object at a provider, and how the answer is to be read. Pure.

One class for each wire-format family; a destination belongs to it by the formats that the register names for it. The
shapes of ids and paths are those of the providers' API references (OpenAI: "Delete a model response", "Delete chat
completion", "Delete a conversation", "Delete file", "Delete vector store", "Delete container", "Delete video", "Delete
an eval", "Delete eval run", "Delete a skill", "Delete a skill version"; Gemini: "cachedContents.delete",
"files.delete", "batches.delete"; Anthropic: "Delete a Message Batch", "Delete File", "Delete Skill", "Delete Skill
Version").
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Protocol

from policies.destination import Destination


class Verdict(StrEnum):
    """What became of an object. `kept`: nothing was asked, the provider keeps it until its time is over."""

    DELETED = "deleted"
    ABSENT = "absent"
    REFUSED = "refused"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Call:
    """A request that deletes. path: below the destination's origin and base path, without a query.

    headers: what the interface asks for besides the key, the same for every object.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class Deletes(Protocol):
    """How objects of one family of interfaces are deleted."""

    def call(self, destination: Destination, object_id: str) -> Call | None:
        """The request that deletes this object, None where the provider has none for it."""
        ...

    def verdict(self, status: int, answer: Any) -> Verdict:
        """What the answer says. answer: the body as JSON, None where it is not."""
        ...


class OpenAIObjects:
    """Responses, conversations, kept chat completions, files and their holders, evaluations, skills; of OpenAI and of
    who speaks as it does."""

    _KINDS: Mapping[str, tuple[str, str]] = MappingProxyType(
        {
            "resp_": ("openai_responses", "/responses"),
            "conv_": ("openai_responses", "/conversations"),
            "chatcmpl-": ("openai_chat", "/chat/completions"),
            "file-": ("openai_responses", "/files"),
            "vs_": ("openai_responses", "/vector_stores"),
            "cntr_": ("openai_responses", "/containers"),
            "video_": ("openai_responses", "/videos"),
            "eval_": ("openai_responses", "/evals"),
            "skill_": ("openai_responses", "/skills"),
        }
    )
    _ID = re.compile(r"[A-Za-z0-9_-]{1,256}(?:/(?:runs|versions)/[A-Za-z0-9_-]{1,256})?", re.ASCII)

    def call(self, destination: Destination, object_id: str) -> Call | None:
        for prefix, (wire, place) in self._KINDS.items():
            if object_id.startswith(prefix) and self._ID.fullmatch(object_id):
                base = self._base(destination, wire)
                return None if base is None else Call("DELETE", f"{base}{place}/{object_id}")
        return None

    def verdict(self, status: int, answer: Any) -> Verdict:
        said_no = isinstance(answer, dict) and answer.get("deleted") is False
        return Verdict.REFUSED if said_no else by_status(status)

    @staticmethod
    def _base(destination: Destination, wire: str) -> str | None:
        """The path below which this interface lives: `/v1` where the register says `/v1/responses`."""
        ending = {"openai_responses": "/responses", "openai_chat": "/chat/completions"}[wire]
        paths = (hint.path for hint in destination.formats if hint.format == wire)
        return next((path.removesuffix(ending) for path in paths if path.endswith(ending)), None)


class GeminiObjects:
    """Cached contents, files and batches of the Gemini API, and cached contents of Vertex; ids are resource names.

    A file also has a URI, by which requests name it; it is the same file.
    """

    _NAME = re.compile(
        r"(?:cachedContents|files|batches|projects/[\w.:-]{1,64}/locations/[\w-]{1,64}/cachedContents)/[\w-]{1,128}",
        re.ASCII,
    )

    _URI = re.compile(r"https://[\w.:-]{1,255}/v\d\w*/(files/[\w-]{1,128})", re.ASCII)

    def call(self, destination: Destination, object_id: str) -> Call | None:
        uri = self._URI.fullmatch(object_id)
        object_id = uri[1] if uri else object_id
        paths = [hint.path for hint in destination.formats if hint.format == "gemini"]
        versions = [path for path in paths if re.fullmatch(r"/v\d\w*", path)]
        if not versions or not self._NAME.fullmatch(object_id):
            return None
        # Caches and files are in the beta version of the one, and in the stable version of the other.
        version = next((path for path in versions if "beta" in path), versions[0])
        return Call("DELETE", f"{'/v1' if object_id.startswith('projects/') else version}/{object_id}")

    def verdict(self, status: int, answer: Any) -> Verdict:
        return by_status(status)


class AnthropicObjects:
    """Message batches and files of Anthropic. A batch that still runs is not deleted; it has to be cancelled first."""

    _KINDS: Mapping[str, str] = MappingProxyType(
        {"msgbatch_": "/messages/batches", "file_": "/files", "skill_": "/skills"}
    )
    _ID = re.compile(r"[A-Za-z0-9_-]{1,256}(?:/versions/[A-Za-z0-9_-]{1,256})?", re.ASCII)
    _HEADERS: Mapping[str, str] = MappingProxyType({"anthropic-version": "2026-10-21"})
    """As its SDK sends them; files need no `anthropic-beta` in this version, as they did before."""

    def call(self, destination: Destination, object_id: str) -> Call | None:
        paths = (hint.path for hint in destination.formats if hint.format == "anthropic")
        base = next((path for path in paths if path.endswith("/v1")), None)
        if base is None or not self._ID.fullmatch(object_id):
            return None
        places = (place for prefix, place in self._KINDS.items() if object_id.startswith(prefix))
        place = next(places, None)
        return None if place is None else Call("DELETE", f"{base}{place}/{object_id}", self._HEADERS)

    def verdict(self, status: int, answer: Any) -> Verdict:
        return by_status(status)


PROVIDERS: tuple[Deletes, ...] = (OpenAIObjects(), GeminiObjects(), AnthropicObjects())
"""Everybody who can be asked to delete; a new provider is one class and one entry."""


def deletes(destination: Destination, object_id: str) -> tuple[Deletes, Call] | None:
    """Who deletes this object and by which request, None where no provider has a call for it."""
    for provider in PROVIDERS:
        call = provider.call(destination, object_id)
        if call is not None:
            return provider, call
    return None


def by_status(status: int) -> Verdict:
    """The common reading of an HTTP status: 404 and 410 mean that there is nothing (any more)."""
    if 200 <= status < 300:
        return Verdict.DELETED
    return Verdict.ABSENT if status in {404, 410} else Verdict.REFUSED
