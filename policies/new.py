"""A first policy file, commented, from a few answers; and the form of a test phase, filled in.

Answers enter, the text of a file leaves. What nobody has decided yet is written as `todo`, which a policy for prod
does not accept.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta

import orjson

from policies.errors import UsageError
from policies.load import MAX_OBSERVE_DAYS
from policies.register import bundled_file, bundled_register

_SLUG = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Answers:
    """What `policy new` asks. destinations: names from the register. basis: as in the policy language, or todo."""

    name: str
    application: str
    purpose: str
    controller: str
    basis: str = "todo"
    destinations: tuple[str, ...] = ("openai",)
    special_home: bool = False


def policy_file(answers: Answers) -> str:
    """A commented policy. Raises UsageError for a name that cannot stand in a file."""
    register = bundled_register()
    for what, name in (("policy", answers.name), ("application", answers.application), ("purpose", answers.purpose)):
        _checked(what, name)
    for name in answers.destinations:
        if name not in register.editions:
            raise UsageError(f"there is no destination '{name[:60]}' in the register: {', '.join(register.editions)}")
    home = answers.special_home and "self-hosted" not in answers.destinations
    names = (*answers.destinations, "self-hosted") if home else answers.destinations
    pins = "\n".join(f"  {name}: {{extends: bundled:{name}@{register.latest(name)}}}" for name in names)
    return _POLICY.format(
        name=answers.name,
        application=answers.application,
        purpose=answers.purpose,
        controller=_quoted(answers.controller),
        basis=answers.basis,
        destinations=pins,
        special=_HOME if answers.special_home else _SPECIAL,
        first=answers.destinations[0],
    )


EXAMPLES = ("feed", "messenger", "headset", "compare")
"""Worked examples that ship with the package; each is a policy file with cases and comments."""


def example_file(name: str) -> str:
    """A worked example. Raises UsageError."""
    if name not in EXAMPLES:
        raise UsageError(f"there is no example '{name[:60]}'; there are {', '.join(EXAMPLES)}")
    return bundled_file(f"examples/{name}").decode()


def observe_file(applications: tuple[str, ...], days: int, approved_by: str, today: date) -> str:
    """A test phase for some applications, at most 14 days. Raises UsageError."""
    if not applications or not approved_by.strip():
        raise UsageError("a test phase names its applications and who approved it")
    if not 1 <= days <= MAX_OBSERVE_DAYS:
        raise UsageError(f"a test phase lasts 1 to {MAX_OBSERVE_DAYS} days")
    for name in applications:
        _checked("application", name)
    return _OBSERVE.format(
        applications="\n".join(f"  {name}: {{identify: {{credential: {name}}}}}" for name in applications),
        listed=", ".join(applications),
        until=(today + timedelta(days=days)).isoformat(),
        approved_by=_quoted(approved_by),
    )


def _checked(what: str, name: str) -> None:
    if not _SLUG.fullmatch(name):
        raise UsageError(f"the name of the {what} has lower-case letters, digits, `-`, `_` and `.`, at most 64")


def _quoted(text: str) -> str:
    """A text as a double-quoted YAML scalar (JSON strings are)."""
    return orjson.dumps(text).decode()


_SPECIAL = """  - id: special-categories-stay-here
    when: {entity: [group:special, group:health]}
    do: block
    because: Special categories of personal data (GDPR Art. 9) do not leave
"""

_HOME = """  # Health data and other special categories are answered by the model that we run ourselves.
  - id: special-categories-go-home
    when: {entity: [group:special, group:health], destination: {operator_not: us}}
    do: route
    to: self-hosted
    because: Special categories of personal data (GDPR Art. 9) stay with us
"""

_POLICY = """# What {application} may send to outside models. Rules are asked from the top, the first that fits decides,
# and what no rule fits is blocked. After a change: `dragoman policy lint`, then `dragoman policy test`.
version: 1
name: {name}
description: What {application} may send to outside models.
# test, staging or prod. In prod nothing may be `todo` any more.
environment: test

# Who decides why the data is used (GDPR Art. 4(7)).
controllers:
  us: {{name: {controller}, contact: "", country: ""}}

# Why it is used. `basis` is GDPR Art. 6 as your organisation declares it: consent, contract, legal-obligation,
# vital-interests, public-task, legitimate-interests, none; `todo` where nobody has decided.
purposes:
  {purpose}:
    controller: us
    basis: {basis}
    special_basis: none
    persons: [requester]

# Where data may go. An edition is pinned, so that its facts never change by themselves.
destinations:
{destinations}

# Which app this is: `dragoman app add {application}` makes its credential.
applications:
  {application}: {{identify: {{credential: {application}}}, purpose: {purpose}}}

# From whom the app's own headers are believed.
trust:
  dragoman-session: [credential]
  dragoman-subject: [credential]
  dragoman-purpose: [credential]

rules:
  - id: secrets-stay-here
    when: {{entity: group:secrets}}
    do: block
    because: A secret that left cannot be called back
{special}  - id: organisations-pass
    when: {{entity: ORGANIZATION}}
    do: allow
    because: Names of organisations are no personal data
  # `any` also meets what a new detector calls by a name that stands nowhere here.
  - id: personal-data-becomes-placeholders
    when: {{entity: any}}
    do: tokenize
    because: Personal data leaves as placeholders
  - id: rest
    when: {{entity: none}}
    do: allow
    because: Nothing was found here

# inspect: look inside, refuse where that is not possible. pass: let through and record it. refuse: never.
media: {{image: inspect, document: inspect, audio: refuse, video: refuse, sensor: refuse, other: refuse}}

# Each case is a small test: `dragoman policy test` runs them, and a policy whose cases fail is never activated.
cases:
  - name: A phone number becomes a placeholder
    app: {application}
    to: {first}
    text: "Ruf mich an: 0171 2345678"
    expect: {{PHONE_NUMBER: tokenize, action: transform}}
  - name: A password is not sent, and a company keeps its name
    app: {application}
    to: {first}
    findings: [{{type: PASSWORD}}, {{type: ORGANIZATION}}]
    expect: {{PASSWORD: block, ORGANIZATION: allow, action: block}}
"""

_OBSERVE = """# A test phase: for these applications nothing is changed, everything is decided and recorded, and every
# record says `observe`. Secrets stay blocked. Other applications are treated as in `bundled:default`. After the last
# day the rules apply by themselves.
version: 1
name: observe
description: A test phase in which the named applications are only observed.
include: bundled:default

applications:
{applications}

observe:
  applications: [{listed}]
  until: {until}
  approved_by: {approved_by}
"""
