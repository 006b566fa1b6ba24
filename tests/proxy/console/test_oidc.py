"""Who somebody is by an identity provider: a real one for the flow, keys of our own for tokens that lie."""

import base64
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import oidc_provider_mock
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from proxy.console.site import SESSION
from proxy.control.tokens import Role
from proxy.errors import ConfigError, UnavailableError
from proxy.outbound.identity_provider import IdentityProvider, NotSignedInError, read_oidc
from tests.proxy.console.conftest import Console, Start, fill

ROLES = {"dpo": "officer", "audit": "auditor", "messenger": "team:messenger"}
type Claims = dict[str, Any]


class Issuer:
    """A provider of our own with keys that can change; counts what is asked of it."""

    def __init__(self) -> None:
        self.keys = [RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})]
        self.asked: list[str] = []
        self.broken = False
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.asked.append(self.path)
                if self.path.endswith("openid-configuration"):
                    body: Any = {
                        "issuer": owner.url,
                        "jwks_uri": f"{owner.url}/keys",
                        "token_endpoint": "http://10.0.0.1/x",
                    }
                else:
                    body = {"keys": [key.as_dict(private=False) for key in owner.keys]}
                data = json.dumps(body).encode()
                self.send_response(503 if owner.broken else 200)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def claims(self, **changes: Any) -> Claims:
        now = int(time.time())
        found = {"iss": self.url, "aud": "console", "sub": "anna", "exp": now + 300, "iat": now, "roles": ["dpo"]}
        return {name: value for name, value in (found | changes).items() if value is not None}

    def token(self, key: Any = None, alg: str = "RS256", **changes: Any) -> str:
        key = key or self.keys[0]
        return jwt.encode({"alg": alg, "kid": key.kid}, self.claims(**changes), key, algorithms=[alg])

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.stop()


def settings(url: str, **changes: Any) -> Claims:
    return {"issuer": url, "client_id": "console", "roles": ROLES, **changes}


def provider(url: str, clock: Callable[[], float] = time.time, **changes: Any) -> IdentityProvider:
    found = read_oidc(settings(url, **changes))
    assert found is not None
    return IdentityProvider(found, clock=clock)


def test_a_signed_token_opens_what_its_role_may(start: Start, issuer: Issuer) -> None:
    console = start(oidc=settings(issuer.url))
    fill(console)
    with httpx.Client(base_url=console.url, trust_env=False, timeout=60) as client:
        for roles, role, seen in ((["x", "dpo"], "officer", 7), ("messenger", "team", 4)):
            headers = {"authorization": f"Bearer {issuer.token(roles=roles)}"}
            me = client.get("/api/v1/me", headers=headers).json()
            assert (me["role"], me["name"]) == (role, "anna")
            assert len(client.get("/api/v1/transfers", headers=headers).json()["items"]) == seen
    (actor,) = {record["actor"] for record in console.entries("query")}
    assert actor == console.ledger.references.actor(f"token:{me['id']}"), "one person, whatever the token"


def with_secret(issuer: Issuer) -> str:
    """The public key's own text as the secret of an HMAC, by hand: a good library refuses to make it."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    signed = f"{part(b'{"alg":"HS256","kid":"one"}')}.{part(json.dumps(issuer.claims()).encode())}"
    key = issuer.keys[0].as_pem(private=False)
    return f"{signed}.{part(hmac.new(key, signed.encode(), 'sha256').digest())}"


LIES: dict[str, Callable[[Issuer], str]] = {
    "another issuer": lambda issuer: issuer.token(iss="https://evil.example"),
    "another audience": lambda issuer: issuer.token(aud="other"),
    "no audience": lambda issuer: issuer.token(aud=None),
    "ended": lambda issuer: issuer.token(exp=int(time.time()) - 120),
    "never ends": lambda issuer: issuer.token(exp=None),
    "not yet": lambda issuer: issuer.token(nbf=int(time.time()) + 600),
    "no subject": lambda issuer: issuer.token(sub=None),
    "no role": lambda issuer: issuer.token(roles=["guest"]),
    "a role that is a key": lambda issuer: issuer.token(roles={"dpo": False}),
    "a role that is a number": lambda issuer: issuer.token(roles=5),
    "a role that is true": lambda issuer: issuer.token(roles=True),
    "another key": lambda issuer: issuer.token(RSAKey.generate_key(2048, {"kid": "one"})),
    "an unknown key": lambda issuer: issuer.token(RSAKey.generate_key(2048, {"kid": "two"})),
    "an algorithm that is not allowed": lambda issuer: issuer.token(alg="RS512"),
    "a secret for a public key": with_secret,
    "no signature": lambda issuer: issuer.token().rpartition(".")[0] + ".",
    "not signed at all": lambda issuer: "eyJhbGciOiJub25lIn0." + issuer.token().split(".")[1] + ".",
    "cut": lambda issuer: issuer.token()[:-9],
    "no token": lambda issuer: "a.b.c",
    "too long": lambda issuer: issuer.token(fill="x" * 20_000),
}


def test_two_officers_learn_who_it_was_that_signed_in_at_the_provider(start: Start, issuer: Issuer) -> None:
    console = start(oidc=settings(issuer.url))
    token = issuer.token(sub="d7f0", preferred_username="Käthe Vogt-Probe", roles=["audit"])
    with httpx.Client(
        base_url=console.url, headers={"authorization": f"Bearer {token}"}, trust_env=False, timeout=60
    ) as client:
        assert client.get("/api/v1/transfers").status_code == 200
        assert client.get("/api/v1/who").status_code == 200
    actor = console.entries("query")[-1]["actor"]
    names = ("one officer", "another officer")
    tokens = [console.control.tokens.create(Role.OFFICER, name, (), 1)[0] for name in names]
    one, other = (
        httpx.Client(
            base_url=f"{console.url}/api/v1", headers={"authorization": f"Bearer {each}"}, trust_env=False, timeout=60
        )
        for each in tokens
    )
    with one, other:

        def look(ref: str) -> httpx.Response:
            asked = one.post("/reveals", json={"kind": "actor", "what": ref, "reason": "incident"}).json()
            assert other.put(f"/reveals/{asked['id']}/agreement").status_code == 200
            return one.post(f"/reveals/{asked['id']}/look")

        assert look(actor).json()["text"] == f"Käthe Vogt-Probe ({issuer.url})"
        assert look("A" * 22).status_code == 404
    shown, nobody = console.entries("reveal")[-2:]
    assert (shown["named"], shown["n"], nobody["n"]) == (actor, 1, 0)
    for path in console.home.rglob("*"):
        assert not path.is_file() or b"Vogt-Probe" not in path.read_bytes(), "kept encrypted only"


def test_a_token_that_lies_opens_nothing_and_learns_nothing(start: Start, issuer: Issuer) -> None:
    console = start(oidc=settings(issuer.url))
    answers = set()
    with httpx.Client(base_url=console.url, trust_env=False, timeout=60) as client:
        assert client.get("/api/v1/me", headers={"authorization": f"Bearer {issuer.token()}"}).status_code == 200
        for name, lie in LIES.items():
            answer = client.get("/api/v1/me", headers={"authorization": f"Bearer {lie(issuer)}"})
            assert answer.status_code == 401, name
            answers.add(answer.text)
    assert len(answers) == 1


def test_keys_are_kept_and_read_again_for_a_new_one_but_not_all_day(issuer: Issuer) -> None:
    now = [time.time()]
    asks = provider(issuer.url, lambda: now[0])
    for _ in range(3):
        asks.visitor(issuer.token())
    assert len(issuer.asked) == 2
    stranger = RSAKey.generate_key(2048, {"kid": "stranger"})
    for _ in range(5):
        with pytest.raises(NotSignedInError):
            asks.visitor(issuer.token(stranger))
    assert len(issuer.asked) == 2, "not within ten seconds of the last reading"
    now[0] += 11
    issuer.keys.append(RSAKey.generate_key(2048, {"kid": "new", "use": "sig"}))
    assert asks.visitor(issuer.token(issuer.keys[1])).role is Role.OFFICER
    assert len(issuer.asked) == 4
    issuer.keys.pop(0)
    now[0] += 301
    with pytest.raises(NotSignedInError):
        asks.visitor(issuer.token(stranger))


def test_a_provider_that_is_away_is_no_reason_to_let_anybody_in(issuer: Issuer) -> None:
    now = [time.time()]
    asks = provider(issuer.url, lambda: now[0])
    token = issuer.token(exp=int(time.time()) + 5000)
    asks.visitor(token)
    issuer.broken = True
    now[0] += 200
    asks.visitor(token)
    now[0] += 200
    with pytest.raises(UnavailableError):
        asks.visitor(token)
    with pytest.raises(UnavailableError):
        asks.endpoint("token_endpoint")


def test_another_algorithm_and_a_nested_claim_by_configuration(issuer: Issuer) -> None:
    key = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})
    issuer.keys = [key]  # type: ignore[list-item]
    asks = provider(issuer.url, algorithms=["ES256"], role_claim="realm.roles", audience="api")
    claims = {"aud": ["api", "x"], "roles": None, "realm": {"roles": ["audit"]}, "preferred_username": "anna.s"}
    found = asks.visitor(issuer.token(key, "ES256", **claims))
    assert (found.role, found.name) == (Role.AUDITOR, "anna.s")
    assert isinstance(KeySet([key]), KeySet)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"issuer": "http://id.example"}, "this machine only"),
        ({"client_id": ""}, "client_id"),
        ({"roles": {}}, "oidc.roles"),
        ({"roles": {"x": "king"}}, "oidc.roles"),
        ({"roles": {"x": "team"}}, "oidc.roles"),
        ({"algorithms": ["HS256"]}, "algorithms"),
        ({"algorithms": ["none"]}, "algorithms"),
        ({"isuer": "x"}, "isuer"),
    ],
)
def test_settings_that_cannot_be_are_refused(change: Claims, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_oidc(settings("https://id.example") | change)


# --- the browser's way, with a real provider ---------------------------------------------------------------------------


@pytest.fixture
def site(start: Start) -> Iterator[tuple[Console, httpx.Client]]:
    users = [oidc_provider_mock.User(sub="anna", claims={"roles": ["dpo"], "nonce_was": ""})]
    users.append(oidc_provider_mock.User(sub="guest", claims={"roles": ["guest"]}))
    with oidc_provider_mock.run_server_in_thread(user_claims=users) as server:
        console = start(oidc=settings(f"http://localhost:{server.server_port}"))
        with httpx.Client(trust_env=False, timeout=60, headers={"accept-language": "en"}) as client:
            yield console, client


def go(console: Console, client: httpx.Client, who: str = "anna", to: str = "/who?days=7") -> str:
    """From the sign-in page to the address that the provider sends the browser back to."""
    page = client.get(f"{console.url}/sign-in", params={"to": to})
    assert "/sign-in/oidc?to=" in page.text
    begun = client.get(f"{console.url}/sign-in/oidc", params={"to": to})
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert min(len(asked[name][0]) for name in ("state", "nonce", "code_challenge")) >= 43
    agreed = client.post(begun.headers["location"], data={"sub": who})
    assert agreed.status_code == 302, agreed.text
    return str(agreed.headers["location"])


def test_a_browser_signs_in_by_the_provider(site: tuple[Console, httpx.Client]) -> None:
    console, client = site
    back = client.get(go(console, client))
    assert back.status_code == 200
    assert 'content="0;url=/who?days=7"' in back.text
    cookie = next(value for value in back.headers.get_list("set-cookie") if value.startswith(SESSION)).lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    shown = client.get(f"{console.url}/who?days=7")
    assert shown.status_code == 200
    assert client.get(f"{console.url}/").status_code == 200


def test_a_callback_is_used_once_and_only_where_it_began(site: tuple[Console, httpx.Client]) -> None:
    console, client = site
    address = go(console, client)
    with httpx.Client(trust_env=False, timeout=60) as other:
        assert other.get(address).status_code == 401, "another browser"
    assert client.get(address).status_code == 200
    client.cookies.delete(SESSION)
    assert client.get(address).status_code == 401, "once more"
    forged = go(console, client).replace("state=", "state=x")
    assert client.get(forged).status_code == 401
    assert SESSION not in client.cookies


def test_a_code_of_another_sign_in_does_not_fit(site: tuple[Console, httpx.Client]) -> None:
    console, client = site
    stolen = parse_qs(urlsplit(go(console, client)).query)["code"][0]
    own = urlsplit(go(console, client))
    state = parse_qs(own.query)["state"][0]
    answer = client.get(f"{console.url}{own.path}", params={"code": stolen, "state": state})
    assert answer.status_code == 401, "PKCE and nonce belong to the sign-in that was begun"
    assert SESSION not in client.cookies


def test_a_user_without_a_role_and_one_who_declines_are_not_signed_in(site: tuple[Console, httpx.Client]) -> None:
    console, client = site
    assert client.get(go(console, client, "guest")).status_code == 401
    begun = client.get(f"{console.url}/sign-in/oidc")
    declined = client.post(begun.headers["location"], data={"action": "deny"})
    assert client.get(declined.headers["location"]).status_code == 401
    assert SESSION not in client.cookies


def test_the_way_back_never_leads_to_another_site(site: tuple[Console, httpx.Client]) -> None:
    console, client = site
    assert 'url=/"' in client.get(go(console, client, to="//evil.example")).text


def test_without_the_setting_there_is_no_such_way(console: Console) -> None:
    with httpx.Client(base_url=console.url, trust_env=False, timeout=60) as client:
        assert "oidc" not in client.get("/sign-in").text
        assert client.get("/sign-in/oidc").status_code == 404
