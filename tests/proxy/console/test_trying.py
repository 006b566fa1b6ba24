"""Trying things out: detection takes seconds to load, and begins to when somebody opens what it will be asked from."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from policies.policy import Policy
from proxy.config import Settings
from proxy.console.log import AuditLog
from proxy.console.trying import Trying
from proxy.policy.source import read_policy
from redaction.errors import RedactionError


@dataclass
class Loading:
    """Stands for `Rehearsals`: what was asked of it, and whether it fails."""

    fails: bool = False
    warmed: list[str] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    ended: list[str] = field(default_factory=list)

    async def warm(self, policy: Policy) -> None:
        self.warmed.append(policy.name)
        self.begun.set()
        try:
            await self.goes_on.wait()
            if self.fails:
                raise RedactionError("no model")
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise

    async def close(self) -> None:
        self.ended.append("closed")


def trying(loading: Loading, tmp_path: Path, *detectors: str) -> Trying:
    made = Trying(cast(AuditLog, None), Settings(tmp_path / "home", detectors=detectors or ("patterns", "names")))
    made._made = loading  # type: ignore[assignment]
    made.begin(asyncio.get_running_loop())
    return made


async def test_detection_loads_once_while_it_is_loading_and_ends_with_the_console(tmp_path: Path) -> None:
    loading, policy = Loading(), read_policy(None, "default").policy
    made = trying(loading, tmp_path)
    made.warm(policy)
    made.warm(policy)
    await loading.begun.wait()
    assert loading.warmed == [policy.name]
    await made.close()
    assert loading.ended == ["cancelled", "closed"]


async def test_what_cannot_be_loaded_is_met_by_whoever_tries_something(tmp_path: Path) -> None:
    loading = Loading(fails=True)
    made = trying(loading, tmp_path)
    made.warm(read_policy(None, "default").policy)
    await loading.begun.wait()
    loading.goes_on.set()
    assert made._warming is not None
    assert await made._warming is None


async def test_nobody_loads_patterns_for_a_page_that_is_only_read(tmp_path: Path) -> None:
    loading = Loading()
    made = trying(loading, tmp_path, "patterns")
    made.warm(read_policy(None, "default").policy)
    await asyncio.sleep(0)
    assert made._warming is None
    assert loading.warmed == []
