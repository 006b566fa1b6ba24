"""What a policy and its register declare about purposes and destinations, as a record says it.

Nothing here is a transfer's own: facts of the policy enter, frozen facts of the record leave. What is not of a record's
closed shape is left out, or replaced by a word that points to the register.
"""

import re

from audit.record import DestinationFacts, PurposeFacts
from audit.values import TransferMechanism
from policies.destination import Destination
from policies.policy import Policy

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,95}", re.ASCII)
_TERM = re.compile(r"[a-z0-9][a-z0-9._:+-]{0,63}", re.ASCII)


def named(text: str) -> str | None:
    """A name as a record may hold it, else None."""
    return text if NAME.fullmatch(text) else None


def purpose_facts(policy: Policy, name: str) -> PurposeFacts | None:
    """What a record says of a purpose."""
    purpose = policy.purposes.get(name)
    if purpose is None:
        return None
    controller = policy.controllers.get(purpose.controller)
    return PurposeFacts(
        name=purpose.id,
        controller=controller.name if controller else None,
        basis=purpose.basis,
        special_basis=purpose.special_basis,
        notice=named(purpose.notice),
        dpia=named(purpose.dpia),
    )


def destination_facts(destination: Destination | None, purpose: str) -> DestinationFacts | None:
    """What a record says of a destination."""
    if destination is None:
        return None
    digest = destination.digest.removeprefix("sha256:")
    return DestinationFacts(
        name=destination.name,
        contracting_entity=_text(destination, "contracting_entity"),
        role=_term(destination.role_for(purpose)),
        agreement=named(destination.agreement),
        transfer=_mechanism(destination.transfer),
        processing=_countries(destination, "processing"),
        storage=_countries(destination, "storage"),
        access=_countries(destination, "access"),
        retention=_term(_text(destination, "retention")),
        training=_term(_text(destination, "training")),
        register_digest=digest if re.fullmatch(r"[0-9a-f]{64}", digest) else None,
    )


def _text(destination: Destination, fact: str) -> str:
    value = destination.fact(fact)
    if isinstance(value, int):
        return f"{value}d"
    return ",".join(value) if isinstance(value, tuple) else value


def _term(text: str) -> str:
    return text if _TERM.fullmatch(text) else "see-register"


def _countries(destination: Destination, fact: str) -> tuple[str, ...]:
    value = destination.fact(fact)
    listed = value if isinstance(value, tuple) else (str(value),)
    return tuple(item for item in listed if re.fullmatch(r"[A-Z]{2}|unknown|any", item))[:64]


def _mechanism(text: str) -> TransferMechanism:
    return TransferMechanism(text) if text in set(TransferMechanism) else TransferMechanism.UNKNOWN
