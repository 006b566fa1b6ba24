"""The request: where it goes, who sends it, what is in it, and how it looks when it leaves.

Translation only, between what a door handed over and what formats, identity and register know; nothing is decided here
except what no policy may allow (unknown destinations, stopped ones, unknown credentials).
"""

from dataclasses import replace

from policies.destination import Destination
from proxy.config import parse_origin
from proxy.errors import FormatError, RefusedError, UnavailableError
from proxy.formats.base import Dialect, Inspected, MediaPart, RequestHead
from proxy.formats.target import NOWHERE, read_target
from proxy.framing.coding import decode_body
from proxy.identity import Identity, identify
from proxy.messages import Egress, Origin
from proxy.steps.uploads import DECLARED_SIZE
from proxy.steps.work import GateLimits, Services, Work, known

NOT_SENT_ON = ("host", "content-length", "content-encoding", "accept-encoding", "expect", DECLARED_SIZE)
"""Fields that we write ourselves, or that end with us: the body leaves decoded and complete."""
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"))
"""RFC 9110, RFC 5789; a method is a word that a client may make up, and no place for one of our placeholders."""


def find_destination(work: Work, services: Services) -> None:
    """Who is to receive this. Raises RefusedError (`destination_unknown`, ...), UnavailableError (`control_away`)."""
    egress, policy = work.facts.egress, work.active.policy
    name = egress.destination or upstream_named(egress.origin, services)
    if name:
        destination = policy.destinations.get(name)
        reason = "the policy names no destination of that name"
    else:
        destination = policy.destination_for_host(known(egress.origin).host)
        reason = "the host is not in the register of destinations"
    if destination is None:
        raise RefusedError(f"{reason}; add it to the policy", code="destination_unknown", status=404)
    work.facts.destination = destination
    path = egress.target.decode("latin-1").partition("?")[0]
    work.format = services.formats.shape(destination.name, destination.format_for(path))
    work.origin = _origin(destination, egress, services)
    work.facts.host = work.origin.authority
    if work.active.stale:
        # It may have been stopped meanwhile, and this machine would not know.
        raise UnavailableError("the control database was not reachable for seconds", code="control_away")
    if destination.name in work.active.stopped_destinations:
        raise RefusedError("this destination was stopped by an officer", code="destination_stopped")


def upstream_named(origin: Origin | None, services: Services) -> str:
    """The destination whose upstream was replaced by this origin, or ""."""
    if origin is None:
        return ""
    pairs = services.upstreams.items()
    return next((name for name, item in pairs if (item.host, item.port) == (origin.host, origin.port)), "")


def _origin(destination: Destination, egress: Egress, services: Services) -> Origin:
    if egress.origin is not None and destination.name not in services.upstreams:
        return egress.origin
    return upstream_of(destination, services)


def upstream_of(destination: Destination, services: Services) -> Origin:
    """Where requests to a destination go. Raises RefusedError (`destination_without_upstream`)."""
    replaced = services.upstreams.get(destination.name)
    if replaced is not None:
        return replaced
    if not destination.origin:
        raise RefusedError(
            "the destination has no upstream; start with --upstream NAME=URL", code="destination_without_upstream"
        )
    origin = parse_origin(destination.origin, what=destination.name)
    return replace(origin, prefix=origin.prefix + destination.base_path)


async def find_identity(work: Work, services: Services) -> None:
    """Who sends it, for what, about whom. Raises RefusedError (`credential_unknown`, `application_stopped`, ...)."""
    policy = work.active.policy
    egress = work.facts.egress
    if policy.tokens is not None:
        work.claims = await services.claims(policy.tokens, egress.headers)
    if namespaces := work.active.pod_namespaces:
        await services.pods.know(namespaces)
    identity = check_application(work, services)
    work.facts.subjects = await services.references.subjects(identity.subjects)
    work.facts.session = await services.references.session(identity.session)
    work.facts.purpose = identity.purpose or policy.purpose_for(identity.application)


def check_application(work: Work, services: Services) -> Identity:
    """Who sends it, as far as it can be told without waiting. Raises as `find_identity` does."""
    carriers, active = work.destination.credentials.headers, work.active
    identity = identify(work.facts.egress, active.policy, active.credentials, carriers, work.claims, services.pods.at)
    work.facts.identity = identity
    if identity.application in work.active.stopped_applications:
        raise RefusedError("this application was stopped by an officer", code="application_stopped")
    return identity


def read_request(work: Work, services: Services, limits: GateLimits) -> None:
    """Take body, target and headers apart. Pure, and long for a large body. Raises FormatError."""
    egress = work.facts.egress
    path, _, query = egress.target.decode("latin-1").partition("?")
    if egress.method.upper() not in METHODS:
        raise FormatError("the request's method is not one that is known here", code="unknown_method", status=501)
    if path[:1] != "/" and path != "*":
        # HTTP/2 lets any words stand there (RFC 9113 section 8.3.1), a whole URL of somebody else too.
        raise FormatError("the request's path does not begin with a slash", code="invalid_target")
    headers = egress.headers.without(work.active.ends_here)
    if len(headers.all("content-type")) > 1:
        # The receiver may go by the other one, and read in the body what we did not.
        raise FormatError("the request names its content type twice", code="invalid_content_type")
    work.head = RequestHead(egress.method, known(work.origin).host, path, query, headers, egress.upgrade)
    work.format, work.endpoint = services.formats.select(work.head, work.destination.format_for(path))
    if egress.upgrade and work.endpoint.session is None:
        raise RefusedError(
            "no format knows the messages of a WebSocket at this path, so none would be inspected",
            code="websocket_unsupported",
            status=501,
        )
    body = decode_body(egress.body, headers.get("content-encoding"), limit=limits.body_bytes)
    work.inspected = work.format.read(work.endpoint, work.head, body)
    check_keeping(work)
    credentials = work.destination.credentials
    work.target = read_target(work.head, carriers=credentials.headers, query_carriers=credentials.query)
    work.facts.format, work.facts.endpoint = work.format.name, work.endpoint.operation
    work.facts.model = services.references.marked(work.inspected.model or work.endpoint.model)
    work.facts.media = work.inspected.media
    work.facts.uninspected = opaque_parts(work.inspected)


def read_message(work: Work, services: Services, session: Work, dialect: Dialect) -> None:
    """Take one message of a session apart; where it goes was read when the session began. Raises FormatError."""
    work.head, work.format, work.endpoint = session.head, session.format, session.endpoint
    work.inspected = dialect.read(work.facts.egress.body)
    check_keeping(work)
    work.target = NOWHERE
    work.facts.format, work.facts.endpoint = work.format.name, known(work.endpoint).operation
    work.facts.model = services.references.marked(work.inspected.model) or session.facts.model
    work.facts.media = work.inspected.media
    work.facts.uninspected = opaque_parts(work.inspected)


def kept_from_storing(work: Work) -> bool:
    """Whether this destination may keep nothing: the policy says `store: never`, or it gets a copy to compare."""
    return work.mirrored or work.destination.store == "never"


def check_keeping(work: Work) -> None:
    """Raises RefusedError where the provider would keep something that it may not, and cannot be told not to."""
    inspected = known(work.inspected)
    if inspected.keeps and kept_from_storing(work) and not inspected.unkept:
        raise RefusedError(
            "the provider would keep what this request creates, which it may not (`store: never`, or a mirrored copy)",
            code="store_refused",
        )


def opaque_parts(inspected: Inspected) -> tuple[tuple[MediaPart, str], ...]:
    """What the format itself could not read, with the reason code of the record."""
    return tuple([(part, "opaque") for part in inspected.uninspected])
