"""Which policy is in force: the file that settings name, else HOME/policy.yaml, else a bundled one.

A policy that does not load never replaces one that does; what the product cannot do yet is refused here, by name, so
that no rule is silently without effect, and so is an own entity type whose examples do not hold.
"""

from collections.abc import Iterator
from pathlib import Path

from policies.errors import PolicyFileError, Problem
from policies.examples import failing_examples
from policies.load import BUNDLED, Loaded, read, read_text
from policies.policy import Policy
from policies.register import bundled_file
from policies.rules import Does
from proxy.config import Settings
from proxy.errors import ConfigError
from proxy.flags import allowed_url
from proxy.own_entities import OwnFacts
from redaction import operators

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


def read_policy(path: Path | None, bundled: str) -> Loaded:
    """The policy of a file, or a bundled one, which may still rely on what cannot be done. Raises PolicyFileError."""
    if path is None and bundled not in BUNDLED:
        raise ConfigError(f"there is no bundled policy {bundled}; there are {', '.join(BUNDLED)}")
    return read(path) if path is not None else read_text(bundled_file(bundled), f"bundled:{bundled}")


def accept(loaded: Loaded) -> None:
    """What has to hold before a policy is used, besides its cases. Raises PolicyFileError, ConfigError."""
    unsupported(loaded.policy)
    if problems := check_examples(loaded):
        raise PolicyFileError(problems)
    operators.load({rule.decision.operator.value for rule in loaded.policy.rules})


def check_examples(loaded: Loaded) -> list[Problem]:
    """Examples of own entity types that do not hold."""
    return failing_examples(loaded, OwnFacts(loaded.policy.entities)) if loaded.policy.entities else []


def unsupported(policy: Policy) -> None:
    """Raises ConfigError where a policy relies on something that this version does not do."""
    missing = _missing(policy)
    if missing:
        raise ConfigError(
            f"policy {policy.name} relies on what this version does not do, so it is not used: {'; '.join(missing)}"
        )


def check_supported(loaded: Loaded) -> list[Problem]:
    """What keeps a policy from being used, and what refuses every transfer that it is about, as lint says it."""
    file = loaded.files[0]
    errors = [
        Problem(file, 0, 0, f"this version does not do {what}, so the policy is not used", "unsupported")
        for what in _missing(loaded.policy)
    ]
    mirrors = [rule.id for rule in loaded.policy.rules if rule.does is Does.MIRROR]
    message = f"this version does not mirror, so what {', '.join(mirrors)} is about is refused"
    return [*errors, *([Problem(file, 0, 0, message, "unsupported", severity="warning")] if mirrors else [])]


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
    for name, application in policy.applications.items():
        identify = application.identify
        if identify.credential not in ("", name):
            yield True, f"a credential of another name than the application's, {name}"


class PolicySource:
    """The policy of a process: reads it, and knows when its file or one that it includes has changed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seen: dict[Path | None, Stamp] = {}

    def read(self) -> Loaded:
        """What the files say now, not accepted yet. Raises PolicyFileError; either way `changed` starts from here."""
        path = policy_path(self._settings.home, self._settings.policy)
        # Before reading: what changes while it is read is read again.
        self._seen = {path: stamp(path)}
        loaded = read_policy(path, self._settings.bundled)
        if path is not None:
            included = [path.parent / name for name in loaded.files[1:] if not name.startswith("bundled:")]
            self._seen |= {one: stamp(one) for one in included}
        return loaded

    def changed(self) -> bool:
        """Whether another file is meant, or one of the files is not as it was."""
        path = policy_path(self._settings.home, self._settings.policy)
        return path not in self._seen or any(stamp(one) != seen for one, seen in self._seen.items())


def stamp(path: Path | None) -> Stamp:
    """What changes when the file does: its modification time and size; None where there is no file."""
    if path is None:
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime, found.st_size
