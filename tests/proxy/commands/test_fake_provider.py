"""`dragoman fake-provider` as a process: where it listens, what it writes down, how it ends."""

import json
import re
import signal
import subprocess
import sys

import httpx
import pytest

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Grüße an [PERSON_7K3QX2MA]"}]}
COMMAND = [sys.executable, "-c", "from proxy.cli import main; main()", "fake-provider", "--listen", "127.0.0.1:0"]


@pytest.fixture
def start():
    """Starts the command and returns it with the addresses that it printed."""
    running = []

    def begin(*arguments):
        process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        running.append(process)
        lines = [process.stderr.readline() for _ in range(8)]
        return process, dict(re.findall(r"^(\w+) +(https?://\S+)$", "".join(lines), re.MULTILINE))

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def test_every_api_is_served_and_every_request_is_a_line_without_its_credential(start, tmp_path):
    log = tmp_path / "received.jsonl"
    process, addresses = start("--log", log, "--chunk", 0)
    assert list(addresses) == ["openai", "gemini", "anthropic", "llama", "bedrock", "cohere", "ollama", "echo"]
    with httpx.Client(headers={"Authorization": "Bearer sk-secret"}, timeout=60) as client:
        said = client.post(f"{addresses['openai']}/v1/chat/completions", json=CHAT)
        client.get(f"{addresses['echo']}/x?key=sk-secret&q=1")
    assert said.json()["choices"][0]["message"]["content"] == CHAT["messages"][0]["content"]
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    first, second = map(json.loads, log.read_text().splitlines())
    assert (first["method"], first["target"], first["body"]) == ("POST", "/openai/v1/chat/completions", CHAT)
    assert second["target"] == "/echo/x?key=(not shown)&q=1"
    assert "sk-secret" not in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_with_a_certificate_it_speaks_https(start, throwaway_ca):
    certificate, key = throwaway_ca.issue("127.0.0.1")
    _, addresses = start("--tls-cert", certificate, "--tls-key", key, "--log", "-", "--behaviour", "mangle-lower")
    with httpx.Client(verify=throwaway_ca.client(), timeout=60) as client:
        said = client.post(f"{addresses['openai']}/v1/chat/completions", json=CHAT)
    assert said.json()["choices"][0]["message"]["content"] == "Grüße an [person_7k3qx2ma]"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--listen", "nowhere"], "--listen: write HOST:PORT"),
        (["--behaviour", "ehco"], "--behaviour: there is no such one"),
        (["--tls-key", "key.pem"], "--tls-key needs --tls-cert"),
        (["--tls-cert", "absent.pem"], "the certificate cannot be used"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(arguments, reason):
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
