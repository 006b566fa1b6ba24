"""Asking providers to delete: over HTTP, one call for each object, never repeated, never following a redirect.

Only ids of objects and the provider's key leave here; that it happens is in the log before (`erasure`, begun).
"""

import json
import ssl
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from policies.destination import Destination
from proxy.config import Settings, parse_origin, secret
from proxy.erasure.providers import Call, Deletes, Verdict, deletes
from proxy.errors import ConfigError
from proxy.next_proxy import next_proxy
from redaction.vault import ProviderObject

if TYPE_CHECKING:
    import httpx

DAY_MS = 86_400_000
TIMEOUT_S = 20.0
MAX_ANSWER = 1024 * 1024
"""Bytes of an answer that are read; a deletion's has a hundred."""


class Obstacle(StrEnum):
    """Why a provider cannot be asked, or was not."""

    NO_CALL = "no_call"
    NO_KEY = "no_key"
    KEY_UNREADABLE = "key_unreadable"
    NO_UPSTREAM = "no_upstream"
    UNKNOWN_DESTINATION = "unknown_destination"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Deletion:
    """One object: what is to be asked, and what came of it.

    request: `DELETE https://…`, or "" where nobody can be asked. obstacle: why not, None where nothing
    stands in the way. status: HTTP status of the answer.
    kept_until: ms since 1970 when the provider itself deletes it, as far as the register knows.
    """

    object: ProviderObject
    request: str = ""
    obstacle: Obstacle | None = None
    verdict: Verdict | None = None
    status: int | None = None
    kept_until: int | None = None


class Deleter(Protocol):
    """Who plans deletions and carries them out."""

    def plan(self, objects: Iterable[ProviderObject]) -> tuple[Deletion, ...]:
        """What would be asked, for each object. Asks nobody."""
        ...

    def carry_out(self, planned: Iterable[Deletion]) -> Iterator[Deletion]:
        """Ask, one after the other; every one comes back with a verdict, whatever happens."""
        ...


class HttpDeleter:
    """`Deleter` over HTTPS. Use it as a context manager; the client is opened when it is first needed."""

    def __init__(
        self,
        settings: Settings,
        destinations: Mapping[str, Destination],
        *,
        transport: "httpx.BaseTransport | None" = None,
    ) -> None:
        """transport: instead of the network (tests)."""
        self._settings, self._destinations, self._transport = settings, destinations, transport
        self._next = next_proxy(settings)
        self._client: httpx.Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            self._client.close()

    def plan(self, objects: Iterable[ProviderObject]) -> tuple[Deletion, ...]:
        planned: dict[tuple[str, str], Deletion] = {}
        for one in objects:
            made = self._planned(one)
            planned.setdefault((one.destination, made.request or one.object_id), made)  # one object may have two names
        return tuple(planned.values())

    def carry_out(self, planned: Iterable[Deletion]) -> Iterator[Deletion]:
        away: set[str] = set()
        for one in planned:
            if one.obstacle or one.object.destination in away:
                # Whoever could not be reached is not waited for once more for every object.
                verdict = Verdict.REFUSED if one.object.destination in away else Verdict.KEPT
                yield replace(one, verdict=verdict, obstacle=one.obstacle or Obstacle.UNREACHABLE)
                continue
            done = self._asked(one)
            if done.obstacle:
                away.add(one.object.destination)
            yield done

    def _planned(self, one: ProviderObject) -> Deletion:
        destination = self._destinations.get(one.destination)
        if destination is None:
            return Deletion(one, obstacle=Obstacle.UNKNOWN_DESTINATION)
        plan = Deletion(one, kept_until=_kept_until(one, destination))
        found = deletes(destination, one.object_id)
        if found is None:
            return replace(plan, obstacle=Obstacle.NO_CALL)
        base = self._base(destination)
        if not base:
            return replace(plan, obstacle=Obstacle.NO_UPSTREAM)
        call = found[1]
        return replace(plan, request=f"{call.method} {base}{call.path}", obstacle=self._no_key(destination.name))

    def _no_key(self, destination: str) -> Obstacle | None:
        """Why there is no key to ask with, None where there is one: said before anything is destroyed."""
        reference = self._settings.provider_keys.get(destination)
        if reference is None:
            return Obstacle.NO_KEY
        try:
            secret(reference)
        except ConfigError:
            return Obstacle.KEY_UNREADABLE
        return None

    def _asked(self, one: Deletion) -> Deletion:
        destination = self._destinations[one.object.destination]
        import httpx

        provider, call = _known(deletes(destination, one.object.object_id))
        try:
            headers = {**call.headers, **self._credential(destination)}
            base = self._base(destination)
            client = self._http()
            with client.stream(call.method, base + call.path, headers=headers) as answer:
                told = _json(answer)
        except (httpx.HTTPError, ConfigError):
            return replace(one, verdict=Verdict.REFUSED, obstacle=Obstacle.UNREACHABLE)
        verdict = provider.verdict(answer.status_code, told)
        return replace(
            one,
            verdict=verdict,
            status=answer.status_code,
            kept_until=one.kept_until if verdict is Verdict.REFUSED else None,
        )

    def _http(self) -> "httpx.Client":
        if self._client is None:
            # With all that it brings half a second, which whoever asks nobody need not wait for.
            from proxy.outbound.clients import client

            trust = ssl.create_default_context()
            if self._settings.upstream_ca is not None:
                trust.load_verify_locations(cafile=self._settings.upstream_ca)
            self._client = client(self._next, timeout=TIMEOUT_S, verify=trust, transport=self._transport)
        return self._client

    def _credential(self, destination: Destination) -> dict[str, str]:
        """The provider's key in the first carrier that the register names. Raises ConfigError."""
        key = secret(self._settings.provider_keys[destination.name])
        carrier = next(iter(destination.credentials.headers), "authorization")
        return {carrier: f"Bearer {key}" if carrier == "authorization" else key}

    def _base(self, destination: Destination) -> str:
        """Scheme, host and prefix at which the destination is reached, "" where nobody says."""
        replaced = self._settings.upstreams.get(destination.name)
        if replaced is not None:
            return f"{replaced.scheme}://{replaced.authority}{replaced.prefix}"
        if not destination.origin:
            return ""
        origin = parse_origin(destination.origin, what=destination.name)
        return f"{origin.scheme}://{origin.authority}{origin.prefix}{destination.base_path}"


def _known(found: tuple[Deletes, Call] | None) -> tuple[Deletes, Call]:
    assert found is not None, "only objects that have a call are asked for"
    return found


def _kept_until(one: ProviderObject, destination: Destination) -> int | None:
    days = destination.fact("retention")
    return one.created + days * DAY_MS if isinstance(days, int) else None


def _json(answer: "httpx.Response") -> Any:
    """What an answer says, None where it is no JSON or more than anybody says to a deletion."""
    read = bytearray()
    for piece in answer.iter_bytes():
        read += piece
        if len(read) > MAX_ANSWER:
            return None
    try:
        return json.loads(read)
    except (ValueError, RecursionError):
        return None
