"""The gateway's own TLS: its certificate, and whom it believes when a client shows one.

Files of the operator enter, a context leaves; a certificate that no authority of `client_ca` signed ends the handshake,
so what the door reads from one is verified.
"""

import ssl
from collections.abc import Mapping
from typing import Any

from proxy.config import Settings
from proxy.errors import ConfigError


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
        if settings.client_ca is not None:
            context.load_verify_locations(settings.client_ca)
            context.verify_mode = ssl.CERT_OPTIONAL  # an app without one may still have a credential
    except (OSError, ssl.SSLError) as error:
        reason = (
            error.strerror
            if isinstance(error, OSError) and error.strerror
            else "not PEM, or key and certificate differ"
        )
        raise ConfigError(f"the gateway's TLS files cannot be used ({reason})") from None
    return context


def client_names(certificate: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Names in a verified certificate (`ssl.SSLSocket.getpeercert`): every subjectAltName, and where there is none the
    common name (RFC 6125, section 6.4.4)."""
    if not certificate:
        return ()
    names = tuple(value for _, value in certificate.get("subjectAltName", ()))
    common = (value for part in certificate.get("subject", ()) for key, value in part if key == "commonName")
    return names or tuple(common)
