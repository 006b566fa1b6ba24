"""Settings of a wrong type are named, with what to write instead; never a defect of ours, never half taken over."""

from pathlib import Path

import pytest

from proxy.configured import load
from proxy.console.settings import ConsoleSettings
from proxy.errors import ConfigError
from proxy.steps.policy_facts import engine_settings


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('workers = "two"', "workers: write a whole number"),
        ("workers = true", "workers: write a whole number"),
        ('detectors = "patterns"', "detectors: write a list"),
        ('modes = "none"', "modes: write a list"),
        ('require_credential = "no"', "require_credential: write true or false"),
        ("log = 3", "log: write a text"),
        ("policy = []", "policy: write a text"),
        ("limits = 3", "limits: write a table"),
        ("workerz = 2", "did you mean workers?"),
        ("modes = [1]", "modes: write each value in it as a text"),
        ("[upstreams]\nopenai = 1", "upstreams: write each value in it as a text"),
        ('[limits]\nbody_bytes = "32MB"', "limits.body_bytes: write a whole number above 0"),
        ("[limits]\nopen_transfers = 0", "limits.open_transfers: write a whole number above 0"),
        ("[limits]\nidle_s = true", "limits.idle_s: write a number above 0"),
        ("[limits]\nidle_s = nan", "limits.idle_s: write a number above 0"),
        ("workers = 1\nnode = 'M\xfcnchen'", "line 2 is no UTF-8"),
    ],
)
def test_a_setting_of_a_wrong_type_is_named(tmp_path: Path, line: str, told: str) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(line.encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        load(file, home=tmp_path, environ={})
    assert told in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('node = "a b"', "node: write a name of letters, digits"),
        ('origin = "bank log"', "origin: write a key name without space"),
        ('traces = "collector:4318"', "traces: write http://HOST"),
        ("detection_workers = 65", "detection_workers: write a number up to 64"),
    ],
)
def test_a_value_that_no_start_can_do_anything_with_is_named(tmp_path: Path, line: str, told: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(line)
    with pytest.raises(ConfigError, match=told):
        load(file, home=tmp_path, environ={})


def test_settings_of_the_right_types_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        '\ufeffworkers = 2\nmodes = []\nrequire_credential = true\npolicy = "p.yaml"\n[upstreams]\nopenai = "http://h:1"\n[limits]\nidle_s = 3'
    )
    settings = load(file, home=tmp_path, environ={})
    assert (settings.workers, settings.modes, settings.require_credential) == (2, (), True)
    assert settings.policy == tmp_path / "p.yaml"
    assert settings.upstreams["openai"].port == 1
    assert settings.limits.idle_s == 3


def test_a_providers_key_stands_beside_the_configuration_wherever_dragoman_was_started(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[provider_keys]\nopenai = "keys/openai"\ngemini = "env:KEY"\n')
    keys = load(file, home=tmp_path, environ={}).provider_keys
    assert keys == {"openai": str(tmp_path.resolve() / "keys" / "openai"), "gemini": "env:KEY"}


def test_recognizers_of_presidio_reach_detection(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('presidio_recognizers = ["bank.recognizers:Account"]\n')
    settings = load(file, home=tmp_path, environ={})
    told = ConsoleSettings.from_line(ConsoleSettings.of(settings).line()).as_settings
    for one in (settings, told):
        assert engine_settings(one, ()).presidio_recognizers == ("bank.recognizers:Account",)
