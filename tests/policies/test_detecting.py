"""A new policy's detection takes over without a gap: requests that were begun end where they began."""

import asyncio
from collections.abc import Sequence

import pytest

from proxy.policy.detecting import CurrentDetection
from redaction.errors import DetectionError
from redaction.pool import DetectionResult
from redaction.segment import Segment
from redaction.settings import OwnEntity

STAFF, PROJECT = (OwnEntity("STAFF"),), (OwnEntity("PROJECT"),)


class Played:
    """A detection whose answers come when the test says so."""

    def __init__(self, own: tuple[OwnEntity, ...], *, broken: bool = False) -> None:
        self.version = ",".join(one.name for one in own)
        self.broken = broken
        self.started = self.closed = 0
        self.waiting: list[asyncio.Future[None]] = []

    async def start(self) -> None:
        self.started += 1
        if self.broken:
            raise DetectionError("no model", code="crashed")

    async def close(self) -> None:
        self.closed += 1

    async def detect(self, segments: Sequence[Segment], *, deadline_s: float, owner: bytes = b"") -> DetectionResult:
        self.waiting.append(asyncio.get_running_loop().create_future())
        await self.waiting[-1]
        return DetectionResult((), self.version, 0, 0)


@pytest.fixture
def made() -> list[Played]:
    return []


@pytest.fixture
def current(made: list[Played]) -> CurrentDetection:
    def make(own: tuple[OwnEntity, ...]) -> Played:
        made.append(Played(own, broken=own == PROJECT))
        return made[-1]

    return CurrentDetection(make, ())


async def begun(current: CurrentDetection) -> "asyncio.Task[str]":
    """A request that waits for its findings; its result is the version that answered."""

    async def ask() -> str:
        return (await current.detect([], deadline_s=1)).version

    task = asyncio.create_task(ask())
    await asyncio.sleep(0)
    return task


async def test_equal_types_need_no_new_detection(current: CurrentDetection, made: list[Played]) -> None:
    await current.start()
    prepared = await current.prepare(())
    current.use(prepared, ())
    await current.retire()
    assert [(one.started, one.closed) for one in made] == [(1, 0)]


async def test_a_request_ends_where_it_began_and_then_the_old_one_ends(
    current: CurrentDetection, made: list[Played]
) -> None:
    await current.start()
    first = await begun(current)
    current.use(await current.prepare(STAFF), STAFF)
    await current.retire()
    assert made[0].closed == 0, "somebody still waits for it"
    second = await begun(current)
    made[0].waiting[0].set_result(None)
    made[1].waiting[0].set_result(None)
    assert (await first, await second) == ("", "STAFF")
    assert (made[0].closed, made[1].closed) == (1, 0)
    assert current.version == "STAFF"


async def test_an_idle_one_ends_when_it_is_looked_at(current: CurrentDetection, made: list[Played]) -> None:
    await current.start()
    current.use(await current.prepare(STAFF), STAFF)
    await current.retire()
    await current.retire()
    assert [one.closed for one in made] == [1, 0]


async def test_one_that_cannot_start_leaves_the_old_one(current: CurrentDetection, made: list[Played]) -> None:
    await current.start()
    with pytest.raises(DetectionError, match="no model"):
        await current.prepare(PROJECT)
    assert (made[0].closed, made[1].closed) == (0, 1)
    assert current.version == ""


async def test_one_that_is_not_used_after_all_is_ended(current: CurrentDetection, made: list[Played]) -> None:
    await current.start()
    await current.drop(await current.prepare(STAFF))
    await current.drop(await current.prepare(()))
    assert [one.closed for one in made] == [0, 1]


async def test_closing_ends_the_old_ones_too(current: CurrentDetection, made: list[Played]) -> None:
    await current.start()
    waiting = await begun(current)
    current.use(await current.prepare(STAFF), STAFF)
    await current.close()
    assert [one.closed for one in made] == [1, 1]
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
