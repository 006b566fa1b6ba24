"""A request is inspected whole or refused, whatever happens to a worker; no error quotes a text."""

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from redaction.detectors import build_engine
from redaction.errors import DetectionError, SettingsError
from redaction.pool import DetectionPool
from redaction.segment import Segment
from redaction.settings import EngineSettings

MAIL = "write to jane.doe@example.com today"
HELLO = 'read(); write({"version": "1", "languages": ["en"], "pid": os.getpid()})\n'
SETTINGS = EngineSettings(languages=("en",), detectors=("patterns",))

type Make = Callable[..., Segment]

HANGS_S = 0.3
"""For a worker that says nothing: more than passes before it is handed its text, also on a busy machine."""


def worker_pid(pool: DetectionPool) -> int:
    [worker] = pool._workers
    assert worker.pid is not None
    return worker.pid


async def refused(detection: Any) -> DetectionError:
    with pytest.raises(DetectionError) as error:
        await detection
    assert "jane" not in f"{error.value!s}{error.value!r}{error.value.__cause__!r}"
    return error.value


async def handed_over(pool: DetectionPool) -> None:
    """Waits until everything that waited has been given to a worker."""
    while pool._queue.chars:
        await asyncio.sleep(0)


async def test_the_pool_finds_what_the_engine_finds(pool: DetectionPool, segment: Make) -> None:
    texts = [MAIL, "", "  ", "call +44 20 7946 0958", "a\ud800 " + MAIL, MAIL.upper(), ("x " * 9_000 + MAIL + " ") * 3]
    segments = [segment(text) for text in texts]
    result = await pool.detect(segments)
    engine = build_engine(SETTINGS)
    assert [found.findings for found in result.segments] == [found.findings for found in engine.detect(segments)]
    assert result.version == pool.version == engine.version
    assert result.segments[0].findings[0].entity_type == "EMAIL_ADDRESS"
    again = await pool.detect(segments)
    assert again.segments == result.segments
    assert (again.analysed_chars, result.cache_hits) == (0, 0)
    assert again.cache_hits >= len([text for text in texts if text.strip()])


async def test_nobodys_text_makes_the_request_of_another_faster(pool: DetectionPool, segment: Make) -> None:
    segments = [segment(f"only one of us wrote to {MAIL}"), segment("and twice")]
    one, other, again = [await pool.detect(segments, owner=owner) for owner in (b"one", b"other", b"one")]
    assert one.analysed_chars == other.analysed_chars > 0
    assert (one.cache_hits, other.cache_hits, again.analysed_chars) == (0, 0, 0)
    assert one.segments == other.segments == again.segments


async def test_what_was_seen_before_needs_no_worker(pool: DetectionPool, segment: Make) -> None:
    first = await pool.detect([segment(MAIL)])
    os.kill(worker_pid(pool), signal.SIGSTOP)
    assert (await pool.detect([segment(MAIL)])).segments == first.segments


async def test_a_worker_that_is_killed_at_work_refuses_its_request_and_is_replaced(
    pool: DetectionPool, segment: Make
) -> None:
    before = worker_pid(pool)
    os.kill(before, signal.SIGSTOP)  # at work for as long as we like
    request = asyncio.create_task(pool.detect([segment(MAIL)]))
    await asyncio.sleep(0)
    await handed_over(pool)
    os.kill(before, signal.SIGKILL)
    assert (await refused(request)).code == "crashed"
    result = await pool.detect([segment(MAIL)], deadline_s=60)
    assert result.segments[0].findings
    assert worker_pid(pool) != before
    assert pool.alive == 1


async def test_a_worker_that_died_at_rest_is_replaced_before_it_is_asked(pool: DetectionPool, segment: Make) -> None:
    before = worker_pid(pool)
    [worker] = pool._workers
    assert worker._process is not None
    os.kill(before, signal.SIGKILL)
    await worker._process.wait()
    assert pool.alive == 0
    assert (await pool.detect([segment(MAIL)], deadline_s=60)).segments[0].findings
    assert worker_pid(pool) != before


async def test_ctrl_c_at_a_terminal_is_not_for_a_worker(pool: DetectionPool) -> None:
    assert os.getsid(worker_pid(pool)) != os.getsid(0)


async def test_a_text_that_takes_too_long_is_refused_and_its_worker_replaced(
    pool: DetectionPool, segment: Make
) -> None:
    before = worker_pid(pool)
    os.kill(before, signal.SIGSTOP)
    assert (await refused(pool.detect([segment(MAIL)], deadline_s=HANGS_S))).code == "timeout"
    assert (await pool.detect([segment(MAIL)], deadline_s=60)).segments[0].findings
    assert worker_pid(pool) != before


async def test_what_waits_behind_a_slow_text_is_served_when_the_worker_is_back(
    pool: DetectionPool, segment: Make
) -> None:
    os.kill(worker_pid(pool), signal.SIGSTOP)
    slow = asyncio.create_task(pool.detect([segment(MAIL)], deadline_s=HANGS_S))
    await asyncio.sleep(0)
    await handed_over(pool)
    behind = asyncio.create_task(pool.detect([segment("also joe@example.com")], deadline_s=60))
    assert (await refused(slow)).code == "timeout"
    assert (await behind).segments[0].findings


async def test_more_requests_than_may_wait_are_refused_at_once(segment: Make) -> None:
    async with DetectionPool(SETTINGS, workers=1, max_requests=2, max_waiting_chars=1_000) as pool:
        os.kill(worker_pid(pool), signal.SIGSTOP)
        waiting = [asyncio.create_task(pool.detect([segment(f"{MAIL} {number}")])) for number in range(2)]
        await asyncio.sleep(0)
        assert (await refused(pool.detect([segment(f"{MAIL} x")]))).code == "busy"
        waiting[0].cancel()
        await asyncio.gather(waiting[0], return_exceptions=True)
        assert (await refused(pool.detect([segment(MAIL * 100)]))).code == "busy"
        os.kill(worker_pid(pool), signal.SIGCONT)
        assert (await waiting[1]).segments[0].findings
        assert (await pool.detect([segment(f"{MAIL} x")])).segments[0].findings


async def test_a_caller_that_gives_up_leaves_nothing_behind(pool: DetectionPool, segment: Make) -> None:
    os.kill(worker_pid(pool), signal.SIGSTOP)
    gone = [asyncio.create_task(pool.detect([segment(f"{MAIL} {number}" * 2_000)])) for number in range(3)]
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    assert pool._queue.chars == 0
    os.kill(worker_pid(pool), signal.SIGCONT)
    assert (await pool.detect([segment(MAIL)], deadline_s=60)).segments[0].findings


async def test_closing_refuses_what_waits_and_ends_every_process(segment: Make) -> None:
    pool = DetectionPool(SETTINGS, workers=2)
    assert (await refused(pool.detect([segment(MAIL)]))).code == "closed"
    await pool.start()
    pids = [worker.pid for worker in pool._workers if worker.pid is not None]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    waiting = [asyncio.create_task(pool.detect([segment(f"{MAIL} {number}")])) for number in range(4)]
    await asyncio.sleep(0)
    await pool.close()
    assert {(await refused(task)).code for task in waiting} == {"closed"}
    assert (await refused(pool.detect([segment(MAIL)]))).code == "closed"
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    await pool.close()
    assert pool.alive == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("sys.exit(3)", "crashed"),
        ("read(); sys.exit(3)", "crashed"),
        (HELLO + "read(); sys.exit(3)", "crashed"),
        (HELLO + 'read(); sys.stdout.buffer.write(b"\\xff\\xff\\xff\\xffjane")', "crashed"),
        (HELLO + 'read(); sys.stdout.buffer.write(b"\\x00\\x00\\x00\\x04jane"); sys.stdout.flush(); read()', "crashed"),
        (HELLO + 'read(); sys.stdout.buffer.write(b"\\x00\\x00\\x00\\x09jane")', "crashed"),
        (HELLO + 'read(); write({"found": []}); read()', "crashed"),
        (HELLO + 'read(); write({"found": [["en", [["jane"]]]]}); read()', "crashed"),
        (HELLO + 'read(); write(["jane"]); read()', "crashed"),
        (HELLO + 'read(); write({"error": "failed", "message": "ValueError at x.py:1"}); read()', "failed"),
    ],
)
async def test_a_worker_that_misbehaves_refuses_the_request(
    fake_workers: Callable[[str], None], segment: Make, body: str, code: str
) -> None:
    fake_workers(body)
    pool = DetectionPool(SETTINGS, workers=1)
    if HELLO not in body:
        assert (await refused(pool.start())).code == code
        return
    async with pool:
        assert (await refused(pool.detect([segment(MAIL)], deadline_s=30))).code == code


async def test_an_error_that_nobody_foresaw_refuses_one_request_and_no_other(
    pool: DetectionPool, segment: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(MAIL)

    with monkeypatch.context() as patched:
        patched.setattr("redaction.detectors.process.segments_to_json", broken)
        error = await refused(pool.detect([segment(MAIL)]))
    assert (error.code, "RuntimeError" in str(error)) == ("failed", True)
    assert (await pool.detect([segment(MAIL)], deadline_s=60)).segments[0].findings


async def test_an_engine_that_cannot_be_built_says_why(fake_workers: Callable[[str], None]) -> None:
    fake_workers('read(); write({"error": "no_model", "message": "the model is not installed"})')
    pool = DetectionPool(SETTINGS, workers=1)
    with pytest.raises(SettingsError, match="not installed") as error:
        await pool.start()
    assert error.value.code == "no_model"
    assert pool.alive == 0


async def test_workers_of_different_versions_do_not_start(fake_workers: Callable[[str], None]) -> None:
    fake_workers('read(); write({"version": str(os.getpid()), "languages": []}); read()')
    pool = DetectionPool(SETTINGS, workers=2)
    with pytest.raises(DetectionError, match="different versions"):
        await pool.start()
    assert pool.alive == 0


async def test_when_no_worker_can_be_started_again_what_waits_is_refused(
    fake_workers: Callable[[str], None], segment: Make
) -> None:
    fake_workers(HELLO + "read(); sys.exit(3)")
    async with DetectionPool(SETTINGS, workers=1) as pool:
        first = asyncio.create_task(pool.detect([segment(MAIL)]))
        second = asyncio.create_task(pool.detect([segment(f"{MAIL} 2")], deadline_s=60))
        fake_workers("sys.exit(3)")
        assert (await refused(first)).code == "crashed"
        assert (await refused(second)).code == "crashed"


def test_a_language_without_a_detector_is_refused_before_anything_starts() -> None:
    with pytest.raises(SettingsError) as error:
        DetectionPool(EngineSettings(languages=("tlh",), detectors=("names",)))
    assert error.value.code == "no_detector"


async def test_the_pool_finds_what_is_split_over_parts_as_the_engine_does(pool: DetectionPool) -> None:
    texts = [MAIL[:15], MAIL[15:], "Card 5500 0000 00", "00 0004", MAIL]
    segments = [Segment(f"/messages/0/content/{number}/text", text) for number, text in enumerate(texts)]
    for _ in range(2):
        result = await pool.detect(segments)
        assert list(result.segments) == build_engine(SETTINGS).detect(segments)
    assert [len(found.findings) for found in result.segments] == [1, 1, 1, 1, 1]
    # What is remembered of a text by itself is not what was found beside another.
    alone = await pool.detect(segments[:1])
    assert alone.segments[0].findings == ()
