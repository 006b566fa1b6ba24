"""The end of the door: open transfers may finish, and what cannot is cut and recorded so."""

import asyncio

import httpx
import pytest

from proxy.doors.network.transfers import Passage, Transfers
from proxy.exchange import Ending
from proxy.messages import Door, Egress, Headers, Origin


def held_stream(release: asyncio.Event):
    async def stream(call):
        await call.begin_stream()
        await call.event(b"[PERSON_1] one")
        await release.wait()
        await call.event(b"two")
        await call.end_stream()

    return stream


async def test_draining_waits_for_open_transfers_and_takes_no_new_ones(running, gate, upstream, until):
    address = running.address
    release = asyncio.Event()
    upstream.respond = held_stream(release)
    url = f"https://api.example:{upstream.port}/"
    async with running.client() as client, client.stream("POST", url, content=b"Anna") as answer:
        pieces = answer.aiter_raw()
        await anext(pieces)
        draining = asyncio.create_task(running.door.drain(20))
        await until(lambda: not running.door.addresses)
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await asyncio.open_connection(*address)
        release.set()
        assert b"".join([piece async for piece in pieces]).endswith(b"data: two\n\n")
        assert await draining is True
    assert await gate.outcome() is Ending.COMPLETE
    assert running.door.open_transfers == 0


async def test_a_request_on_an_old_connection_is_refused_while_draining(running, gate, upstream, until):
    release = asyncio.Event()
    upstream.respond = held_stream(release)
    url = f"https://api.example:{upstream.port}/"
    async with running.client(http2=True) as client, client.stream("POST", url, content=b"Anna") as answer:
        pieces = answer.aiter_raw()
        await anext(pieces)
        draining = asyncio.create_task(running.door.drain(20))
        await until(lambda: not running.door.addresses)
        late = await client.post(url, content=b"Anna")
        assert (late.status_code, late.json()) == (503, {"provider_error": "draining"})
        release.set()
        async for _ in pieces:
            pass
        assert await draining is True
    assert len(gate.admitted) == 1


async def test_what_does_not_end_in_time_is_cut(running, gate, upstream):
    upstream.respond = held_stream(asyncio.Event())
    with pytest.raises(httpx.RemoteProtocolError):
        async with (
            running.client() as client,
            client.stream("POST", f"https://api.example:{upstream.port}/", content=b"Anna") as answer,
        ):
            pieces = answer.aiter_raw()
            await anext(pieces)
            assert await running.door.drain(0) is False
            await running.door.stop()
            async for _ in pieces:
                pass
    assert await gate.outcome() is Ending.CUT
    assert running.door.open_transfers == 0


async def test_idle_connections_do_not_hold_the_end_up(running, upstream):
    async with running.client() as client:
        await client.get(f"https://api.example:{upstream.port}/")
        assert await running.door.drain(20) is True


async def test_stopping_twice_and_without_a_start_is_no_error(running, gate, authority):
    from proxy.doors.network import NetworkDoor, NetworkSettings

    await running.door.stop()
    await running.door.stop()
    await NetworkDoor(gate, NetworkSettings(authority.directory)).stop()


async def test_a_door_can_be_started_after_another_one(running, start_door, upstream):
    await running.door.stop()
    again = await start_door()
    async with again.client() as client:
        assert (await client.post(f"https://api.example:{upstream.port}/", content=b"Anna")).content == b"Anna"


async def test_an_outcome_that_was_written_a_moment_ago_does_not_stop_the_loop(gate):
    transfers = Transfers(gate)
    origin = Origin("https", "api.example", 443)
    exchange = await gate.admit(Egress(Door.NETWORK, "regular", "GET", b"/", Headers(), b"", origin=origin))
    passage = Passage(exchange=exchange, sent=True)
    transfers.opened("client", passage)
    transfers.end(passage, Ending.COMPLETE)
    # It begins right after the outcome's task and before that task's callbacks; a loop that does not yield hangs here.
    await asyncio.create_task(transfers.settled())
    assert await gate.outcome() is Ending.COMPLETE
