"""Hosts that say what they are by their name."""

from importlib import resources

import pytest

from policies.known_hosts import HostKind, known_host, read
from policies.register import bundled_register

TEXT = resources.files("policies").joinpath("bundled", "known_hosts.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("host", "kind", "service", "name"),
    [
        ("api.deepseek.com", HostKind.MODEL, "deepseek", "api.deepseek.com"),
        ("API.X.AI.", HostKind.MODEL, "xai", "api.x.ai"),
        ("anna-schmidt.us-east-1.endpoints.huggingface.cloud", HostKind.MODEL, "huggingface", ""),
        ("api.openai.com", HostKind.MODEL, "openai", "api.openai.com"),
        ("anna.openai.azure.com", HostKind.MODEL, "azure-openai", ""),
        ("dns.google", HostKind.RESOLVER, "google", "dns.google"),
        ("1.1.1.1", HostKind.RESOLVER, "cloudflare", "1.1.1.1"),
        ("2001:4860:4860::8888", HostKind.RESOLVER, "google", "2001:4860:4860::8888"),
        ("anna.dns.nextdns.io", HostKind.RESOLVER, "nextdns", ""),
    ],
)
def test_a_known_host_is_known(host: str, kind: HostKind, service: str, name: str) -> None:
    found = known_host(host)
    assert found is not None
    assert (found.kind, found.service, found.name) == (kind, service, name)


@pytest.mark.parametrize(
    "host", ["example.com", "deepseek.com.example", "xapi.deepseek.com", "192.0.2.1", "", "google"]
)
def test_others_are_not(host: str) -> None:
    assert known_host(host) is None


def test_the_list_is_in_order_and_says_nothing_that_the_register_says_otherwise() -> None:
    lines = [line for line in TEXT.splitlines() if line and not line.startswith("#")]
    assert lines == sorted(lines)
    listed = read(TEXT)
    assert len(listed) > 60
    for editions in bundled_register().editions.values():
        for edition in editions.values():
            assert not set(edition.hosts) & set(listed)


@pytest.mark.parametrize("line", ["model x", "servant x a.example", "model x a.example\nmodel y a.example"])
def test_a_line_that_says_nothing_clear_is_no_line(line: str) -> None:
    with pytest.raises(ValueError, match="line"):
        read(line)
