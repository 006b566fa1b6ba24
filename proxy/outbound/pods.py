"""The pods of Kubernetes by their addresses: listed once, then watched, in those namespaces that the policy names.

The order of steps is that of "Efficient detection of changes" in its API Concepts.

A pod counts only while it may send and its address is its own: not when it has ended, not in the network of its node,
not when two are said to be at one address. Where the server cannot be asked nothing is known, and so no application is.
"""

import asyncio
import contextlib
import os
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any

import httpx
import orjson

from proxy.identity import Pod

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds the token and the authority of its service account."""
FIRST_S = 5.0
"""How long a request waits for the first list of a namespace."""
AGAIN_S = 2.0
WATCH_S = 60
"""Seconds after which the server ends a watch, and the next one goes on from there."""
SILENT_S = 10.0
"""Beyond `WATCH_S`: no longer is an answer waited for that does not end."""
PAGE = 500
MAX_EVENT = 4 * 1024 * 1024
MAX_PODS = 50_000
_SENDING = frozenset({"Pending", "Running"})  # containers that prepare a pod run while it is pending


@dataclass(frozen=True, slots=True)
class Cluster:
    """An API server. token, ca: files, read anew at each connection because the kubelet renews them."""

    api: str
    token: Path
    ca: Path


def cluster_of(
    table: Mapping[str, str], environ: Mapping[str, str] = os.environ, account: Path = ACCOUNT
) -> Cluster | None:
    """The server of the settings, else the one of the pod that this runs in, else None."""
    token, ca = Path(table.get("token", account / "token")), Path(table.get("ca", account / "ca.crt"))
    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT_HTTPS", "443")
    if api := table.get("api") or (host and f"https://{f'[{host}]' if ':' in host else host}:{port}"):
        return Cluster(api.rstrip("/"), token, ca)
    return None


class _Expired(Exception):  # noqa: N818 (no failure: the list is asked for again)
    """The server no longer knows the version that a watch began from (410 Gone)."""


@dataclass(slots=True)
class _Namespace:
    """What is known of one. pods: by uid; `at`: uids by address. first: set when a list came, or could not come."""

    name: str
    pods: dict[str, tuple[Pod, tuple[str, ...]]] = field(default_factory=dict)
    at: dict[str, set[str]] = field(default_factory=dict)
    first: asyncio.Event = field(default_factory=asyncio.Event)

    def clear(self) -> None:
        self.pods.clear()
        self.at.clear()

    def take(self, pod: dict[str, Any], *, gone: bool = False) -> None:
        """A pod as the server tells it. Raises KeyError, TypeError, ValueError where it is none."""
        metadata, status = pod["metadata"], pod.get("status", {})
        uid = str(metadata["uid"])
        for address in self.pods.pop(uid, (None, ()))[1]:
            self.at[address].discard(uid)
            if not self.at[address]:
                del self.at[address]
        if gone or status.get("phase") not in _SENDING or pod.get("spec", {}).get("hostNetwork"):
            return
        if len(self.pods) >= MAX_PODS:
            raise ValueError("too many pods")
        addresses = tuple(_normal(one["ip"]) for one in status.get("podIPs") or ())
        labels = {str(name): str(value) for name, value in (metadata.get("labels") or {}).items()}
        self.pods[uid] = (Pod(self.name, labels), addresses)
        for address in addresses:
            self.at.setdefault(address, set()).add(uid)


class KnownPods:
    """`services.Pods`. cluster: None outside Kubernetes. observe: counts what goes wrong (kind, label)."""

    def __init__(self, cluster: Cluster | None, observe: Callable[[str, str], None]) -> None:
        self._cluster, self._observe = cluster, observe
        self._known: dict[str, _Namespace] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def know(self, namespaces: frozenset[str]) -> None:
        """Returns when the pods of these namespaces are known, or cannot be."""
        if self._cluster is None:
            return
        for name in namespaces - self._known.keys():
            self._known[name] = _Namespace(name)
            self._tasks.append(asyncio.create_task(self._follow(self._cluster, self._known[name])))
        waiting = [one.first for name in namespaces if not (one := self._known[name]).first.is_set()]
        if waiting:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FIRST_S):
                    for first in waiting:
                        await first.wait()

    def at(self, address: str) -> Pod | None:
        """The one pod there, None where there is none, several, or nobody knows."""
        if not self._known:
            return None
        try:
            wanted = _normal(address)
        except ValueError:
            return None
        found = [one.pods[uid][0] for one in self._known.values() for uid in one.at.get(wanted, ())]
        return found[0] if len(found) == 1 else None

    async def close(self) -> None:
        """Ends the watches."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(self, cluster: Cluster, namespace: _Namespace) -> None:
        path = f"/api/v1/namespaces/{namespace.name}/pods"
        while True:
            try:
                async with _client(cluster) as client:
                    version = await _list(client, path, namespace)
                    namespace.first.set()
                    lasted = float(WATCH_S)
                    while lasted > AGAIN_S:  # one that ends at once tells nothing, however often it is asked
                        began = time.monotonic()
                        version = await _watch(client, path, namespace, version)
                        lasted = time.monotonic() - began
            except _Expired:
                await asyncio.sleep(AGAIN_S / 10)
                continue
            except (httpx.HTTPError, OSError, ValueError, KeyError, TypeError, AttributeError, TimeoutError) as error:
                # An address may belong to another pod by now: nobody is taken for whoever was there.
                namespace.clear()
                namespace.first.set()
                self._observe("kubernetes_unreadable", type(error).__name__)
            await asyncio.sleep(AGAIN_S)


def _client(cluster: Cluster) -> httpx.AsyncClient:
    verify = ssl.create_default_context(cafile=str(cluster.ca)) if cluster.api.startswith("https:") else True
    # Proxies of the environment could be dragoman itself; a redirect would take the token along.
    return httpx.AsyncClient(
        base_url=cluster.api,
        headers={"authorization": f"Bearer {cluster.token.read_text(encoding='utf-8').strip()}"},
        verify=verify,
        timeout=httpx.Timeout(10.0, read=WATCH_S + SILENT_S),
        trust_env=False,
        follow_redirects=False,
    )


async def _list(client: httpx.AsyncClient, path: str, namespace: _Namespace) -> str:
    """Takes every pod; the version that a watch goes on from."""
    fresh = _Namespace(namespace.name)
    query = {"limit": str(PAGE)}
    async with asyncio.timeout(60):
        for _ in range(MAX_PODS // PAGE):
            answer = await client.get(path, params=query, timeout=10.0)
            answer.raise_for_status()
            found = orjson.loads(answer.content)
            for pod in found["items"]:
                fresh.take(pod)
            if not (more := found["metadata"].get("continue")):
                break
            query = {"limit": str(PAGE), "continue": more}
        else:
            raise ValueError("too many pages")
    namespace.pods, namespace.at = fresh.pods, fresh.at
    return str(found["metadata"]["resourceVersion"])


async def _watch(client: httpx.AsyncClient, path: str, namespace: _Namespace, version: str) -> str:
    """Takes what changes until the server ends the watch; the version to go on from. Raises _Expired."""
    query = {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": version,
        "timeoutSeconds": str(WATCH_S),
    }
    async with asyncio.timeout(WATCH_S + SILENT_S), client.stream("GET", path, params=query) as answer:
        if answer.status_code == httpx.codes.GONE:
            raise _Expired
        answer.raise_for_status()
        async for line in _lines(answer.aiter_bytes()):
            event = orjson.loads(line)
            kind, pod = event["type"], event["object"]
            if kind == "ERROR":
                raise _Expired if pod.get("code") == httpx.codes.GONE else ValueError("the watch has failed")
            if kind != "BOOKMARK":
                namespace.take(pod, gone=kind == "DELETED")
            version = str(pod["metadata"]["resourceVersion"])
    return version


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > MAX_EVENT:
            raise ValueError("an event is too large")
        for line in lines:
            if line.strip():
                yield line
    if rest.strip():
        raise ValueError("a watch ends within an event")


def _normal(address: str) -> str:
    found = ip_address(address)
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found)
