"""What a process writes when something fails that nobody expected: a class and a place, never the words of the error."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from proxy.config import Settings
from proxy.console.settings import ConsoleSettings
from proxy.outbound.settings import OutboundSettings
from proxy.processes.telling import settings_to_json

MAIL = "harriet.b@example.com"
FAILS = f"""
import asyncio, gc, sys, threading, warnings

class Falls:
    def __del__(self):
        raise ValueError("falls {MAIL}")

async def lost():
    raise ValueError("lost {MAIL}")

async def in_every_way(*_):
    warnings.warn("cannot read {MAIL}")
    Falls()
    thread = threading.Thread(target=exec, args=("raise ValueError('{MAIL}')",))
    thread.start()
    thread.join()
    task = asyncio.ensure_future(lost())
    await asyncio.wait([task])
    del task
    gc.collect()
"""
DOOR = """
from proxy.processes import __main__ as child
async def door(line):
    await in_every_way()
    return 0
child.ROLES["door"] = door
sys.exit(asyncio.run(child.main("door")))
"""
CONSOLE = """
import proxy.console.app, proxy.console.server
from proxy.console.__main__ import main
proxy.console.app.application = lambda settings: asyncio.run(in_every_way()) or sys.exit(0)
main()
"""
STREAMS = """
import audit.store
from proxy.outbound.__main__ import main
audit.store.Store.open = lambda *_, **__: asyncio.run(in_every_way()) or sys.exit(0)
main()
"""


def line_of(name: str, home: Path, log: str) -> bytes:
    settings = Settings(home=home, log=log, console="127.0.0.1:0")
    if name == "console":
        return ConsoleSettings.of(settings).line()
    if name == "streams":
        return OutboundSettings.of(settings).line()
    return json.dumps({"settings": settings_to_json(settings)}).encode() + b"\n"


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(("name", "script"), [("door", DOOR), ("console", CONSOLE), ("streams", STREAMS)])
def test_no_process_quotes_what_nobody_caught(name: str, script: str, form: str, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "always", "-c", textwrap.dedent(FAILS) + script]
    done = subprocess.run(command, input=line_of(name, tmp_path, form), capture_output=True, check=False, timeout=120)
    said = done.stderr.decode()
    assert MAIL not in said
    assert said.count("ValueError") == 3  # the thread's, the destructor's, the task's
    assert "Traceback" not in said
    if form == "json":
        assert all(json.loads(one)["level"] == "error" for one in said.splitlines())


def test_a_crash_leaves_no_memory_behind() -> None:
    script = """
        import resource, subprocess, sys
        from proxy import cli
        core = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE))"
        cli.build = lambda arguments: lambda: subprocess.run([sys.executable, "-c", core])
        cli.main()
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, check=True, timeout=60)
    assert done.stdout.decode().strip() in {"(1, 1)", "(0, 0)"}
