"""Apps on the very machine (or in the very pod) on which dragoman runs: led to the door by who they are, not by where
they come in."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from proxy.fakes.leaks import assert_no_leak
from tests.transparent import MAIL, PHONE, TEXT, USER, Place, placed

NOBODY = "65534"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, throwaway_ca: Any) -> Iterator[Place]:
    with placed(tmp_path_factory.mktemp("pod") / "home", throwaway_ca, "--proxy-user", "root") as made:
        yield made


def curl(place: Place, url: str, *options: str, user: str = NOBODY) -> subprocess.CompletedProcess[str]:
    """An app of another user on dragoman's machine; it trusts our CA."""
    own = () if user == "0" else ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups")
    with tempfile.TemporaryDirectory() as folder:  # pytest's folders are root's alone
        Path(folder).chmod(0o755)
        ca = Path(folder) / "ca.pem"
        ca.write_bytes(place.ca.read_bytes())
        ca.chmod(0o644)
        command = ("curl", "--silent", "--show-error", "--max-time", "100", "--cacert", str(ca), *options, url)
        return place.net.run(place.net.router, *own, *command)


@pytest.mark.parametrize(
    ("api", "url", "body"),
    [
        ("openai", "https://api.openai.com/v1/chat/completions", {"model": "fake-echo", "messages": USER}),
        (
            "gemini",
            "https://generativelanguage.googleapis.com/v1beta/models/fake-echo:generateContent",
            {"contents": [{"role": "user", "parts": [{"text": TEXT}]}]},
        ),
    ],
    ids=["ipv4", "ipv6"],
)
def test_an_app_of_another_user_is_led_to_the_door(place: Place, api: str, url: str, body: dict[str, Any]) -> None:
    done = curl(place, url, "--json", orjson.dumps(body).decode())
    assert done.returncode == 0, done.stderr
    assert MAIL in done.stdout
    assert_no_leak(place.received(api), [MAIL, PHONE])
    assert place.entries("transfer")[-1]["mode"] == "transparent"


def test_dragomans_own_packets_are_left_alone(place: Place, throwaway_ca: Any) -> None:
    """As its own user, one speaks with the provider itself, whose certificate is not ours."""
    options = ("--cacert", str(throwaway_ca.path), "--json", '{"model": "fake-echo", "messages": []}')
    before = len(place.entries("transfer"))
    done = curl(place, "https://api.openai.com/v1/chat/completions", *options, user="0")
    assert done.returncode == 0, done.stderr
    assert len(place.entries("transfer")) == before


def test_what_is_on_this_machine_is_reached_as_before(place: Place) -> None:
    done = curl(place, "http://127.0.0.1:8788/-/healthz")
    assert (done.returncode, done.stdout) == (0, "ok\n")
