"""A Kubernetes API server, as far as Helm and the watch of pods need one: real HTTP on loopback, objects in memory.

`async with FakeCluster() as cluster`; `cluster.kubeconfig(path)` lets clients find it. It answers what was asked of a
real one while this was written (discovery, get, create, list, watch), and 404 to everything else.
"""

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

KINDS = {
    "v1": {
        "ConfigMap": "configmaps",
        "Secret": "secrets",
        "Service": "services",
        "ServiceAccount": "serviceaccounts",
    },
    "apps/v1": {"StatefulSet": "statefulsets", "Deployment": "deployments"},
    "policy/v1": {"PodDisruptionBudget": "poddisruptionbudgets"},
    "networking.k8s.io/v1": {"NetworkPolicy": "networkpolicies"},
    "rbac.authorization.k8s.io/v1": {"Role": "roles", "RoleBinding": "rolebindings"},
}
PODS = re.compile(r"/api/v1/namespaces/(?P<namespace>[a-z0-9-]+)/pods")
NOT_FOUND = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
PROTOBUF = b"k8s\x00"
"""The magic bytes of Kubernetes' own encoding, in which Helm keeps its release."""


class FakeCluster:
    """created: what clients made, as JSON, in order. pods: what a watch tells. asked: paths with their queries.

    watch_says: what every watch says before it ends at once, None where one is as it should be. more: where each
    page of a list says that it goes on.
    """

    def __init__(self, token: str = "") -> None:
        self.created: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.pods: dict[str, dict[str, Any]] = {}
        self.url = ""
        self.watching = asyncio.Event()
        self.watch_says: bytes | None = None
        self.more = ""
        self._token = token
        self._version = 1
        self._changes: list[tuple[int, dict[str, Any]]] = []
        self._changed = asyncio.Condition()
        self._gone = False

    def kubeconfig(self, path: Path) -> Path:
        """Writes a client's configuration."""
        one = {"name": "fake"}
        path.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "fake",
                    "contexts": [{**one, "context": {"cluster": "fake", "user": "fake"}}],
                    "clusters": [{**one, "cluster": {"server": self.url}}],
                    "users": [{**one, "user": {}}],
                }
            )
        )
        return path

    async def set_pod(self, name: str, address: str, labels: dict[str, str], *, phase: str = "Running", **more: Any):  # type: ignore[no-untyped-def]
        """A pod comes or changes."""
        kind = "MODIFIED" if name in self.pods else "ADDED"
        await self._tell(kind, self._pod(name, address, labels, phase, more))

    async def delete_pod(self, name: str) -> None:
        """A pod goes."""
        await self._tell("DELETED", self.pods[name])

    async def forget(self) -> None:
        """What was before is forgotten: a watch from then is told 410 Gone, as after a compaction."""
        async with self._changed:
            self._gone = True
            self._changed.notify_all()

    def _pod(self, name: str, address: str, labels: dict[str, str], phase: str, more: dict[str, Any]) -> dict[str, Any]:
        metadata = {"name": name, "uid": f"uid-{name}", "namespace": more.pop("namespace", "apps"), "labels": labels}
        status = {"phase": phase, "podIP": address, "podIPs": [{"ip": address}] if address else []}
        return {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": more, "status": status}

    async def _tell(self, kind: str, pod: dict[str, Any]) -> None:
        async with self._changed:
            self._version += 1
            pod["metadata"]["resourceVersion"] = str(self._version)
            if kind == "DELETED":
                self.pods.pop(pod["metadata"]["name"])
            else:
                self.pods[pod["metadata"]["name"]] = pod
            self._changes.append((self._version, {"type": kind, "object": pod}))
            self._changed.notify_all()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        if self._token and request.headers.get("authorization") != f"Bearer {self._token}":
            return web.json_response({**NOT_FOUND, "code": 401, "reason": "Unauthorized"}, status=401)
        if found := PODS.fullmatch(request.path):
            return await (self._watch(request) if request.query.get("watch") else self._list(found["namespace"]))
        if request.method == "GET":
            return self._discovered(request.path)
        body = await request.read()
        if body.startswith(PROTOBUF):
            return web.json_response({"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "release"}})
        if request.method == "POST":
            self.created.append(json.loads(body))
        return web.json_response(json.loads(body))

    def _discovered(self, path: str) -> web.Response:
        if path == "/version":
            return web.json_response({"major": "1", "minor": "34", "gitVersion": "v1.34.0"})
        if path == "/api":
            return web.json_response({"kind": "APIVersions", "versions": ["v1"]})
        if path == "/apis":
            groups = [
                {"name": name.split("/")[0], "versions": [{"groupVersion": name, "version": "v1"}]}
                for name in KINDS
                if "/" in name
            ]
            return web.json_response({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        version = path.removeprefix("/apis/").removeprefix("/api/")
        if version in KINDS:
            resources = [
                {"name": plural, "kind": kind, "namespaced": True, "verbs": ["get", "create"]}
                for kind, plural in KINDS[version].items()
            ]
            return web.json_response({"kind": "APIResourceList", "groupVersion": version, "resources": resources})
        if path.endswith("/secrets"):
            return web.json_response({"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": []})
        return web.json_response(NOT_FOUND, status=404)

    async def _list(self, namespace: str) -> web.Response:
        meta = {"resourceVersion": str(self._version), "continue": self.more}
        self._gone = False
        items = [one for one in self.pods.values() if one["metadata"]["namespace"] == namespace]
        return web.json_response({"kind": "PodList", "apiVersion": "v1", "metadata": meta, "items": items})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        seen = int(request.query["resourceVersion"])
        namespace = request.path.split("/")[4]
        response = web.StreamResponse(headers={"content-type": "application/json"})
        await response.prepare(request)
        if self.watch_says is not None:
            await response.write(self.watch_says)
            return response
        self.watching.set()
        while True:
            async with self._changed:
                while self._version <= seen and not self._gone:
                    await self._changed.wait()
                told = [change for version, change in self._changes if version > seen]
                seen = self._version
                if self._gone:
                    gone = {**NOT_FOUND, "code": 410, "reason": "Expired", "message": "too old resource version"}
                    told = [{"type": "ERROR", "object": gone}]
            for change in told:
                if change["object"].get("metadata", {"namespace": namespace})["namespace"] != namespace:
                    continue
                await response.write(json.dumps(change).encode() + b"\n")
            if self._gone:
                return response


@asynccontextmanager
async def cluster(token: str = "", tls: ssl.SSLContext | None = None) -> AsyncIterator[FakeCluster]:
    """One that listens. token: what clients have to show. tls: to speak HTTPS."""
    made = FakeCluster(token)
    runner = web.ServerRunner(web.Server(made._handle), shutdown_timeout=0.1)  # type: ignore[arg-type]
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        made.url = f"{'https' if tls else 'http'}://{host}:{port}"
        yield made
    finally:
        await runner.cleanup()
