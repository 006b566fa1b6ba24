"""Apps on dragoman's own machine, led to the door by the control group that they run in."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from proxy.fakes.leaks import assert_no_leak
from tests.transparent import MAIL, PHONE, USER, Place, placed

GROUP = "dragoman-test"
MOUNT = f"mount -t cgroup2 none /sys/fs/cgroup && mkdir -p /sys/fs/cgroup/{GROUP}"
"""In the mounts that `ip netns exec` makes for one command; a machine with systemd has it there already."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, throwaway_ca: Any) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("group") / "home"
    with placed(home, throwaway_ca, "--proxy-user", "10001", "--cgroup", GROUP, prepare=MOUNT) as made:
        yield made
        made.net.run(made.net.router, "sh", "-c", f"{MOUNT}; rmdir /sys/fs/cgroup/{GROUP}")


@pytest.mark.parametrize("inside", [True, False])
def test_an_app_is_led_to_the_door_by_its_control_group(place: Place, throwaway_ca: Any, inside: bool) -> None:  # fmt: skip
    """The same user, the same machine: the one in the group sees our certificate, the other the provider's own."""
    body = orjson.dumps({"model": "fake-echo", "messages": USER}).decode()
    before = len(place.entries("transfer"))
    enter = f"echo $$ > /sys/fs/cgroup/{GROUP}/cgroup.procs; " if inside else ""
    ca = place.ca if inside else throwaway_ca.path
    run = f'{MOUNT}; {enter}exec curl --silent --show-error --max-time 100 --cacert "$0" --json "$1" https://api.openai.com/v1/chat/completions'  # fmt: skip
    done = place.net.run(place.net.router, "sh", "-c", run, str(ca), body)
    assert done.returncode == 0, done.stderr
    assert MAIL in done.stdout
    assert len(place.entries("transfer")) == before + inside
    if inside:
        assert_no_leak(place.received("openai"), [MAIL, PHONE])
