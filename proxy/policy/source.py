"""Which policy is in force: the file that settings name, else HOME/policy.yaml, else a bundled one; or one that people
chose instead, until the file is changed.

A policy that does not load never replaces one that does; what the product cannot do yet is refused here, by name, so
that no rule is silently without effect, and so is an own entity type whose examples do not hold.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from policies.errors import PolicyFileError, Problem
from policies.examples import KIND, failing_examples, texts_of
from policies.language.resolve import Findings
from policies.load import BUNDLED, Loaded, read, read_text
from policies.policy import Policy
from policies.register import bundled_file
from proxy.config import Settings
from proxy.errors import ConfigError, ProposalError
from proxy.running.flags import allowed_url
from redaction import operators
from redaction.errors import DetectionError

if TYPE_CHECKING:
    from proxy.control.policies import Proposal
    from proxy.control.store import ControlStore

type Stamp = tuple[float, int] | None


def policy_path(home: Path, given: Path | None) -> Path | None:
    """The policy file, or None where the bundled one is used."""
    if given is not None:
        return given
    own = home / "policy.yaml"
    return own if own.exists() else None


def load_policy(home: Path, given: Path | None, bundled: str) -> Policy:
    """The policy. Raises PolicyFileError with every problem, ConfigError for what this version cannot do."""
    loaded = read_policy(policy_path(home, given), bundled)
    accept(loaded)
    return loaded.policy


def meant(settings: Settings, control: "ControlStore") -> Policy:
    """The policy that is meant to be in force: what people chose, else what the file says.

    Raises PolicyFileError, ConfigError, UnavailableError.
    """
    return PolicySource(settings, control).read().policy


def read_policy(path: Path | None, bundled: str) -> Loaded:
    """The policy of a file, or a bundled one, which may still rely on what cannot be done. Raises PolicyFileError."""
    if path is None and bundled not in BUNDLED:
        raise ConfigError(f"there is no bundled policy {bundled}; there are {', '.join(BUNDLED)}")
    return read(path) if path is not None else read_text(bundled_file(bundled), f"bundled:{bundled}")


def accept(loaded: Loaded, *, pasted: bool = False) -> None:
    """What has to hold before a policy is used, besides its cases. Raises PolicyFileError, ConfigError.

    pasted: see `check_examples`.
    """
    unsupported(loaded.policy)
    if problems := check_examples(loaded, pasted=pasted):
        raise PolicyFileError(problems)
    operators.load({rule.decision.operator.value for rule in loaded.policy.rules})


def check_examples(loaded: Loaded, *, pasted: bool = False) -> list[Problem]:
    """Examples of own entity types that do not hold. pasted: anybody may be its author, so nothing may take long."""
    entities, texts = loaded.policy.entities, texts_of(loaded)
    if not texts:
        return []
    # The recognizers take a second to load, and most policies have no types of their own.
    from proxy.policy.own_entities import OwnFacts, OwnFactsApart

    if not pasted:
        return failing_examples(loaded, OwnFacts(entities))
    try:
        return failing_examples(loaded, OwnFactsApart(entities, texts, KIND))
    except DetectionError as error:
        found = Findings(loaded.tree, loaded.sources)
        hint = "make the patterns simpler: no repetition of what can be read in several ways"
        found.add(("entities",), f"the examples could not be tried: {error}", "examples_untried", hint, quote=False)
        return found.problems


def unsupported(policy: Policy) -> None:
    """Raises ConfigError where a policy relies on something that this version does not do."""
    missing = _missing(policy)
    if missing:
        raise ConfigError(
            f"policy {policy.name} relies on what this version does not do, so it is not used: {'; '.join(missing)}"
        )


def check_supported(loaded: Loaded) -> list[Problem]:
    """What keeps a policy from being used, as lint says it."""
    file = loaded.files[0]
    return [
        Problem(file, 0, 0, f"this version does not do {what}, so the policy is not used", "unsupported")
        for what in _missing(loaded.policy)
    ]


def _missing(policy: Policy) -> list[str]:
    return [what for asked, what in _asked(policy) if asked]


def _asked(policy: Policy) -> Iterator[tuple[bool, str]]:
    """Whether something is asked for that has no effect yet, and what to write instead."""
    source = policy.subject_source
    if source is not None:
        plain = source.source == "http" and not allowed_url(source.at)
        yield plain, "`subject_flags` over plain http (use https, or this machine)"
    for rule in policy.rules:
        missing = rule.decision.operator.value not in operators.ALL
        yield missing, f"`do: {rule.does.value}` of rule {rule.id} (use tokenize)"
        trains = f"`output_may_train: yes` of rule {rule.id} (no answer of a mirror is given out, so none can train)"
        yield rule.output_may_train, trains
    for name, application in policy.applications.items():
        identify = application.identify
        if identify.credential not in ("", name):
            yield True, f"a credential of another name than the application's, {name}"


class PolicySource:
    """The policy of a process: its file, or what people chose instead; and whether that is another one by now.

    control: where choices stand; without it the file counts alone. proposal: the choice that `read` found, or None
    where the file counts. waits: the file says something that two people have to want first.
    """

    def __init__(self, settings: Settings, control: "ControlStore | None" = None) -> None:
        self._settings, self._control = settings, control
        self._seen: dict[Path | None, Stamp] = {}
        self._chosen = ""
        self.proposal: Proposal | None = None
        self.waits = False

    def read(self) -> Loaded:
        """What is meant to be in force, not accepted yet. Raises PolicyFileError, ConfigError, UnavailableError.

        Either way `changed` starts from here.
        """
        chosen = self._control.policies.chosen() if self._control is not None else None
        self._chosen = chosen.id if chosen is not None else ""
        self.proposal, self.waits = None, False
        if self._settings.policy_people > 1 and self._control is not None:
            return self._wanted_by_two(self._control, chosen)
        loaded = self._file()
        digest = loaded.policy.digest
        if self._control is None or chosen is None or (chosen.instead_of != digest and chosen.digest != digest):
            return loaded  # a file that was changed after a choice is the newer word
        self.proposal = chosen
        if chosen.digest == digest:
            return loaded
        return stored(self._control, chosen.digest)

    @property
    def agreed(self) -> bool:
        """Whether `read` found a choice that nobody has acted on yet."""
        return self.proposal is not None and self.proposal.state == "agreed"

    def changed(self) -> bool:
        """Whether another file is meant, one of them is not as it was, or people chose. Raises UnavailableError."""
        path = policy_path(self._settings.home, self._settings.policy)
        if path not in self._seen or any(stamp(one) != seen for one, seen in self._seen.items()):
            return True
        chosen = self._control.policies.chosen() if self._control is not None else None
        return self._chosen != (chosen.id if chosen is not None else "")

    def _wanted_by_two(self, control: "ControlStore", chosen: "Proposal | None") -> Loaded:
        wanted = chosen.digest if chosen is not None else control.last_policy()
        if wanted is None:
            return self._file()  # nothing was ever in force: there is nothing that two could change
        self.proposal = chosen
        try:
            kept = stored(control, wanted)
        except ConfigError:
            kept = None
        try:
            file = self._file()
        except PolicyFileError:
            if kept is None:
                raise
            return kept
        if kept is None or file.policy.digest == wanted:
            if file.policy.digest != wanted:
                raise ConfigError("the policy in force is not stored, and the file is another one; restore the file")
            return file
        self.waits = True
        return kept

    def in_file(self) -> str:
        """Digest of the policy that the file holds now, "" where it holds none."""
        path = policy_path(self._settings.home, self._settings.policy)
        try:
            return read_policy(path, self._settings.bundled).policy.digest
        except (PolicyFileError, ConfigError):
            return ""

    def _file(self) -> Loaded:
        path = policy_path(self._settings.home, self._settings.policy)
        # Before reading: what changes while it is read is read again.
        self._seen = {path: stamp(path)}
        loaded = read_policy(path, self._settings.bundled)
        if path is not None:
            included = [path.parent / name for name in loaded.files[1:] if not name.startswith("bundled:")]
            self._seen |= {one: stamp(one) for one in included}
        return loaded


MAIN = "policy.yaml"
"""What the first file of a stored policy is called, wherever it was, unless it includes one of this name."""


def files_of(loaded: Loaded) -> dict[str, str]:
    """A policy's files as they are stored, the policy first; bundled ones come with the product."""
    first, *others = loaded.files
    included = {name: loaded.sources.text(name) for name in others if not name.startswith("bundled:")}
    free = (name for name in (MAIN, *(f"overlay-{n}.yaml" for n in range(len(included)))) if name not in included)
    return {next(free): loaded.sources.text(first)} | included


def read_files(files: Mapping[str, str]) -> Loaded:
    """A policy from the texts of its files, the policy first; it includes nothing but these and bundled ones.

    Raises PolicyFileError.
    """
    (main, text), *_ = files.items()

    def include(name: str) -> bytes:
        if name == main or name not in files:
            raise FileNotFoundError(2, "it is not among the files of this policy", name)
        return files[name].encode()

    return read_text(text, main, include=include)


def stored(control: "ControlStore", digest: str) -> Loaded:
    """A policy that was kept. Raises ConfigError where it is not, or means something else by now; PolicyFileError."""
    loaded = read_files(control.policies.files(digest))
    if not loaded.policy.digest.removeprefix("sha256:").startswith(digest.removeprefix("sha256:")):
        raise ProposalError(
            "the stored policy does not mean in this version what it meant then; propose its file again"
        )
    return loaded


def stamp(path: Path | None) -> Stamp:
    """What changes when the file does: its modification time and size; None where there is no file."""
    if path is None:
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime, found.st_size
