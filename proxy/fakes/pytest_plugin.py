"""Fixtures for app developers: a fake provider to send to, and the assertion that nothing personal arrived there.

Loaded by pytest through the entry point `pytest11`; imports nothing heavy before a fixture is asked for.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from proxy.fakes.running import RunningProvider
    from proxy.fakes.traffic import Received


@pytest.fixture
def fake_provider() -> "Iterator[Callable[..., RunningProvider]]":
    """Starts fake providers: `upstream = fake_provider("openai", behaviour="mangle-lower")`; has `url`, `received`."""
    from proxy.fakes.behaviour import Behaviour
    from proxy.fakes.running import RunningProvider

    with ExitStack() as stack:

        def start(api: str = "openai", **options: Any) -> RunningProvider:
            if "behaviour" in options:
                options["behaviour"] = Behaviour(options["behaviour"])
            return stack.enter_context(RunningProvider(api, **options))

        yield start


@pytest.fixture
def assert_no_leak() -> "Callable[[Iterable[Received], Sequence[str]], None]":
    """`assert_no_leak(upstream.received, ["Anna Schmidt"])`: looks in every encoding, see `proxy.fakes.leaks`."""
    from proxy.fakes.leaks import assert_no_leak as check

    return check
