"""Asking for another policy: the same for the command, the API and whoever rolls back.

A policy that loads enters and a proposal is stored; the running process checks its cases, records it and swaps.
"""

from policies.errors import PolicyFileError
from policies.load import Loaded
from proxy.control.policies import Person, Proposal
from proxy.control.store import ControlStore
from proxy.errors import ProposalError
from proxy.policy.source import files_of, stored


def propose(control: ControlStore, loaded: Loaded, in_file: str, by: Person, *, people: int) -> Proposal:
    """Keeps the policy's files and asks for it. in_file: digest of the policy in the file, instead of which it counts.

    Raises UnavailableError.
    """
    policy = loaded.policy
    control.policies.keep(policy.digest, policy.name, files_of(loaded))
    return control.policies.propose(policy.digest, policy.name, by, instead_of=in_file, people=people)


def earlier(control: ControlStore, digest: str) -> Loaded:
    """A stored policy by the beginning of its digest; "" for the last one that is not in force now.

    Raises ProposalError where there is none, or where it would not load any more.
    """
    if not digest:
        history = control.policies.history()
        before = next((one for one in history if one.digest != history[0].digest), None)
        if before is None:
            raise ProposalError("there is no policy before this one; `dragoman policy history` lists what was in force")
        digest = before.digest
    try:
        return stored(control, digest)
    except PolicyFileError as error:
        raise ProposalError(f"that policy would not be accepted today: {error.message}") from None
