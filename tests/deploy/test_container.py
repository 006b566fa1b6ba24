"""What builds the image, composes it and starts it as a service: linted by the tools of their own worlds."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from proxy.configured import load

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
EXPOSURE = 2.0


def test_hadolint_has_nothing_to_say() -> None:
    found = Path(sys.executable).parent / "hadolint"
    command = [found, DEPLOY / "container" / "Dockerfile"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_what_the_image_copies_is_there_and_is_let_through() -> None:
    text = (DEPLOY / "container" / "Dockerfile").read_text()
    copied = {word for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE) for word in line.split()[:-1]}
    let_through = set(
        re.findall(r"^!(.*)$", (DEPLOY / "container" / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    )
    assert copied == let_through
    assert all((ROOT / name).exists() for name in copied)
    assert {"proxy", "redaction", "audit", "policies"} <= copied


def test_the_composition_keeps_the_database_to_itself_and_its_secrets_out_of_sight(tmp_path: Path) -> None:
    composed = YAML(typ="safe").load((DEPLOY / "compose" / "compose.yaml").read_text())
    ours, database = composed["services"]["dragoman"], composed["services"]["database"]
    assert (ours["read_only"], ours["cap_drop"], ours["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])
    assert all(port.startswith("127.0.0.1:") for port in ours["ports"])
    assert "ports" not in database
    assert composed["networks"][database["networks"][0]] == {"internal": True}
    assert {one["file"] for one in composed["secrets"].values()} == {
        "./secrets/database-url",
        "./secrets/database-password",
    }
    assert "secrets/" in (DEPLOY / "compose" / ".gitignore").read_text()
    context = (DEPLOY / "compose" / ours["build"]["context"]).resolve()
    assert (context / ours["build"]["dockerfile"]).exists()
    settings = load(DEPLOY / "compose" / "config.toml", home=tmp_path, environ={})
    assert settings.vault_database == settings.audit_database == f"/run/secrets/{ours['secrets'][0]}"
    assert (settings.node, settings.allowed_hosts) == ("compose-1", ("dragoman",))


@pytest.mark.parametrize("name", ["dragoman.service", "dragoman-capture.service"])
def test_a_service_is_exposed_no_more_than_it_must_be(name: str) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze")
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(DEPLOY / "systemd" / name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found is not None, done.stderr
    assert float(found[1]) <= EXPOSURE
