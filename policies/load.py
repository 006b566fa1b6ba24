"""From files to a policy: read, join, validate, resolve, compile; or every problem at once, and no policy.

Paths and bytes enter; this is the only room of `policies` that opens files, and it opens nothing but the policy, its
includes and what ships with the package. A file with one error gives no policy at all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path as FilePath
from pathlib import PurePosixPath

from pydantic import ValidationError

from policies.declared import Budget, Environment, Observe, Response
from policies.destination import Destination, HostTable
from policies.errors import PolicyFileError, Problem, UnknownNameError
from policies.index import RuleIndex
from policies.language.compile import compile_rules
from policies.language.document import MAX_BYTES
from policies.language.include import join
from policies.language.problems import from_validation
from policies.language.resolve import (
    Findings,
    resolve_controllers,
    resolve_destinations,
    resolve_exceptions,
    resolve_hosts,
    resolve_media,
    resolve_purposes,
)
from policies.language.schema import CaseSection, PolicyFile
from policies.language.senders import check_network, resolve_applications, resolve_subject_source, resolve_tokens
from policies.language.tree import Node, Sources
from policies.language.vocabulary import resolve_cases, resolve_entities, resolve_groups
from policies.policy import Policy
from policies.register import Register, bundled_file, bundled_register, canonical_digest

BUNDLED = ("default", "strict", "observe")
# A test phase is short, or it is not a test phase.
MAX_OBSERVE_DAYS = 14


@dataclass(frozen=True, slots=True)
class Loaded:
    """A policy with what lint, cases and edits need of its files.

    tree, sources: for placing further problems. file: the validated file, includes joined. files: names read.
    """

    policy: Policy
    file: PolicyFile
    tree: Node
    sources: Sources
    register: Register

    @property
    def cases(self) -> tuple[CaseSection, ...]:
        """The cases that stand in the files."""
        return self.file.cases

    @property
    def files(self) -> tuple[str, ...]:
        """Every file read, the policy first."""
        return self.sources.files


def load(path: FilePath, *, today: date | None = None) -> Policy:
    """The policy in a file. Raises PolicyFileError with every problem; today: for what ends, default the UTC day."""
    return read(path, today=today).policy


def read(path: FilePath, *, text: str | None = None, today: date | None = None) -> Loaded:
    """The policy in a file, with its tree and cases; text: what the file would hold. Raises PolicyFileError."""
    try:
        data = _bounded(path) if text is None else text
    except OSError as error:
        raise PolicyFileError([Problem(str(path), 0, 0, error.strerror or "cannot be read", "unreadable")]) from None
    folder = path.parent

    def include(name: str) -> bytes:
        return _bounded(folder.joinpath(*PurePosixPath(name).parts))

    return read_text(data, str(path), include=include, today=today)


def _bounded(path: FilePath) -> bytes:
    """At most one byte more than a policy may have, so that a device or a huge file never fills memory."""
    with path.open("rb") as opened:
        return opened.read(MAX_BYTES + 1)


def _no_includes(name: str) -> bytes:
    raise FileNotFoundError(2, "a policy without a folder includes only bundled files", name)


def read_text(
    data: bytes | str,
    file: str = "policy.yaml",
    *,
    include: Callable[[str], bytes] = _no_includes,
    register: Register | None = None,
    today: date | None = None,
) -> Loaded:
    """A policy from text. include: reads a file by its relative path. Raises PolicyFileError."""
    sources = Sources()
    tree = join(data, file, include, bundled_file, sources)
    return compiled(tree, sources, register or bundled_register(), today or datetime.now(UTC).date())


def compiled(tree: Node, sources: Sources, register: Register, today: date) -> Loaded:
    """A policy from its joined tree: validated, resolved, compiled. Raises PolicyFileError."""
    try:
        parsed = PolicyFile.model_validate(tree.plain())
    except ValidationError as error:
        raise PolicyFileError(from_validation(error, tree, sources, PolicyFile)) from None
    found = Findings(tree, sources)
    policy = _build(parsed, register, found, today)
    if found.problems:
        raise PolicyFileError(found.problems)
    return Loaded(policy, parsed, tree, sources, register)


def loads(text: bytes | str, file: str = "policy.yaml", *, today: date | None = None) -> Policy:
    """The policy in a text that includes nothing but bundled files. Raises PolicyFileError."""
    return read_text(text, file, today=today).policy


def load_bundled(name: str, *, today: date | None = None) -> Policy:
    """`default` or `strict` as they ship. `observe` needs names and an end: `policies.new.observe_file` writes it."""
    if name not in BUNDLED:
        raise UnknownNameError(f"there is no bundled policy '{name[:60]}'; there are {', '.join(BUNDLED)}")
    return read_text(bundled_file(name), f"bundled:{name}", today=today).policy


def _build(file: PolicyFile, register: Register, found: Findings, today: date) -> Policy:
    groups = resolve_groups(file, found)
    destinations = resolve_destinations(file, register, found)
    rules = compile_rules(file, groups, found)
    for name, words in file.trust.items():
        for index, word in enumerate(words):
            if word != "credential":
                check_network(("trust", name, index), word, found)
    resolve_cases(file, found)
    nowhere = Destination(name="")
    return Policy(
        name=file.name,
        digest=_digest(file, register),
        index=RuleIndex(rules, lambda name: destinations.get(name, nowhere)),
        version=file.version,
        description=file.description,
        environment=Environment(file.environment),
        controllers=resolve_controllers(file),
        purposes=resolve_purposes(file, found),
        destinations=destinations,
        hosts=HostTable(resolve_hosts(destinations, found)),
        applications=resolve_applications(file, found),
        exceptions=resolve_exceptions(file, found),
        media=resolve_media(("media",), file.media, found),
        tools={name: word == "yes" for name, word in file.restore.tools.items()},
        tools_default=file.restore.other == "yes",
        trust={name.lower(): words for name, words in file.trust.items()},
        response=_response(file, found),
        unknown_hosts=file.unknown_hosts,
        unknown_applications=file.unknown_applications,
        observe=_observe(file, found, today),
        tokens=resolve_tokens(file, found),
        subject_source=resolve_subject_source(file, found),
        entities=resolve_entities(file, found),
        groups=groups,
        budgets=_budgets(file, found),
    )


def _digest(file: PolicyFile, register: Register) -> str:
    """Over everything that can change a decision or a record: the joined file and the editions it extends.

    Comments, order of keys and cases do not count; the order of rules does.
    """
    meaning = file.model_dump(mode="json", by_alias=True, exclude={"cases", "include"})
    for rule in meaning["rules"]:
        # Younger than the language's first version: a policy that does not use them keeps its digest.
        for key in ("purpose", "keep"):
            if rule[key] is None:
                del rule[key]
    for application in meaning["applications"].values():
        if not application["shares_objects_with"]:
            del application["shares_objects_with"]
    editions = {}
    for section in file.destinations.values():
        name, _, day = (section.extends or "").removeprefix("bundled:").partition("@")
        if day in register.editions.get(name, {}):
            editions[f"{name}@{day}"] = register.editions[name][day].model_dump(mode="json")
    return canonical_digest({"policy": meaning, "editions": editions})


def _response(file: PolicyFile, found: Findings) -> Response:
    response = file.response
    if response.unexpected in ("redact", "block") and response.buffer == "none":
        message = f"`unexpected: {response.unexpected}` cannot act on a stream that is passed on as it comes"
        hint = "add `buffer: sentence` (the answer appears sentence by sentence) or `buffer: all` (at its end)"
        found.add(("response", "unexpected"), message, "needs_buffer", hint)
    return Response(response.unexpected, response.buffer)


def _observe(file: PolicyFile, found: Findings, today: date) -> Observe | None:
    section = file.observe
    if section is None:
        return None
    hint = "`dragoman policy new observe --app NAME --days 14 --approved-by NAME` writes such a file"
    for key, value in (("applications", section.applications), ("approved_by", (section.approved_by,))):
        if "todo" in value:
            found.add(("observe", key), f"'{key}' is still `todo`", "todo", hint)
    for index, name in enumerate(section.applications):
        if name not in file.applications and name != "todo":
            found.unknown(("observe", "applications", index), "application", name, file.applications)
    if not isinstance(section.until, date):
        found.add(("observe", "until"), "'until' is still `todo`", "todo", hint)
        return None
    if section.until > today + timedelta(days=MAX_OBSERVE_DAYS):
        last = today + timedelta(days=MAX_OBSERVE_DAYS)
        message = f"a test phase lasts at most {MAX_OBSERVE_DAYS} days"
        found.add(("observe", "until"), message, "observe_too_long", f"today that is until {last.isoformat()}")
    return Observe(frozenset(section.applications), section.until, section.approved_by)


def _budgets(file: PolicyFile, found: Findings) -> tuple[Budget, ...]:
    budgets = []
    ids: set[str] = set()
    for index, one in enumerate(file.budgets):
        if one.id in ids:
            found.add(("budgets", index, "id"), f"two budgets have the id '{one.id}'", "duplicate_id")
        ids.add(one.id)
        for key, names, known in (
            ("application", one.application or (), file.applications),
            ("destination", one.destination or (), file.destinations),
        ):
            for position, name in enumerate(names):
                if name not in known:
                    found.unknown(("budgets", index, key, position), key, name, known)
        if one.transfers is None and one.bytes is None and one.tokens is None and one.subjects is None:
            found.add(("budgets", index), "this budget limits nothing", "senseless", "add `transfers: N` or `bytes: N`")
        limits = (one.transfers, one.bytes, one.tokens, one.subjects)
        scope = (frozenset(one.application or ()), frozenset(one.destination or ()))
        budgets.append(Budget(one.id, one.per, one.each, *scope, *limits, because=one.because))
    return tuple(budgets)
