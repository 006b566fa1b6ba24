"""Who has which cores, and the machines on which the transparent door is measured."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from proxy.bench.bare import ANSWER
from proxy.bench.cores import allowed, free, shared_out
from proxy.bench.gateway import PATH, placed, spawn
from proxy.bench.load import chat_body, request_bytes
from proxy.bench.machines import PROVIDER, MachinesError, row
from proxy.errors import ConfigError


def test_few_cores_are_shared_and_more_are_not() -> None:
    for few in ((0,), (3, 7)):
        cores = shared_out(few)
        assert (cores.client, cores.upstream, cores.measured, cores.apart) == (few, few, few, False)
    assert shared_out((3, 7), 1).measured == (3,)
    three = shared_out((0, 1, 2))
    assert (three.client, three.upstream, three.measured) == ((0,), (0,), (1, 2))
    many = shared_out(range(16))
    assert [len(part) for part in (many.client, many.upstream, many.measured)] == [4, 4, 8]
    assert not set(many.measured) & {*many.client, *many.upstream}
    assert len(shared_out(range(16), 2).measured) == 2
    assert many.words() == "cores: client 4, upstream 4, measured 8"


@pytest.mark.parametrize(
    ("said", "left"), [("100000 100000", 1), ("50000 100000", 1), ("max 100000", None), ("", None)]
)
def test_a_share_of_time_is_worth_so_many_cores(tmp_path: Path, said: str, left: int | None) -> None:
    limits = tmp_path / "cpu.max"
    assert allowed(limits) == free()
    limits.write_text(said)
    assert allowed(limits) == free()[:left]


@pytest.mark.parametrize(("cores", "measured"), [((0, 1), 3), (tuple(range(8)), 5)])
def test_more_than_there_are_is_refused(cores: tuple[int, ...], measured: int) -> None:
    with pytest.raises(ConfigError, match=f"--cores {measured}"):
        shared_out(cores, measured)


def test_the_client_is_where_it_was_when_the_bench_has_ended() -> None:
    before = free()
    with ExitStack() as stack:
        cores = placed(stack, 0)
        assert free() == cores.client
    assert free() == before


def test_an_app_reaches_its_provider_through_a_router_that_can_take_hold_of_it() -> None:
    with ExitStack() as stack:
        try:
            machines = row(stack, "test")
        except MachinesError as error:
            pytest.skip(f"no machines out of network namespaces: {error}")
        bare = ("-m", "proxy.bench.bare", "upstream", f"{PROVIDER}:8000")
        spawn(stack, *bare, ready="ready", inside=machines.provider)
        with machines.app.connected(PROVIDER, 8000) as connection:
            connection.sendall(request_bytes(8000, PATH, chat_body(["hello"]), PROVIDER))
            got = b""
            while not got.endswith(ANSWER):
                piece = connection.recv(65_536)
                assert piece, got
                got += piece
        machines.capture()
        with pytest.raises(ConnectionError):  # nobody stands at the door
            machines.app.connected(PROVIDER, 8000)
        assert Path(f"/run/netns/{machines.app.name}").exists()
    assert not Path(f"/run/netns/{machines.app.name}").exists()
