"""A provider's key that dragoman holds changes under load: no request is lost, and it is said when the old one may go."""

import asyncio
import stat
import sys
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from typer.testing import CliRunner

from proxy.commands.provider_key import app
from proxy.config import Limits
from proxy.errors import ConfigError

OLD, NEW = "sk-old-0123456789abcdef", "sk-new-0123456789abcdef"
WAIT_S = 200


def configured(home: Path) -> Path:
    """The file of the key that a home's configuration names."""
    home.mkdir()
    place = home / "openai.key"
    place.write_text(OLD)
    place.chmod(0o640)
    (home / "config.toml").write_text(f'[provider_keys]\nopenai = "{place}"\n')
    return place


async def rotate(home: Path, key: str, *words: str) -> tuple[int | None, str]:
    program = (sys.executable, "-c", "from proxy.cli import main; main()", "provider-key", "rotate", "openai", "-")
    process = await asyncio.create_subprocess_exec(
        *program, "--home", str(home), *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate(key.encode())
    return process.returncode, told.decode()


async def test_a_providers_key_is_rotated_under_load_and_no_request_is_lost(tmp_path: Path, stand: Any, chat: Any) -> None:  # fmt: skip
    home = tmp_path / "home"
    place = configured(home)
    settings = {
        "provider_keys": MappingProxyType({"openai": str(place)}),
        "limits": Limits(drain_s=5),
    }
    async with stand(home=home, settings=settings) as it:
        headers = {"authorization": f"Bearer {it.app.control.add_credential('messenger')}"}
        await it.app.refresh()
        ended = asyncio.Event()

        async def service() -> list[int]:
            seen = []
            async with it.client("openai") as client:
                while not ended.is_set():
                    seen.append(
                        (await client.post("/v1/chat/completions", json=chat("hi"), headers=headers)).status_code
                    )
            return seen

        def keys() -> list[str]:
            return [call.headers.get("authorization") for call in it.received()]

        services = [asyncio.create_task(service()) for _ in range(3)]
        code, told = await asyncio.wait_for(rotate(home, NEW, "--wait", "90"), WAIT_S)
        assert code == 0, told
        assert "nothing uses the key before any more" in told
        after = len(keys())
        while len(keys()) < after + 6:
            await asyncio.sleep(0)
        ended.set()
        assert {status for one in await asyncio.gather(*services) for status in one} == {200}
        assert set(keys()) == {f"Bearer {OLD}", f"Bearer {NEW}"}
        assert set(keys()[after:]) == {f"Bearer {NEW}"}
        assert OLD not in told
        assert NEW not in told
    assert (place.read_text().strip(), place.with_name("openai.key.old").read_text()) == (NEW, OLD)
    assert [stat.S_IMODE(one.stat().st_mode) for one in home.glob("openai.key*")] == [0o640, 0o640]


def test_a_key_that_does_not_work_is_taken_back(tmp_path: Path) -> None:
    home = tmp_path / "home"
    place = configured(home)
    assert CliRunner().invoke(app, ["rotate", "openai", "-", "--home", str(home)], input=NEW).exit_code == 0
    assert CliRunner().invoke(app, ["back", "openai", "--home", str(home)]).exit_code == 0
    assert (place.read_text(), place.with_name("openai.key.old").read_text().strip()) == (OLD, NEW)


@pytest.mark.parametrize(
    ("words", "given", "said"),
    [
        (("rotate", "openai", "-"), "short", "16 to 8,192"),
        (("rotate", "openai", "-"), OLD, "uses this key already"),
        (("rotate", "gemini", "-"), NEW, "there are: openai"),
        (("back", "openai"), "", "no older key"),
    ],
)
def test_what_cannot_be_rotated_is_said_and_nothing_changes(tmp_path: Path, words: tuple[str, ...], given: str, said: str) -> None:  # fmt: skip
    home = tmp_path / "home"
    place = configured(home)
    done = CliRunner().invoke(app, [*words, "--home", str(home)], input=given)
    assert isinstance(done.exception, ConfigError)
    assert said in str(done.exception)
    assert place.read_text() == OLD
    assert not list(home.glob("*.old"))


def test_a_key_in_the_environment_or_behind_a_link_is_somebody_elses_to_replace(tmp_path: Path) -> None:
    home = tmp_path / "home"
    place = configured(home)
    place.rename(home / "real")
    place.symlink_to(home / "real")
    done = CliRunner().invoke(app, ["rotate", "openai", "-", "--home", str(home)], input=NEW)
    assert "is a link" in str(done.exception)
    (home / "config.toml").write_text('[provider_keys]\nopenai = "env:OPENAI_KEY"\n')
    done = CliRunner().invoke(app, ["rotate", "openai", "-", "--home", str(home)], input=NEW)
    assert "only a new start reads anew" in str(done.exception)
