"""What deploy/ ships says what dragoman does: commands that exist, ports that it listens on, no rights that it lacks use for."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from proxy.capture import DEFAULT_PORT
from proxy.cli import build
from proxy.config import DEFAULT_ADMIN, DEFAULT_LISTEN, DEFAULT_MODES
from proxy.doors.network.settings import DEFAULT_PORTS, KEY_LOGS

DEPLOY = Path(__file__).parents[2] / "deploy"
FILES = [path for path in DEPLOY.rglob("*") if path.is_file()]


def test_every_command_that_is_named_is_taken_with_its_options() -> None:
    text = "\n".join(path.read_text() for path in FILES)
    named = set(re.findall(r"dragoman (net (?:plan|apply)(?: --[a-z-]+(?: [a-z0-9/]+)?)+)", text))
    captured = re.search(r"DRAGOMAN_CAPTURE=([^$\"]+)\"", text)
    assert captured is not None
    named.add(f"net apply {captured[1]}")
    assert len(named) >= 4
    runner = CliRunner()
    for command in named:
        words = command.replace("apply", "plan").replace("dragoman", "root").split()
        done = runner.invoke(build(words), words)
        assert done.exit_code == 0, f"{command}: {done.output} {done.exception}"


def test_the_image_exposes_where_dragoman_listens() -> None:
    text = (DEPLOY / "container" / "Dockerfile").read_text()
    exposed = set(re.search(r"^EXPOSE (.*)$", text, re.MULTILINE)[1].split())  # type: ignore[index]
    assert exposed == {address.rpartition(":")[2] for address in (DEFAULT_LISTEN, *DEFAULT_MODES, DEFAULT_ADMIN)}
    assert "USER 10001" in text
    assert "10001" in (DEPLOY / "nftables" / "pod.nft").read_text()


def test_the_rules_lead_to_the_port_of_the_transparent_mode() -> None:
    assert DEFAULT_PORTS["transparent"] == DEFAULT_PORT


def test_the_service_takes_away_what_the_engine_would_refuse() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment]
    unit.read(DEPLOY / "systemd" / "dragoman.service")
    assert set(unit["Service"]["UnsetEnvironment"].split()) == set(KEY_LOGS)
    assert unit["Service"]["CapabilityBoundingSet"] == ""


@pytest.mark.parametrize("name", ["dragoman.service", "dragoman-capture.service"])
def test_systemd_takes_the_unit(name: str, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze")
    copy = tmp_path / name
    copy.write_text((DEPLOY / "systemd" / name).read_text().replace("/opt/dragoman/bin/dragoman", "/bin/true"))
    command = ["systemd-analyze", "verify", "--man=no", str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert not [line for line in done.stderr.splitlines() if name in line], done.stderr
