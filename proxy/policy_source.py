"""Which policy is in force: the file that settings name, else HOME/policy.yaml, else a bundled one.

A policy that does not load never replaces one that does; what the product cannot do yet is refused here, by name, so
that no rule is silently without effect.
"""

from pathlib import Path

from policies.load import load, load_bundled
from policies.policy import Policy
from proxy.errors import ConfigError


def policy_path(home: Path, given: Path | None) -> Path | None:
    """The policy file, or None where the bundled one is used."""
    if given is not None:
        return given
    own = home / "policy.yaml"
    return own if own.exists() else None


def load_policy(home: Path, given: Path | None, bundled: str) -> Policy:
    """The policy. Raises PolicyFileError with every problem, ConfigError for what this version cannot do."""
    path = policy_path(home, given)
    policy = load(path) if path is not None else load_bundled(bundled)
    unsupported(policy)
    return policy


def unsupported(policy: Policy) -> None:
    """Raises ConfigError where a policy relies on something that this version does not do."""
    if policy.response.unexpected in {"redact", "block"}:
        raise ConfigError(
            f"policy {policy.name}: `unexpected: {policy.response.unexpected}` is not supported yet; use record"
        )
    if policy.subject_source is not None:
        raise ConfigError(f"policy {policy.name}: look-ups of subject flags are not supported yet")
    if policy.budgets:
        raise ConfigError(f"policy {policy.name}: budgets are not supported yet")
    if policy.exceptions:
        raise ConfigError(f"policy {policy.name}: exceptions are not supported yet")
    if policy.entities:
        raise ConfigError(f"policy {policy.name}: entities of your own are not supported yet")


def stamp(path: Path | None) -> tuple[float, int] | None:
    """What changes when the file does: its modification time and size; None where there is no file."""
    if path is None:
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime, found.st_size
