"""Pods of Kubernetes by their addresses: who is there is that application, and nobody who was or might be there is."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from policies.errors import PolicyError
from policies.load import loads
from proxy.config import ConfigError
from proxy.configured import load
from proxy.identity import Pod
from proxy.outbound.pods import Cluster, KnownPods, cluster_of
from tests.conftest import ThrowawayCA
from tests.kubernetes import FakeCluster, cluster

TOKEN = "token-of-the-service-account"
APPS = frozenset({"apps"})
LABELS = {"app": "messenger", "tier": "web"}
POLICY = """\
version: 1
name: pods
destinations:
  openai: {extends: bundled:openai@2026-11-23}
applications:
  messenger: {identify: {pods: {namespace: apps, labels: {app: messenger}}}}
  loopback: {identify: {networks: [127.0.0.0/8]}}
rules:
  - {id: all, when: {entity: any}, do: tokenize}
  - {id: rest, when: {entity: none}, do: allow}
"""


class Watched:
    """A cluster that is watched. failures: what was counted."""

    def __init__(self, api: FakeCluster, reach: Cluster) -> None:
        self.api, self.reach = api, reach
        self.failures: list[tuple[str, str]] = []
        self.pods = KnownPods(reach, self._count)
        self._failed = asyncio.Event()
        self._markers = 0

    def _count(self, kind: str, label: str) -> None:
        self.failures.append((kind, label))
        self._failed.set()

    async def told(self) -> None:
        """Everything that has happened is known: so is a pod that comes after it."""
        self._markers += 1
        address = f"10.9.9.{self._markers}"
        await self.api.set_pod(f"marker-{self._markers}", address, {})
        async with asyncio.timeout(60):
            while self.pods.at(address) is None:
                await asyncio.sleep(0.005)

    async def failed(self) -> None:
        async with asyncio.timeout(60):
            await self._failed.wait()


@pytest.fixture
async def watched(tmp_path: Path, throwaway_ca: ThrowawayCA) -> AsyncIterator[Watched]:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    async with cluster(TOKEN, throwaway_ca.server("127.0.0.1")) as api:
        it = Watched(api, Cluster(api.url, tmp_path / "token", throwaway_ca.path))
        yield it
        await it.pods.close()


async def test_pods_are_known_as_they_come_change_and_go(watched: Watched) -> None:
    await watched.api.set_pod("a", "10.0.0.1", LABELS)
    await watched.pods.know(APPS)
    assert watched.pods.at("10.0.0.1") == Pod("apps", LABELS)
    assert watched.pods.at("::ffff:10.0.0.1") == Pod("apps", LABELS)
    assert watched.pods.at("10.0.0.2") is watched.pods.at("nothing") is None
    await watched.api.set_pod("a", "10.0.0.2", {"app": "feed"})
    await watched.told()
    assert watched.pods.at("10.0.0.1") is None
    assert watched.pods.at("10.0.0.2") == Pod("apps", {"app": "feed"})
    await watched.api.delete_pod("a")
    await watched.told()
    assert watched.pods.at("10.0.0.2") is None
    assert watched.failures == []


@pytest.mark.parametrize(
    "more",
    [{"phase": "Succeeded"}, {"phase": "Failed"}, {"hostNetwork": True}, {"namespace": "elsewhere"}],
    ids=["has ended", "has failed", "in the network of its node", "in a namespace that nobody named"],
)
async def test_some_pods_are_nobody(watched: Watched, more: dict[str, Any]) -> None:
    await watched.api.set_pod("a", "10.0.0.1", LABELS)
    await watched.api.set_pod("b", "10.0.0.2", LABELS, **more)
    await watched.pods.know(APPS)
    assert watched.pods.at("10.0.0.1") is not None
    assert watched.pods.at("10.0.0.2") is None
    await watched.api.set_pod("a", "10.0.0.1", LABELS, **more)
    if "namespace" not in more:
        await watched.told()
        assert watched.pods.at("10.0.0.1") is None


async def test_two_pods_at_one_address_are_nobody_until_one_has_gone(watched: Watched) -> None:
    await watched.api.set_pod("a", "10.0.0.1", LABELS)
    await watched.api.set_pod("b", "10.0.0.1", LABELS, namespace="other")
    await watched.pods.know(APPS | {"other"})
    assert watched.pods.at("10.0.0.1") is None
    await watched.api.delete_pod("a")
    await watched.told()
    assert watched.pods.at("10.0.0.1") == Pod("other", LABELS)


async def test_a_server_that_has_forgotten_is_asked_for_the_list_again(watched: Watched) -> None:
    await watched.api.set_pod("a", "10.0.0.1", LABELS)
    await watched.pods.know(APPS)
    await watched.api.watching.wait()
    await watched.api.forget()
    await watched.told()
    assert watched.pods.at("10.0.0.1") == Pod("apps", LABELS)
    assert watched.failures == []
    assert sum("watch" not in one for one in watched.api.asked) >= 2


@pytest.mark.parametrize(
    "said", [b"", b"<html>", b'{"type": "ADDED", "obj'], ids=["nothing", "no JSON", "half an event"]
)
async def test_a_watch_that_ends_at_once_keeps_nobody_who_has_gone(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr("proxy.outbound.pods.AGAIN_S", 0.05)
    watched.api.watch_says = said
    await watched.api.set_pod("a", "10.0.0.1", LABELS)
    await watched.pods.know(APPS)
    await watched.api.set_pod("a", "10.0.0.2", {"app": "feed"})
    async with asyncio.timeout(60):
        while watched.pods.at("10.0.0.1") is not None or watched.pods.at("10.0.0.2") is None:
            await asyncio.sleep(0.005)


async def test_a_list_without_an_end_is_no_list(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.outbound.pods.MAX_PODS", 2)
    monkeypatch.setattr("proxy.outbound.pods.PAGE", 1)
    watched.api.more = "again"
    await watched.api.set_pod("a", "10.0.0.1", LABELS)
    await watched.pods.know(APPS)
    assert watched.pods.at("10.0.0.1") is None
    assert watched.failures == [("kubernetes_unreadable", "ValueError")]
    assert len(watched.api.asked) == 2


async def test_where_the_server_refuses_nobody_is_known(watched: Watched) -> None:
    await watched.api.set_pod("a", "10.0.0.1", LABELS)
    watched.reach.token.write_text("another")
    await watched.pods.know(APPS)
    assert watched.pods.at("10.0.0.1") is None
    assert watched.failures == [("kubernetes_unreadable", "HTTPStatusError")]


async def test_a_server_that_we_do_not_trust_is_not_shown_the_token(
    tmp_path: Path, throwaway_ca: ThrowawayCA, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = ThrowawayCA(tmp_path_factory.mktemp("other"))
    (tmp_path / "token").write_text(TOKEN)
    async with cluster(TOKEN, throwaway_ca.server("127.0.0.1")) as api:
        failures: list[str] = []
        pods = KnownPods(Cluster(api.url, tmp_path / "token", other.path), lambda _, label: failures.append(label))
        await pods.know(APPS)
        await pods.close()
        assert api.asked == []
        assert failures == ["ConnectError"]


async def test_when_the_watch_is_lost_and_the_list_cannot_be_had_everybody_is_forgotten(
    tmp_path: Path, throwaway_ca: ThrowawayCA
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    async with cluster(TOKEN, throwaway_ca.server("127.0.0.1")) as api:
        it = Watched(api, Cluster(api.url, tmp_path / "token", throwaway_ca.path))
        await api.set_pod("a", "10.0.0.1", LABELS)
        await it.pods.know(APPS)
        assert it.pods.at("10.0.0.1") is not None
        await api.watching.wait()
    await it.failed()
    assert it.pods.at("10.0.0.1") is None
    await it.pods.close()


@pytest.mark.parametrize("door", ["gateway", "network"])
async def test_a_pod_is_an_application_at_both_doors(
    stand: Any, chat: Callable[..., dict[str, Any]], tmp_path: Path, watched: Watched, door: str
) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    table = {"api": watched.reach.api, "token": str(watched.reach.token), "ca": str(watched.reach.ca)}
    await watched.api.set_pod("a", "127.0.0.1", LABELS)
    settings = {"policy": tmp_path / "policy.yaml", "kubernetes": table}
    async with stand(settings=settings, door=door) as it, it.client("openai") as client:
        for _ in range(2):
            assert (await client.post("/v1/chat/completions", json=chat("Hello"))).status_code == 200
        await it.settled()
        record = it.records("transfer")[-1]
        assert (record["application"], record["identified_by"]) == ("messenger", "pod")


def test_a_policy_names_the_namespace_and_labels_that_kubernetes_takes() -> None:
    for wrong in (
        "{labels: {app: messenger}}",
        "{namespace: apps}",
        "{namespace: apps, labels: {}}",
        "{namespace: Apps, labels: {app: messenger}}",
        "{namespace: apps, labels: {'a b': messenger}}",
        "{namespace: apps, labels: {app: 'messenger!'}}",
    ):
        with pytest.raises(PolicyError):
            loads(POLICY.replace("{namespace: apps, labels: {app: messenger}}", wrong))
    twice = POLICY.replace(
        "  loopback:", "  again: {identify: {pods: {namespace: apps, labels: {app: messenger}}}}\n  loopback:"
    )
    with pytest.raises(PolicyError, match="recognised by the same pods"):
        loads(twice)
    assert loads(POLICY).pod_namespaces() == APPS


def test_the_server_is_the_one_of_the_pod_unless_settings_name_another(tmp_path: Path) -> None:
    inside = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT_HTTPS": "6443"}
    assert cluster_of({}, {}) is None
    found = cluster_of({}, inside, tmp_path)
    assert found == Cluster("https://[fd00::1]:6443", tmp_path / "token", tmp_path / "ca.crt")
    (tmp_path / "config.toml").write_text('[kubernetes]\napi = "https://api.example:6443"\ntoken = "t"\nca = "c"\n')
    named = cluster_of(load(home=tmp_path, environ={}).kubernetes, inside)
    assert named == Cluster("https://api.example:6443", tmp_path / "t", tmp_path / "c")
    (tmp_path / "config.toml").write_text('[kubernetes]\napi = "api.example"\n')
    with pytest.raises(ConfigError, match=r"kubernetes\.api"):
        load(home=tmp_path, environ={})
