"""Which application it is, by everything a policy may name: and that nobody else can pass for it."""

import base64
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from joserfc.jwk import ECKey, OctKey

from proxy.identity import fingerprint
from tests.issuer import Issuer

POLICY = """\
version: 1
name: identified
destinations:
  openai: {extends: bundled:openai@2026-11-23}
tokens: {issuer: "https://login.example.com", audience: dragoman, keys: jwks.json}
trust: {x-service: [TRUSTED], dragoman-app: [TRUSTED]}
applications:
  by-header: {identify: {header: x-service=feed}}
  by-claim: {identify: {claim: azp=messenger}}
  by-group: {identify: {claim: groups=reviewers}}
  by-key: {identify: {provider_key: "KEY"}}
  by-certificate: {identify: {certificate: messenger.example}}
  by-name: {}
rules:
  - {id: all, when: {entity: any}, do: tokenize}
  - {id: rest, when: {entity: none}, do: allow}
"""
KEY = "sk-example-0123456789-abcdefghij"


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    home = tmp_path / "home"
    home.mkdir()
    issuer = Issuer(home / "jwks.json")
    issuer.publish()
    return issuer


@pytest.fixture
def policy(tmp_path: Path, issuer: Issuer) -> Callable[..., Path]:
    def write(trusted: str = "127.0.0.0/8") -> Path:
        path = tmp_path / "policy.yaml"
        path.write_text(POLICY.replace("TRUSTED", trusted).replace("KEY", fingerprint(KEY)), encoding="utf-8")
        return path

    return write


async def asked(it: Any, chat: Callable[..., dict[str, Any]], headers: list[tuple[str, str]], **more: Any) -> Any:
    """(application, how it was identified) of the record, or the code of the refusal."""
    sent = len(it.received())
    async with it.client("openai", **more) as client:
        answer = await client.post("/v1/chat/completions", json=chat("Hello"), headers=headers)
    if answer.status_code != 200:
        assert len(it.received()) == sent, "nothing left"
        return answer.json()["error"]["code"]
    names = {name.lower() for name, _ in it.received()[-1].headers.fields}
    assert not {b"x-service", b"dragoman-token", b"dragoman-app"} & names, "what is for us never leaves"
    record = it.records("transfer")[-1]
    return record["application"], record["identified_by"]


@pytest.mark.parametrize(
    ("headers", "happens"),
    [
        ([("x-service", "feed")], ("by-header", "header")),
        ([("x-service", "feed"), ("x-service", "other")], "application_unknown"),
        ([("x-service", "feed"), ("x-service", "feed")], "application_unknown"),
        ([("x-service", "another")], "application_unknown"),
        ([("authorization", f"Bearer {KEY}")], ("by-key", "provider_key")),
        ([("authorization", f"Bearer {KEY}x")], "application_unknown"),
        ([("dragoman-app", "by-name")], ("by-name", "header")),
        ([("dragoman-app", "by-name"), ("dragoman-app", "by-key")], "application_unknown"),
        ([("dragoman-app", "nobody")], "application_unknown"),
        ([], "application_unknown"),
    ],
)
async def test_headers_and_keys_name_an_application(
    stand: Any, chat: Callable[..., dict[str, Any]], policy: Callable[..., Path], headers: Any, happens: Any
) -> None:
    async with stand(settings={"policy": policy()}) as it:
        assert await asked(it, chat, headers) == happens


async def test_a_header_counts_from_named_peers_only(
    stand: Any, chat: Callable[..., dict[str, Any]], policy: Callable[..., Path]
) -> None:
    async with stand(settings={"policy": policy("192.0.2.0/24")}) as it:
        for name, value in (("x-service", "feed"), ("dragoman-app", "by-name")):
            assert await asked(it, chat, [(name, value)]) == "application_unknown"


async def test_the_fingerprint_of_a_key_is_in_no_record(
    stand: Any, chat: Callable[..., dict[str, Any]], policy: Callable[..., Path]
) -> None:
    async with stand(settings={"policy": policy()}) as it:
        assert await asked(it, chat, [("authorization", f"Bearer {KEY}")]) == ("by-key", "provider_key")
        written = (it.home / "audit.db").read_bytes()
        assert KEY.encode() not in written
        assert fingerprint(KEY).removeprefix("sha256:").encode() not in written


class TestTokens:
    async def test_a_verified_claim_names_an_application(
        self, stand: Any, chat: Callable[..., dict[str, Any]], policy: Callable[..., Path], issuer: Issuer
    ) -> None:
        async with stand(settings={"policy": policy()}) as it:
            for claims, happens in (
                ({"azp": "messenger"}, ("by-claim", "claim")),
                ({"groups": ["writers", "reviewers"]}, ("by-group", "claim")),
                ({"azp": "other"}, "application_unknown"),
                ({"azp": ["messenger-2"]}, "application_unknown"),
            ):
                assert await asked(it, chat, [("dragoman-token", issuer.token(**claims))]) == happens, claims

    async def test_what_is_not_verified_is_refused_and_nothing_leaves(
        self, stand: Any, chat: Callable[..., dict[str, Any]], policy: Callable[..., Path], issuer: Issuer
    ) -> None:
        now, good = int(time.time()), issuer.token(azp="messenger")
        head, body, signature = good.split(".")
        public = orjson.dumps(issuer.key.as_dict(private=False))

        def piece(data: dict[str, Any]) -> str:
            return base64.urlsafe_b64encode(orjson.dumps(data)).rstrip(b"=").decode()

        forged = {
            "another key": issuer.token(key=ECKey.generate_key("P-256", {"kid": "k1"}), azp="messenger"),
            "alg none": f"{piece({'alg': 'none'})}.{body}.",
            "alg None": f"{piece({'alg': 'None', 'kid': 'k1'})}.{body}.{signature}",
            "the public key as a secret": issuer.token(
                key=OctKey.import_key(public, {"kid": "k1"}), alg="HS256", azp="messenger"
            ),
            "another body": f"{head}.{piece({'azp': 'messenger', 'exp': now + 300})}.{signature}",
            "another issuer": issuer.token(iss="https://evil.example", azp="messenger"),
            "for somebody else": issuer.token(aud="another", azp="messenger"),
            "ended": issuer.token(exp=now - 3600, azp="messenger"),
            "never ends": issuer.token(exp=None, azp="messenger"),
            "not yet": issuer.token(nbf=now + 3600, azp="messenger"),
            "a key nobody has": issuer.token(kid="k9", azp="messenger"),
            "its own key": f"{piece({'alg': 'ES256', 'jwk': orjson.loads(public)})}.{body}.{signature}",
            "no token": "x",
            "two dots": "..",
            "large": "a" * 7_000,
        }
        async with stand(settings={"policy": policy()}) as it:
            for what, token in forged.items():
                assert await asked(it, chat, [("dragoman-token", token)]) == "token_invalid", what
            twice = [("dragoman-token", good), ("dragoman-token", good)]
            assert await asked(it, chat, twice) == "token_invalid"
            assert await asked(it, chat, [("dragoman-token", f"Bearer {good}")]) == ("by-claim", "claim")

    async def test_keys_that_cannot_be_read_refuse_every_token(
        self, stand: Any, chat: Callable[..., dict[str, Any]], policy: Callable[..., Path], issuer: Issuer
    ) -> None:
        issuer.file.write_text("{", encoding="utf-8")
        async with stand(settings={"policy": policy()}) as it:
            token = [("dragoman-token", issuer.token(azp="messenger"))]
            assert await asked(it, chat, token) == "token_keys_unavailable"
            assert await asked(it, chat, [("x-service", "feed")]) == ("by-header", "header"), "others are not stopped"
            assert b'kind="token_keys_unreadable"' in it.app.metrics.render()


async def test_a_client_certificate_names_an_application(
    stand: Any, chat: Callable[..., dict[str, Any]], policy: Callable[..., Path], throwaway_ca: Any, tmp_path: Path
) -> None:
    certificate, key = throwaway_ca.issue("127.0.0.1")
    tls = {"tls_certificate": certificate, "tls_key": key, "client_ca": throwaway_ca.path}

    def shown(*names: str, ca: Any = throwaway_ca) -> ssl.SSLContext:
        context = throwaway_ca.client()
        if names:
            context.load_cert_chain(*ca.issue(*names))
        return context  # type: ignore[no-any-return]

    async with stand(settings={"policy": policy(), **tls}) as it:
        https = it.gateway.replace("http://", "https://") + "/openai"
        for context, happens in (
            (shown("messenger.example"), ("by-certificate", "certificate")),
            (shown("messenger.example.evil"), "application_unknown"),
            (shown(), "application_unknown"),
        ):
            assert await asked(it, chat, [], base_url=https, verify=context) == happens
        stranger = type(throwaway_ca)(tmp_path)
        with pytest.raises(httpx.TransportError):
            await asked(it, chat, [], base_url=https, verify=shown("messenger.example", ca=stranger))
        with pytest.raises(httpx.TransportError):
            await asked(it, chat, [])  # plain HTTP
