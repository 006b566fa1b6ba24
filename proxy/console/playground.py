"""The page on which people try things: what is found in a text, what would leave, and what would come back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from policies.errors import PolicyError
from policies.model import Consent
from policies.policy import Policy
from proxy.console.draft_form import draft_of
from proxy.console.drafting import BUNDLED
from proxy.console.operations.base import Desk
from proxy.console.policy_desk import MAX_TEXT
from proxy.console.problems import within, wrong
from proxy.console.site import Ask, Shown, View
from proxy.console.trying import LONGEST, LONGEST_PATH
from proxy.errors import ConfigError

if TYPE_CHECKING:
    from proxy.policy.rehearsing import Tried
    from proxy.steps.found import Found


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text. found: what was found there, None for the rest."""

    text: str
    found: "Found | None" = None


@dataclass(frozen=True, slots=True)
class Part:
    """One text of the request with its findings marked. pointer: where it stands."""

    pointer: str
    kind: str
    pieces: tuple[Piece, ...]


def parts(found: "Sequence[Found]") -> list[Part]:
    """The texts in which something was found, in order, each cut at its findings."""
    by_pointer: dict[str, list[Found]] = {}
    for one in found:
        by_pointer.setdefault(one.segment.pointer, []).append(one)
    return [Part(key, str(items[0].segment.kind), tuple(_cut(items))) for key, items in by_pointer.items()]


def _cut(items: "Sequence[Found]") -> Iterator[Piece]:
    text, position = items[0].segment.text, 0
    for one in sorted(items, key=lambda item: item.finding.start):
        start, end = one.finding.start, one.finding.end
        if start < position:
            continue  # it lies inside of one that is marked already
        if start > position:
            yield Piece(text[position:start])
        yield Piece(text[start:end], one)
        position = end
    if position < len(text):
        yield Piece(text[position:])


def playground(desk: Desk, ask: Ask) -> Shown:
    """What would happen to this text?"""
    given = {
        "policy": "active",
        "destination": "",
        "application": "",
        "consent": "unknown",
        "path": "",
        "draft": "",
        **ask.form,
    }
    text, draft = given.get("text", ""), given["draft"]
    for name, value, most in (
        ("text", text, LONGEST),
        ("draft", draft, MAX_TEXT),
        ("path", given["path"], LONGEST_PATH),
    ):
        within(name, value, most)
    files = draft_of(ask.form, draft) if draft else {}
    policies = ["active", *BUNDLED, *(["draft"] if draft else [])]
    context: dict[str, Any] = {"given": given, "policies": policies, "consents": list(Consent), "tried": None}
    context["included"] = dict(list(files.items())[1:])
    try:
        policy = desk.drafting.policy(given["policy"], files)
    except (PolicyError, ConfigError) as error:
        return View("playground", {**context, "destinations": [], "applications": [], "broken": error.message})
    context |= {
        "destinations": sorted(policy.destinations),
        "applications": [name for name in sorted(policy.applications) if ask.visitor.sees(name)],
        "broken": "",
    }
    if "application" not in ask.form and context["applications"]:
        given["application"] = context["applications"][0]  # one that nobody knows may be refused, which teaches little
    if not text.strip():
        desk.trying.warm(policy)
        return View("playground", context)
    destination = given["destination"] or _first(policy)
    consent = Consent(given["consent"]) if given["consent"] in set(Consent) else Consent.UNKNOWN
    path = given["path"].strip()
    from proxy.policy.rehearsing import Wanted

    wanted = Wanted(policy, destination, given["application"], text, path, consent)
    if path and not path.startswith("/"):
        raise wrong("path", "path")
    tried = desk.trying.rehearse(ask.visitor, wanted)
    return View("playground", {**context, "tried": tried, **_shown(tried)})


def _first(policy: Policy) -> str:
    return "openai" if "openai" in policy.destinations else next(iter(sorted(policy.destinations)), "")


def _shown(tried: "Tried") -> Mapping[str, Any]:
    seen = tried.seen
    decision, found = seen.work.decision, seen.work.facts.found
    return {
        "decision": decision,
        "found": sorted(found, key=lambda one: (one.segment.pointer, one.finding.start)),
        "texts": parts(found),
        "refusal": seen.refusal,
        "leaves": _pretty(seen.request.body) if seen.request is not None else "",
        "answered": _pretty(tried.answered) if tried.answered is not None else "",
        "restored": _pretty(tried.restored) if tried.restored is not None else "",
    }


def _pretty(body: bytes) -> str:
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return body.decode("utf-8", "replace")
