"""Which applications get the originals of what a provider keeps of another one."""

from collections.abc import Callable
from typing import Any

from policies.load import read_text
from policies.policy import Policy
from policies.show import as_data as shown

type Make = Callable[..., Policy]

REST = {"id": "rest", "when": {"entity": "none"}, "do": "allow"}


def sharing(policy: Make, **applications: Any) -> Policy:
    return policy(rules=[REST], applications={name: one or {} for name, one in applications.items()})


def test_without_the_words_an_application_has_its_own_alone(policy: Make) -> None:
    made = sharing(policy, chat=None, feed=None)
    assert [made.owners_for(name) for name in ("chat", "feed", "other", "")] == [
        ("chat",), ("feed",), ("other",), ("",)
    ]  # fmt: skip


def test_it_goes_one_way_and_no_further(policy: Make) -> None:
    made = sharing(
        policy,
        chat={"shares_objects_with": "feed"},
        feed={"shares_objects_with": ["desk"]},
        mail={"shares_objects_with": ["desk", "feed"]},
        desk=None,
    )
    assert {name: set(made.owners_for(name)) for name in ("chat", "feed", "mail", "desk", "")} == {
        "chat": {"chat"},
        "feed": {"feed", "chat", "mail"},
        "mail": {"mail"},
        "desk": {"desk", "feed", "mail"},
        "": {""},
    }


def test_the_effective_policy_says_so_and_the_digest_counts_it(policy: Make) -> None:
    alone, shared = (
        sharing(policy, chat=None, feed=None),
        sharing(policy, chat=None, feed={"shares_objects_with": "chat"}),
    )
    assert [shown(one)["applications"]["feed"]["shares_objects_with"] for one in (alone, shared)] == [[], ["chat"]]
    assert alone.digest != shared.digest


def test_a_policy_without_the_words_has_the_digest_it_had_before_there_were_any() -> None:
    text = """
version: 1
name: t
applications: {chat: {}, feed: {owner: me}}
rules:
  - {id: rest, when: {entity: none}, do: allow}
"""
    digest = "sha256:6b2cc0fd2a0f8cc7887850cfc49f9fe2240686645bd61c42d3563051e949fb42"
    assert read_text(text).policy.digest == digest
