"""The chart, installed by the real Helm engine into an API server that keeps what it is given; each object is then held
against Kubernetes' own schemas, and against what dragoman itself says of its ports, users and variables."""

import json
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from proxy.capture import DEFAULT_PORT
from proxy.commands.ca import variables
from proxy.configured import load
from proxy.doors.network.settings import DEFAULT_PORTS
from proxy.running.ca import CertificateAuthority
from tests.kubernetes import cluster

CHART = Path(__file__).parents[2] / "deploy" / "helm" / "dragoman"
SHARED = {
    "database": {"existingSecret": "database"},
    "keys": {"existingSecret": "keys"},
    "ca": {"existingSecret": "authority"},
}
APP = {"name": "app", "image": "example/app:1", "env": [{"name": "MODE", "value": "x"}]}
POLICY = "version: 1\nname: own\n"


async def installed(folder: Path, values: dict[str, Any]) -> list[dict[str, Any]]:
    """What the cluster was given. Raises HelmError with the chart's own words where it refuses."""
    from helm_sdkpy import Configuration, Install

    async with cluster() as api:
        config = Configuration(namespace="privacy", kubeconfig=str(api.kubeconfig(folder / "kubeconfig")))
        await Install(config).run("dragoman", str(CHART), values=values, wait=False, timeout=150)
        return api.created


def named(objects: list[dict[str, Any]], kind: str, name: str = "dragoman") -> dict[str, Any]:
    (found,) = [one for one in objects if one["kind"] == kind and one["metadata"]["name"] == name]
    return found


def containers(objects: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Every container of ours, with its name."""
    specs = [one["spec"]["template"]["spec"] for one in objects if one["kind"] == "StatefulSet"]
    every = [box for spec in specs for box in (*spec["initContainers"], *spec["containers"])]
    return [(box["name"], box) for box in every if box["name"] != "app"]


VARIANTS = {
    "alone": {},
    "several": {**SHARED, "gateway": {"replicas": 3, "from": [{"team": "messenger"}]}, "policy": POLICY},
    "sidecar": {**SHARED, "gateway": {"enabled": False}, "sidecar": {"enabled": True, "containers": [APP]}},
    "both": {**SHARED, "sidecar": {"enabled": True, "containers": [APP], "bypass": ["10.0.0.0/8"]}},
    "pods": {"gateway": {"pods": ["messenger", "feed"]}},
    "gateway alone": {"gateway": {"proxy": False}, "config": 'languages = ["de"]\n[limits]\nbody_bytes = 1000000\n'},
}


@pytest.mark.parametrize("variant", VARIANTS)
async def test_every_object_is_one_that_kubernetes_takes(tmp_path: Path, variant: str) -> None:
    objects = await installed(tmp_path, VARIANTS[variant])
    assert len(objects) >= 3
    for one in objects:
        kubernetes_validate.validate(one, "1.34", strict=True)
        json.dumps(one)


@pytest.mark.parametrize("variant", VARIANTS)
async def test_no_container_may_more_than_it_needs(tmp_path: Path, variant: str) -> None:
    for name, box in containers(await installed(tmp_path, VARIANTS[variant])):
        may = box["securityContext"]
        assert (may["readOnlyRootFilesystem"], may["allowPrivilegeEscalation"]) == (True, False)
        assert may["capabilities"]["drop"] == ["ALL"]
        if name == "capture":
            assert (may["runAsUser"], may["capabilities"]["add"]) == (0, ["NET_ADMIN"])
        else:
            assert (may["runAsUser"], may["runAsNonRoot"]) == (10001, True)
            assert "add" not in may["capabilities"]
        assert box["resources"]["limits"]["memory"]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"gateway": {"replicas": 2}}, "database.existingSecret"),
        ({**SHARED, "keys": {}, "gateway": {"replicas": 2}}, "keys.existingSecret"),
        ({**SHARED, "ca": {}, "gateway": {"replicas": 2}}, "ca.existingSecret"),
        ({"gateway": {"enabled": False}, "sidecar": {"enabled": True, "containers": [APP]}}, "ca.existingSecret"),
        ({**SHARED, "sidecar": {"enabled": True}}, "sidecar.containers"),
        ({"gateway": {"replicas": 0}}, "replicas"),
        (
            {
                **SHARED,
                "sidecar": {"enabled": True, "containers": [{**APP, "securityContext": {"runAsUser": 10001}}]},
            },
            "user 10001",
        ),
    ],
)
async def test_what_would_not_work_is_refused_with_the_reason(
    tmp_path: Path, values: dict[str, Any], says: str
) -> None:
    from helm_sdkpy import HelmError

    with pytest.raises(HelmError, match=says):
        await installed(tmp_path, values)


@pytest.mark.parametrize("variant", VARIANTS)
async def test_dragoman_takes_the_settings_and_the_arguments(tmp_path: Path, variant: str) -> None:
    from typer.testing import CliRunner

    from proxy.cli import build

    objects = await installed(tmp_path, VARIANTS[variant])
    written = named(objects, "ConfigMap")["data"]
    (tmp_path / "config.toml").write_text(written["config.toml"])
    settings = load(tmp_path / "config.toml", home=tmp_path / "home", environ={})
    assert "dragoman.privacy.svc" in settings.allowed_hosts
    assert ("policy.yaml" in written) == (settings.policy == Path("/etc/dragoman/policy.yaml"))
    assert tomllib.loads(written["config.toml"])
    for name, box in containers(objects):
        words = box.get("args", [])
        if name == "capture":
            done = CliRunner().invoke(build(["net"]), ["net", "plan", *words[2:]])
            assert (words[:2], done.exit_code) == (["net", "apply"], 0), done.output
            assert f"redirect to :{DEFAULT_PORT}" in done.output
        if name == "dragoman":
            given = {word.partition("=")[0]: word.partition("=")[2] for word in words[1:]}
            assert CliRunner().invoke(build(["run"]), ["run", "--help"]).exit_code == 0
            assert given["--mode"].partition("@")[0] in {*DEFAULT_PORTS, "none"}
            ports = {port["name"]: port["containerPort"] for port in box["ports"]}
            assert given["--admin"] == f"0.0.0.0:{ports['metrics']}"
            assert box["readinessProbe"]["httpGet"]["port"] == "metrics"


async def test_the_app_beside_a_sidecar_keeps_what_it_has_and_gets_what_it_needs_to_trust_us(tmp_path: Path) -> None:
    objects = await installed(tmp_path, VARIANTS["sidecar"])
    spec = named(objects, "StatefulSet", "dragoman-app")["spec"]["template"]["spec"]
    (app,) = spec["containers"]
    given = {item["name"]: item["value"] for item in app["env"]}
    authority = CertificateAuthority(Path("/etc/dragoman-ca"), Path("/etc/dragoman-ca/ca.pem"), Path("/etc/dragoman-ca/bundle.pem"), "", None)  # type: ignore[arg-type]  # fmt: skip
    wanted = {k: v for k, v in variables(authority, "").items() if v.startswith("/etc/dragoman-ca/")}
    assert given == {**wanted, "MODE": "x"}
    assert app["image"] == "example/app:1"
    (volume,) = [one for one in spec["volumes"] if one["name"] == "certificate"]
    assert {item["key"] for item in volume["secret"]["items"]} == {"mitmproxy-ca-cert.pem", "bundle.pem"}
    order = [box["name"] for box in spec["initContainers"]]
    assert order == ["prepare", "capture", "dragoman"]
    assert spec["initContainers"][2]["restartPolicy"] == "Always"
    assert not any(volume["name"] == "keys" for volume in app["volumeMounts"])


async def test_only_who_may_gets_through(tmp_path: Path) -> None:
    objects = await installed(tmp_path, VARIANTS["several"])
    apps, scrapes = named(objects, "NetworkPolicy")["spec"]["ingress"]
    assert apps["from"] == [{"namespaceSelector": {"matchLabels": {"team": "messenger"}}}]
    assert [port["port"] for port in apps["ports"]] == ["gateway", "proxy"]
    assert [port["port"] for port in scrapes["ports"]] == ["metrics"]
    alone = named(await installed(tmp_path, {}), "NetworkPolicy")["spec"]["ingress"][0]
    assert alone["from"] == [{"podSelector": {}}]
    (public,) = [one for one in objects if one["kind"] == "Service" and one["spec"].get("clusterIP") != "None"]
    assert "metrics" not in {port["name"] for port in public["spec"]["ports"]}


async def test_the_first_container_makes_a_home_that_dragoman_takes(tmp_path: Path) -> None:
    """Its script runs here, on what the secrets would hold."""
    objects = await installed(tmp_path, VARIANTS["several"])
    ((_, box),) = [item for item in containers(objects) if item[0] == "prepare"]
    (script,) = box["args"]
    secrets, home = tmp_path / "run", tmp_path / "volume" / "home"
    home.parent.mkdir()
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "config.toml").write_text("")
    for folder in ("keys", "ca"):
        (secrets / folder).mkdir(parents=True)
        (secrets / folder / "one.key").write_bytes(b"x" * 32)
        (secrets / folder / "one.key").chmod(0o440)
    script = script.replace("/run/dragoman", str(secrets)).replace("/etc/dragoman", str(tmp_path / "etc"))
    for _ in range(2):  # a pod that comes back finds its home
        environment = {"DRAGOMAN_HOME": str(home), "PATH": "/usr/bin:/bin"}
        subprocess.run([*box["command"], script], env=environment, check=True)  # noqa: ASYNC221
    assert home.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in home.rglob("*.key")} == {0o600}


async def test_it_may_list_pods_where_the_policy_asks_for_them_and_nothing_else(tmp_path: Path) -> None:
    objects = await installed(tmp_path, VARIANTS["pods"])
    roles = [one for one in objects if one["kind"] == "Role"]
    assert {one["metadata"]["namespace"] for one in roles} == {"messenger", "feed"}
    assert all(
        one["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}] for one in roles
    )
    bindings = [one for one in objects if one["kind"] == "RoleBinding"]
    assert [one["subjects"] for one in bindings] == 2 * [
        [{"kind": "ServiceAccount", "name": "dragoman", "namespace": "privacy"}]
    ]
    assert named(objects, "StatefulSet")["spec"]["template"]["spec"]["automountServiceAccountToken"] is True
    alone = await installed(tmp_path, VARIANTS["alone"])
    assert named(alone, "StatefulSet")["spec"]["template"]["spec"]["automountServiceAccountToken"] is False
    assert not [one for one in alone if one["kind"] in {"Role", "RoleBinding"}]
