"""What `dragoman run` says of itself when it is ready."""

from pathlib import Path

import pytest

from proxy.commands.run import ways_of
from proxy.config import Settings
from proxy.doors.ways_in import Addresses

HERE = ("127.0.0.1", 1)


@pytest.mark.parametrize(
    ("modes", "bound", "said"),
    [
        (("regular",), (HERE,), ["HTTPS proxy  http://127.0.0.1:1"]),
        (
            ("SOCKS5@127.0.0.1:1", "reverse:https://api.example@127.0.0.1:1", "upstream:http://next:1"),
            (HERE, HERE, HERE),
            [
                "SOCKS5 proxy socks5h://127.0.0.1:1",
                "reverse      https://127.0.0.1:1",
                "HTTPS proxy  http://127.0.0.1:1",
            ],
        ),
        (("transparent@:1",), (("0.0.0.0", 1), ("::", 1)), ["transparent  0.0.0.0:1", "transparent  [::]:1"]),
        (
            ("transparent@:1", "regular"),
            (("::", 1), HERE, HERE),
            ["network door [::]:1", *["network door 127.0.0.1:1"] * 2],
        ),
        ((), (), []),
    ],
)
def test_each_way_in_has_its_own_name(
    tmp_path: Path, modes: tuple[str, ...], bound: tuple[tuple[str, int], ...], said: list[str]
) -> None:
    settings = Settings(home=tmp_path, modes=modes)
    assert ways_of(settings, Addresses(HERE, HERE, bound)) == said
