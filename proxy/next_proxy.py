"""The next proxy: the one through which a network lets its machines reach what is outside of it.

Whatever is asked over https is reached by a tunnel (CONNECT, RFC 9110 section 9.3.6) inside of which TLS ends where it
is asked and not before: the next proxy learns its name, and nothing that is sent. Plain http, this machine and the
hosts of `upstream_direct` are inside, and reached directly. The HTTPS proxy's own way through it is the engine's mode
`upstream:`.
"""

from dataclasses import dataclass

from proxy.config import Settings, secret
from proxy.errors import ConfigError
from proxy.messages import Origin

_HERE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class NextProxy:
    """url: `http(s)://HOST:PORT`. user, password: shown to it (Basic, RFC 7617), "" for nobody.

    direct: hosts that are reached without it, by name or, with a dot before it, all below a name.
    """

    url: str
    user: str = ""
    password: str = ""
    direct: tuple[str, ...] = ()

    @property
    def inside(self) -> tuple[str, ...]:
        """All that is reached without it over https, as in `direct`."""
        return (*_HERE, *self.direct)

    def leads_to(self, origin: Origin) -> bool:
        """Whether this origin is reached through it."""
        host = origin.host.lower().rstrip(".")
        inside = any(host == name or (name.startswith(".") and host.endswith(name)) for name in self.inside)
        return origin.scheme == "https" and not inside


def next_proxy(settings: Settings) -> NextProxy | None:
    """The one of the settings, None where there is none. Raises ConfigError where its credentials cannot be read."""
    if not settings.upstream_proxy:
        return None
    user, password = "", ""
    if settings.upstream_auth:
        user, colon, password = secret(settings.upstream_auth).partition(":")
        if not colon:
            raise ConfigError("upstream_auth: write user:password")
    direct = tuple(name.lower().rstrip(".") for name in settings.upstream_direct)
    return NextProxy(settings.upstream_proxy, user, password, direct)
