"""Requests take turns, whatever their size, and the count of waiting characters is always right."""

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from redaction.detectors.process import Batch, FairQueue
from redaction.errors import DetectionError
from redaction.segment import Segment


def batches(request: str, count: int, chars: int = 1) -> list[Batch]:
    return [
        Batch({f"{request}{number}".encode(): Segment("", f"{request}{number}".ljust(chars, "x"))}, 1.0)
        for number in range(count)
    ]


def name(batch: Batch) -> str:
    return batch.keys[0].decode()


async def test_a_large_request_does_not_block_a_small_one() -> None:
    queue = FairQueue()
    queue.put(batches("a", 5))
    first = name(await queue.get())
    queue.put(batches("b", 1))
    queue.put(batches("c", 2))
    served = [first, *[name(await queue.get()) for _ in range(7)]]
    assert served == ["a0", "a1", "b0", "c0", "a2", "c1", "a3", "a4"]
    assert queue.chars == 0


@given(st.lists(st.integers(0, 6), max_size=6), st.data())
async def test_nobody_waits_for_more_than_one_batch_of_each_other_request(sizes: list[int], data: Any) -> None:
    queue = FairQueue()
    waiting = {number: batches(f"{number}-", size, chars=3) for number, size in enumerate(sizes) if size}
    for request in waiting.values():
        queue.put(request)
    gone = data.draw(st.sets(st.sampled_from(sorted(waiting)))) if waiting else set()
    for number in gone:
        queue.drop(waiting[number])
        assert all(batch.answer.cancelled() for batch in waiting[number])
    left = {number: len(request) for number, request in waiting.items() if number not in gone}
    last: dict[int, int] = {}
    served = 0
    while any(left.values()):
        assert queue.chars == 3 * sum(left.values())
        number = int(name(await queue.get()).split("-")[0])
        assert served - last.get(number, served) <= len(waiting)
        last[number] = served = served + 1
        left[number] -= 1
    assert queue.chars == 0
    queue.fail_all(DetectionError("closed", code="closed"))


async def test_everything_that_waits_can_be_refused_at_once() -> None:
    queue = FairQueue()
    mine = batches("a", 3)
    queue.put(mine)
    taken = await queue.get()
    queue.fail_all(DetectionError("away", code="crashed"))
    assert queue.chars == 0
    assert [isinstance(batch.answer.exception(), DetectionError) for batch in mine[1:]] == [True, True]
    assert not taken.answer.done()
    taken.resolve([])
    taken.fail(DetectionError("too late"))
    assert taken.answer.result() == []


async def test_a_batch_counts_the_characters_of_its_texts(segment: Callable[..., Segment]) -> None:
    batch = Batch({b"1": segment("abc"), b"2": segment("đe")}, 1.0)
    assert (batch.chars, batch.keys) == (5, (b"1", b"2"))
