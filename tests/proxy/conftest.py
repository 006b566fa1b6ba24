"""Fixtures for what holds pieces of uploads."""

import asyncio
import itertools
from collections.abc import Callable, Iterator

import pytest

from proxy.running.pieces import PieceFolder


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """An event loop for tests that are drawn many times."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., PieceFolder]:
    """Makes `PieceFolder(…, limit, now=…)`, each in a folder of its own."""
    root, numbers = tmp_path_factory.mktemp("pieces"), itertools.count()

    def make(limit: int, **more: Callable[[], float]) -> PieceFolder:
        return PieceFolder(root / str(next(numbers)), bytes(32), limit, **more)

    return make
