"""Placeholders are bent exactly as each behaviour says, and by nothing else."""

import pytest

from proxy.fakes.behaviour import Behaviour, Play, Prompt, explain, invented, made_up_urls, mangled, named_by, words_of

A, B, C = "[PERSON_7K3QX2MA]", "[STREET_ADDRESS_0A1B2C3D4E5F]", "[EMAIL_ADDRESS_9Z8Y7X6W]"
TEXT = f"an {A}, wohnt {B}"


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (Behaviour.ECHO, TEXT),
        (Behaviour.LOWER, "an [person_7k3qx2ma], wohnt [street_address_0a1b2c3d4e5f]"),
        (Behaviour.NO_BRACKETS, "an PERSON_7K3QX2MA, wohnt STREET_ADDRESS_0A1B2C3D4E5F"),
        (Behaviour.DOUBLE, f"an [{A}], wohnt [{B}]"),
        (Behaviour.MARKDOWN, r"an [PERSON\_7K3QX2MA], wohnt [STREET\_ADDRESS\_0A1B2C3D4E5F]"),
        (Behaviour.SPACES, "an [PERSON _ 7K3QX2MA], wohnt [STREET_ADDRESS _ 0A1B2C3D4E5F]"),
        (Behaviour.GENITIVE, f"an {A}s, wohnt {B}s"),
        (Behaviour.COMPOUND, f"an {A}-Akte, wohnt {B}-Akte"),
        (Behaviour.HONORIFIC, f"an chị {A}, wohnt chị {B}"),
        (Behaviour.TRANSLATED, "an [TÊN_7K3QX2MA], wohnt [Adresse_0A1B2C3D4E5F]"),
        (Behaviour.HTML, "an &lt;PERSON_7K3QX2MA&gt;, wohnt &lt;STREET_ADDRESS_0A1B2C3D4E5F&gt;"),
        (Behaviour.PERCENT, "an %5BPERSON_7K3QX2MA%5D, wohnt %5BSTREET_ADDRESS_0A1B2C3D4E5F%5D"),
        (Behaviour.UNICODE, r"an \u005bPERSON_7K3QX2MA\u005d, wohnt \u005bSTREET_ADDRESS_0A1B2C3D4E5F\u005d"),
        (Behaviour.MERGED, "an [PERSON_7K3QX2MA, STREET_ADDRESS_0A1B2C3D4E5F], wohnt "),
        (Behaviour.DROPPED, "an , wohnt "),
    ],
)
def test_each_mangling(behaviour, expected):
    assert words_of(Play(behaviour), Prompt(TEXT, (TEXT,))) == expected


def test_text_without_placeholders_is_left_alone():
    plain = "siehe [1], [NAME], [PERSON_12] und [[Link]]"
    assert all(mangled(behaviour, plain) == plain for behaviour in Behaviour)


def test_every_behaviour_has_a_test_of_its_mangling():
    bent = {behaviour for behaviour in Behaviour if mangled(behaviour, TEXT) != TEXT}
    assert bent == {behaviour for behaviour in Behaviour if behaviour.startswith("mangle-")}


def test_guesses_are_never_the_placeholder_itself():
    guesses = invented([A, B])
    assert not {A, B} & set(guesses)
    assert "[PERSON_7K4QX2MA]" in guesses
    assert "[PASSWORD_7K3QX2MA]" in guesses


def test_made_up_urls_carry_every_placeholder_in_every_part_of_a_url():
    urls = made_up_urls([A, C])
    assert sum(A in url for url in urls) == 4
    assert any("%5BPERSON_7K3QX2MA%5D" in url for url in urls)
    assert any("person-7k3qx2ma.collector.example" in url for url in urls)


def test_an_explanation_names_every_placeholder_that_was_seen():
    told = explain(Prompt("?", (f"eins {A}", f"zwei {A} {C}")))
    assert f"- {A}: person, first in line 1, in 2 lines." in told
    assert f"- {C}: email address, first in line 2, beside {A}, once." in told


@pytest.mark.parametrize(
    ("model", "behaviour"),
    [
        ("fake-mangle-lower", Behaviour.LOWER),
        ("models/mangle-lower", Behaviour.LOWER),
        ("echo", Behaviour.ECHO),
        ("gpt-4o", None),
        ("", None),
    ],
)
def test_a_model_name_may_ask_for_a_behaviour(model, behaviour):
    assert named_by(model) is behaviour


def test_an_opening_stands_before_an_echo():
    assert words_of(Play(opening="You said: "), Prompt("hi", ("hi",))) == "You said: hi"
