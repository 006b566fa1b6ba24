"""The home and what lies in it: who may read and write it, its room, its clock."""

import os
import shutil
import time
from collections.abc import Iterator

from proxy.config import Settings
from proxy.installation.base import Check

LOW_SPACE = 512 * 1024 * 1024
"""Below this the log could soon refuse; a busy proxy writes some 10 MB an hour."""


def home(settings: Settings) -> Iterator[Check]:
    """Whether the folder can be written, by its owner alone."""
    home = settings.home
    if not home.exists():
        above = next(one for one in home.absolute().parents if one.exists())
        possible = above.is_dir() and os.access(above, os.W_OK | os.X_OK)
        yield Check(
            "home",
            possible,
            f"{home} is not there yet; {'the first start makes it' if possible else f'{above} may not be written'}",
            "name another folder (`--home`), or let this user write there",
        )
        return
    private = not home.stat().st_mode & 0o077
    writable = os.access(home, os.W_OK)
    yield Check(
        "home",
        private and writable,
        f"{home} is {'private' if private else 'open to others'}, {'' if writable else 'not '}writable",
        f"run `chmod 700 {home}` as its owner",
    )


def keys(settings: Settings) -> Iterator[Check]:
    """Whether somebody else can read a key."""
    folder = settings.home / "keys"
    if not folder.exists():
        return
    open_keys = [key.name for key in sorted(folder.glob("*.key")) if key.stat().st_mode & 0o077]
    yield Check(
        "keys",
        not open_keys,
        f"open to others: {', '.join(open_keys)}" if open_keys else "readable by their owner alone",
        f"run `chmod 600 {folder}/*.key`, and think of them as known to whoever could read them",
    )


def space(settings: Settings) -> Iterator[Check]:
    """Room on the disk of the home."""
    home = settings.home.absolute()
    free = shutil.disk_usage(next(one for one in (home, *home.parents) if one.exists())).free
    yield Check(
        "disk space",
        free > LOW_SPACE,
        f"{free // 2**20} MiB free",
        "make room: without it the log refuses, and so does dragoman",
    )


def clock(settings: Settings) -> Iterator[Check]:
    """Whether the newest record was made before now."""
    database = settings.home / "audit.db"
    newest = database.stat().st_mtime if database.exists() else 0.0
    ahead = newest - time.time()
    yield Check(
        "clock", ahead < 60, "runs forward" if ahead < 60 else "is behind the newest record", "set the clock (NTP)"
    )
