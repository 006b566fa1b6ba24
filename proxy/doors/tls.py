"""The gateway's own TLS: its certificate, and whom it believes when a client shows one.

Files of the operator enter, a context leaves; a certificate that no authority of `client_ca` signed ends the handshake,
so what the door reads from one is verified.
"""

import ssl
from collections.abc import Mapping
from typing import Any

from proxy.config import Settings
from proxy.errors import ConfigError
from proxy.running.ca import trust_also


def serving_tls(settings: Settings) -> ssl.SSLContext | None:
    """The context of the gateway, None for plain HTTP. Raises ConfigError."""
    if settings.tls_certificate is None:
        if settings.client_ca is not None or settings.tls_key is not None:
            raise ConfigError("client_ca and tls_key need tls_certificate: without TLS no client shows a certificate")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    except OSError as error:
        files = " and ".join(str(one) for one in (settings.tls_certificate, settings.tls_key) if one is not None)
        reason = "not PEM, or no key that fits" if isinstance(error, ssl.SSLError) else error.strerror
        raise ConfigError(f"tls_certificate and tls_key, {files}: they cannot be used ({reason})") from None
    if settings.client_ca is not None:
        trust_also(context, settings.client_ca, "client_ca")
        context.verify_mode = ssl.CERT_OPTIONAL  # an app without one may still have a credential
    return context


def client_names(certificate: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Names in a verified certificate (`ssl.SSLSocket.getpeercert`): every subjectAltName, and where there is none the
    common name (RFC 6125, section 6.4.4)."""
    if not certificate:
        return ()
    names = tuple(value for _, value in certificate.get("subjectAltName", ()))
    common = (value for part in certificate.get("subject", ()) for key, value in part if key == "commonName")
    return names or tuple(common)
