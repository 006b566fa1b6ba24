"""Our certificate authority: made once before anything starts, and what runtimes need in order to trust it.

It signs the certificates that the network door shows to apps; nothing else may be signed with it. The files carry the
names under which mitmproxy looks for them. The private key never leaves `mitmproxy-ca.pem` (mode 0600).
"""

import os
import secrets
import ssl
import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from proxy.errors import ConfigError

KEY_FILE = "mitmproxy-ca.pem"
CERTIFICATE_FILE = "mitmproxy-ca-cert.pem"
BUNDLE_FILE = "bundle.pem"
DH_FILE = "mitmproxy-dhparam.pem"
ORGANIZATION = "dragoman"
LIFETIME = timedelta(days=3650)
BACKDATED = timedelta(days=2)
"""Clocks of containers and phones run late; two days is what mitmproxy allows as well."""


@dataclass(frozen=True, slots=True)
class CertificateAuthority:
    """Where the authority lies and what it is.

    directory: mitmproxy's `confdir`. certificate: PEM, public. bundle: PEM of it and the public authorities, for
    runtimes whose variable replaces the trust store instead of adding to it. fingerprint: SHA-256, hexadecimal.
    """

    directory: Path
    certificate: Path
    bundle: Path
    fingerprint: str
    not_after: datetime


def ensure_ca(directory: Path) -> CertificateAuthority:
    """Make the authority if it is not there, check it if it is. Safe when several processes call it at once.

    Raises ConfigError: the key is readable by others, key and certificate do not belong together, it has expired.
    """
    directory.mkdir(parents=True, exist_ok=True)
    key_file = directory / KEY_FILE
    if not key_file.exists():
        _publish(key_file, _new_authority(), mode=0o600, replace=False)
    certificate = checked(key_file)
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    _keep(directory / CERTIFICATE_FILE, pem)
    _keep(directory / BUNDLE_FILE, pem + _public_authorities())
    _keep(directory / DH_FILE, _dh_parameters)
    return CertificateAuthority(
        directory=directory,
        certificate=directory / CERTIFICATE_FILE,
        bundle=directory / BUNDLE_FILE,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        not_after=certificate.not_valid_after_utc,
    )


def export_ca(directory: Path, form: str) -> bytes:
    """The certificate, never the key, as `pem`, `der`, `p12` (no password) or `bundle`. Raises ConfigError."""
    authority = ensure_ca(directory)
    certificate = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    match form:
        case "pem":
            return certificate.public_bytes(serialization.Encoding.PEM)
        case "der":
            return certificate.public_bytes(serialization.Encoding.DER)
        case "p12":
            return pkcs12.serialize_key_and_certificates(
                ORGANIZATION.encode(), None, None, [certificate], serialization.NoEncryption()
            )
        case "bundle":
            return authority.bundle.read_bytes()
    raise ConfigError(f"there is no export format {form!r}; use pem, der, p12 or bundle")


def upstream_trust(directory: Path, extra: Path | None) -> Path:
    """PEM file of the authorities that upstreams are verified against: the public ones, and `extra` beside them.

    The engine takes one file, so an extra one is joined with the public ones in `directory`. Raises ConfigError.
    """
    import certifi

    if extra is None:
        return Path(certifi.where())
    trust_also(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), extra, "upstream_ca")
    joined = directory / "upstream-trust.pem"
    _keep(joined, extra.read_bytes().rstrip() + b"\n" + _public_authorities())
    return joined


def trusting(extra: Path | None) -> ssl.SSLContext:
    """Trusts the system's authorities, and those of the setting `upstream_ca`. Raises ConfigError."""
    context = ssl.create_default_context()
    if extra is not None:
        trust_also(context, extra, "upstream_ca")
    return context


def trust_also(context: ssl.SSLContext, file: Path, setting: str) -> None:
    """Adds a PEM file's authorities to those that a context trusts. Raises ConfigError that names setting and file."""
    try:
        context.load_verify_locations(cafile=file)
    except ssl.SSLError:
        raise ConfigError(f"{setting} {file}: holds no certificate in PEM form") from None
    except OSError as error:
        raise ConfigError(f"{setting} {file}: cannot be read ({error.strerror})") from None


def _new_authority() -> bytes:
    # P-256 signs a leaf and a handshake ten times faster than RSA 2048, and every TLS 1.2 client knows it.
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, f"dragoman CA {secrets.token_hex(4)}"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
        ]
    )
    now = datetime.now(UTC)
    usage = dict.fromkeys(
        ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False),
            critical=True,
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def checked(key_file: Path) -> x509.Certificate:
    """The certificate of an authority that can be used. Raises ConfigError."""
    mode = stat.S_IMODE(key_file.stat().st_mode)
    if mode & 0o077:
        raise ConfigError(f"{key_file}: others can read this private key (mode {mode:o}); chmod 600 it")
    data = key_file.read_bytes()
    try:
        key = serialization.load_pem_private_key(data, None)
        certificate = x509.load_pem_x509_certificate(data)
    except (ValueError, TypeError):
        raise ConfigError(f"{key_file}: is not a private key and a certificate in PEM form") from None
    if key.public_key() != certificate.public_key():
        raise ConfigError(f"{key_file}: key and certificate do not belong together")
    if certificate.not_valid_after_utc <= datetime.now(UTC):
        raise ConfigError(f"{key_file}: has expired; move the folder away, start again and distribute the new one")
    return certificate


def _public_authorities() -> bytes:
    import certifi

    return Path(certifi.where()).read_bytes()


def _dh_parameters() -> bytes:
    from mitmproxy.certs import DEFAULT_DHPARAM

    return bytes(DEFAULT_DHPARAM)


def _keep(path: Path, content: bytes | Callable[[], bytes]) -> None:
    """Write a public file unless it already says just this; a function is only asked when the file is missing."""
    if callable(content):
        if path.exists():
            return
        content = content()
    if not path.exists() or path.read_bytes() != content:
        _publish(path, content, mode=0o644, replace=True)


def _publish(path: Path, content: bytes, *, mode: int, replace: bool) -> None:
    """Write a file so that it appears whole or not at all; without `replace`, the first process wins."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.chmod(mode)
        if replace:
            draft.replace(path)
        else:
            # A link, unlike a rename, fails where the name is taken: nobody's key is ever overwritten.
            try:
                path.hardlink_to(draft)
            except FileExistsError:
                return
    finally:
        draft.unlink(missing_ok=True)
