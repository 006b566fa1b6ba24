"""What a look at an installation comes to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. advice: what to do where it is not as it should be."""

    name: str
    ok: bool
    found: str
    advice: str = ""
