"""`dragoman ca`: what scripts and people read from it."""

import json
import os
import ssl
import subprocess

import pytest
from cryptography import x509
from typer.testing import CliRunner

from proxy.commands.ca import EXAMPLES, app
from proxy.running.ca import ensure_ca


@pytest.fixture
def home(tmp_path):
    return tmp_path / "a home"


def run(*arguments, code=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def test_path_is_a_file_that_clients_can_trust(home):
    path = run("path", "--home", home).stdout.strip()
    assert ssl.create_default_context(cafile=path).cert_store_stats()["x509_ca"] == 1


def test_export_writes_to_a_file(home, tmp_path):
    out = tmp_path / "dragoman.crt"
    run("export", "--home", home, "--format", "der", "--out", out)
    assert x509.load_der_x509_certificate(out.read_bytes()).subject


def test_export_writes_to_a_pipe(home):
    assert run("export", "--home", home).stdout.startswith("-----BEGIN CERTIFICATE-----")


def test_an_unknown_form_is_wrong_use(home):
    assert "pem, der, p12" in run("export", "--home", home, "--format", "jks", code=2).stderr


def test_env_can_be_evaluated_by_a_shell_whatever_the_folder_is_called(home):
    script = run("env", "--home", home, "--proxy", "http://app:drg_x@127.0.0.1:8789").stdout
    clean = {"PATH": os.environ["PATH"]}
    shown = subprocess.run(["sh", "-c", f"{script}\nenv"], env=clean, capture_output=True, text=True, check=True).stdout
    values = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    assert values["HTTPS_PROXY"] == values["https_proxy"] == "http://app:drg_x@127.0.0.1:8789"
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        assert ssl.create_default_context(cafile=values[name]).cert_store_stats()["x509_ca"] > 50
    assert ssl.create_default_context(cafile=values["NODE_EXTRA_CA_CERTS"]).cert_store_stats()["x509_ca"] == 1


def test_env_as_an_env_file_has_names_and_values_only(home):
    lines = run("env", "--home", home, "--dotenv").stdout.splitlines()
    assert lines
    assert all(line.partition("=")[0].replace("_", "").isalpha() for line in lines)
    assert "HTTPS_PROXY=http://127.0.0.1:8789" in lines


def test_env_as_json_has_an_example_for_each_runtime(home):
    told = json.loads(run("env", "--home", home, "--json").stdout)
    assert set(told["examples"]) == set(EXAMPLES)
    assert all("{" not in line for lines in told["examples"].values() for line in lines)
    assert told["environment"]["NODE_USE_ENV_PROXY"] == "1"


def test_one_runtime_can_be_asked_for(home):
    shown = run("env", "--home", home, "--runtime", "java").stdout
    assert "keytool -importcert" in shown
    assert "# go" not in shown
    assert "known: python" in run("env", "--home", home, "--runtime", "cobol", code=2).stderr


def test_a_broken_authority_is_one_line_and_wrong_use(home):
    ensure_ca(home / "ca")
    (home / "ca" / "mitmproxy-ca.pem").chmod(0o644)
    result = run("path", "--home", home, code=2)
    assert "chmod 600" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("command", ["path", "export", "env"])
def test_every_command_has_help_with_an_example(command):
    assert "Example:" in run(command, "--help").stdout
