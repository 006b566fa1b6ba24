"""The program `nft`: loads and lists nftables rules. Needs the right to (root, or CAP_NET_ADMIN)."""

import os
import shutil
import subprocess

from proxy import capture
from proxy.errors import ConfigError

WAIT_S = 30.0


def listing() -> str | None:
    """Our table as the kernel has it; None where there is none. Raises ConfigError."""
    done = _run("--stateless", "list", "table", capture.FAMILY, capture.TABLE)
    if done.returncode and "No such file" in done.stderr:
        return None
    if done.returncode:
        raise _failed(done.stderr)
    return done.stdout


def nft(*arguments: str, given: str | None = None) -> None:
    """Run it. given: on its standard input. Raises ConfigError in its own words."""
    done = _run(*arguments, given=given)
    if done.returncode:
        raise _failed(done.stderr)


def _run(*arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    found = shutil.which("nft", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if found is None:
        raise ConfigError("there is no `nft` here; install the package nftables")
    return subprocess.run(  # noqa: S603 (the program that was found, with arguments of ours)
        [found, *arguments], input=given, capture_output=True, text=True, timeout=WAIT_S, check=False
    )


def _failed(told: str) -> ConfigError:
    if "Operation not permitted" in told:
        return ConfigError("nft may not be used by this user; run it as root, or with CAP_NET_ADMIN")
    return ConfigError(f"nft does not take the rules: {told.strip().splitlines()[0] if told.strip() else 'no reason'}")
