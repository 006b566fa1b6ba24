"""The certificate authority: made once, private, good for strict clients, and exported without its key."""

import os
import ssl
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from proxy.errors import ConfigError
from proxy.running import ca
from proxy.running.ca import KEY_FILE, ensure_ca, export_ca, upstream_trust


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "ca"


def test_it_is_made_once_and_kept(folder):
    first = ensure_ca(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert ensure_ca(folder) == first
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_whoever_starts_first_wins_and_nobody_gets_half_a_key(folder):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: ensure_ca(folder), range(16)))
    assert len({authority.fingerprint for authority in made}) == 1
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_the_key_is_its_owners_alone(folder):
    old = os.umask(0)
    try:
        ensure_ca(folder)
    finally:
        os.umask(old)
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    for path in folder.iterdir():
        assert (b"PRIVATE KEY" in path.read_bytes()) == (path.name == KEY_FILE)


def test_it_says_whose_it_is_and_signs_servers_only(folder):
    certificate = x509.load_pem_x509_certificate(ensure_ca(folder).certificate.read_bytes())
    assert certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "dragoman"
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    assert certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


def test_two_authorities_have_two_names(tmp_path):
    names = {x509.load_pem_x509_certificate(ensure_ca(tmp_path / n).certificate.read_bytes()).subject for n in "ab"}
    assert len(names) == 2


def test_the_engine_finds_it_and_a_strict_client_believes_its_leaves(folder):
    from mitmproxy.certs import CertStore

    authority = ensure_ca(folder)
    store = CertStore.from_store(folder, "mitmproxy", 2048)
    entry = store.get_cert("api.example", [x509.DNSName("api.example")])
    leaf_file = folder.parent / "leaf.pem"
    private = entry.privatekey.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    leaf_file.write_bytes(private + entry.cert.to_pem())
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(leaf_file)
    client = ssl.create_default_context(cafile=str(authority.certificate))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(to_client, to_server, server_hostname="api.example")
    two = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (one, two, one, two, one):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert one.getpeercert()["subjectAltName"] == (("DNS", "api.example"),)


def test_a_key_that_others_can_read_is_refused(folder):
    ensure_ca(folder)
    (folder / KEY_FILE).chmod(0o640)
    with pytest.raises(ConfigError, match="others can read"):
        ensure_ca(folder)


def test_a_key_that_is_not_the_certificates_is_refused(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    ensure_ca(one)
    ensure_ca(two)
    key = (one / KEY_FILE).read_bytes().partition(b"-----BEGIN CERTIFICATE")[0]
    certificate = b"-----BEGIN CERTIFICATE" + (two / KEY_FILE).read_bytes().partition(b"-----BEGIN CERTIFICATE")[2]
    (one / KEY_FILE).write_bytes(key + certificate)
    with pytest.raises(ConfigError, match="do not belong together"):
        ensure_ca(one)


def test_a_file_that_is_no_authority_is_refused(folder):
    folder.mkdir(parents=True)
    (folder / KEY_FILE).touch(mode=0o600)
    with pytest.raises(ConfigError, match="PEM"):
        ensure_ca(folder)


def test_an_expired_authority_is_refused(folder, monkeypatch):
    ensure_ca(folder)

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(UTC) + timedelta(days=4000)

    monkeypatch.setattr(ca, "datetime", Later)
    with pytest.raises(ConfigError, match="expired"):
        ensure_ca(folder)


@pytest.mark.parametrize(
    ("form", "read"),
    [
        ("pem", x509.load_pem_x509_certificate),
        ("der", x509.load_der_x509_certificate),
        ("p12", lambda data: pkcs12.load_pkcs12(data, None).additional_certs[0].certificate),
        ("bundle", x509.load_pem_x509_certificate),
    ],
)
def test_every_export_holds_the_certificate_and_no_key(folder, form, read):
    expected = x509.load_pem_x509_certificate(ensure_ca(folder).certificate.read_bytes())
    data = export_ca(folder, form)
    assert read(data) == expected
    assert b"PRIVATE" not in data


def test_an_unknown_export_is_refused(folder):
    with pytest.raises(ConfigError, match="pem, der, p12"):
        export_ca(folder, "jks")


def blocks(path: Path) -> list[bytes]:
    begin = b"-----BEGIN CERTIFICATE-----"
    end = b"-----END CERTIFICATE-----"
    return [begin + rest.partition(end)[0] + end for rest in path.read_bytes().split(begin)[1:]]


def test_the_bundle_trusts_us_and_the_public_authorities(folder):
    import certifi

    authority = ensure_ca(folder)
    assert blocks(authority.bundle)[0] == blocks(authority.certificate)[0]
    assert len(blocks(authority.bundle)) == 1 + len(blocks(Path(certifi.where())))


def test_upstreams_are_not_verified_against_our_own_authority(folder, throwaway_ca):
    ours = blocks(ensure_ca(folder).certificate)[0]
    extra = blocks(throwaway_ca.path)[0]
    trusted = blocks(upstream_trust(folder, throwaway_ca.path))
    assert extra in trusted
    assert len(trusted) > 50
    assert ours not in trusted
    assert ours not in blocks(upstream_trust(folder, None))


def test_an_upstream_authority_that_is_none_is_refused(folder, tmp_path):
    ensure_ca(folder)
    for content in (b"", b"nothing", "ä".encode("latin-1")):
        (tmp_path / "x.pem").write_bytes(content)
        with pytest.raises(ConfigError, match="holds no certificate"):
            upstream_trust(folder, tmp_path / "x.pem")
    with pytest.raises(ConfigError, match="cannot be read"):
        upstream_trust(folder, tmp_path / "missing.pem")
