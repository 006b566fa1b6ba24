"""How a page is made: session, language, form, view, template, and errors as pages.

Forms carry the session's own token and have to come from this host; the session's cookie is strict. Views run in a
thread and give a template's name and what it shows; everything they show is escaped by the template.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jinja2
import orjson
from markupsafe import Markup, escape
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from proxy.console.access import Right, Visitor
from proxy.console.api import Gatekeeper, address_of, export_response, made_response, read_body
from proxy.console.language import LANGUAGES, Words, preferred, when, words
from proxy.console.operations.base import Desk, Made, Streamed
from proxy.console.problems import InputError, TooManyError, known, problem, retry_after
from proxy.console.sessions import Session, Sessions
from proxy.errors import FormatError, ProxyError, RefusedError

if TYPE_CHECKING:
    from proxy.outbound.identity_provider import IdentityProvider

SESSION = "dragoman-session"
LANGUAGE = "dragoman-language"
SIGN_IN = "/sign-in"


@dataclass(frozen=True, slots=True)
class Ask:
    """One request for a page, by somebody who is signed in."""

    visitor: Visitor
    words: Words
    query: Mapping[str, str]
    form: Mapping[str, str]
    path: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class View:
    """What to show. template: without its ending."""

    template: str
    context: Mapping[str, Any] = field(default_factory=dict)


type Shown = View | Mapping[str, Any] | Streamed | Made
"""A page, data for a page's own script, an export, or a file."""
type Show = Callable[[Desk, Ask], Shown]


class FormError(ProxyError):
    """A form that was not made for this session."""

    code = "form"
    status = 403


class Site:
    """Makes pages of views."""

    def __init__(
        self, desk: Desk, gate: Gatekeeper, sessions: Sessions, provider: "IdentityProvider | None" = None
    ) -> None:
        self.desk, self.gate, self.sessions, self.provider = desk, gate, sessions, provider
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("proxy.console", "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["when"] = when
        self._templates.filters["codes"] = _codes
        self._templates.globals["languages"] = {code: words(code)("language") for code in LANGUAGES}

    def page(self, show: Show) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint of a view."""

        async def endpoint(request: Request) -> Response:
            try:
                session = self.session_of(request)
                visitor = await self.gate.again(session) if session is not None else None
                if session is None or visitor is None:
                    return _to_sign_in(request)
                return await self._answer(request, session, visitor, show)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                return self.failed(request, error, await self.visitor_of(request))

        return endpoint

    async def _answer(self, request: Request, session: Session, visitor: Visitor, show: Show) -> Response:
        try:
            form = await read_form(request) if request.method == "POST" else {}
            if request.method == "POST":
                same_origin(request)
                if not session.sent(form.get("form", "")):
                    raise FormError("the form is not of this session")
            path = {name: str(value) for name, value in request.path_params.items()}
            ask = Ask(visitor, self.words_for(request), dict(request.query_params), form, path)
            shown = await run_in_threadpool(show, self.desk, ask)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            return self.failed(request, error, visitor)
        if isinstance(shown, View):
            return self.render(request, shown.template, shown.context, visitor=visitor, session=session)
        if isinstance(shown, Streamed):
            return export_response(shown)
        if isinstance(shown, Made):
            return made_response(shown)
        return Response(orjson.dumps(shown), media_type="application/json")

    async def visitor_of(self, request: Request) -> Visitor | None:
        """Who looks at a page of an error: nobody counts it, and it is shown to whoever that is."""
        session = self.session_of(request)
        try:
            return None if session is None else await self.gate.still(session)
        except ProxyError:
            return None

    def session_of(self, request: Request) -> Session | None:
        """The session of a request's cookie."""
        cookie = request.cookies.get(SESSION, "")
        return self.sessions.find(cookie) if cookie else None

    def words_for(self, request: Request) -> Words:
        """The words of the language that was chosen, else of the one the browser likes best."""
        chosen = request.cookies.get(LANGUAGE, "")
        return words(chosen if chosen in LANGUAGES else preferred(request.headers.get("accept-language", "")))

    def render(
        self,
        request: Request,
        template: str,
        context: Mapping[str, Any],
        *,
        visitor: Visitor | None = None,
        session: Session | None = None,
        status: int = 200,
    ) -> HTMLResponse:
        """A page."""
        shown = {
            "t": self.words_for(request),
            "visitor": visitor,
            "rights": {str(right) for right in Right if visitor is not None and visitor.may(right)},
            "form_token": session.form if session is not None else "",
            "here": request.url.path,
            "back": urlencode({"to": _local(request)}),
            **context,
        }
        return HTMLResponse(self._templates.get_template(f"{template}.html").render(shown), status)

    def text(self, template: str, context: Mapping[str, Any]) -> str:
        """A piece of a page."""
        return self._templates.get_template(f"{template}.html").render(context)

    def failed(self, request: Request, error: Exception, visitor: Visitor | None) -> Response:
        """The page of an error."""
        status, _, _ = known(error) or (500, "", "")
        if known(error) is None:
            problem(error)  # leaves kind and place in the process's log
        t = self.words_for(request)
        context = {"text": _text(t, error)}
        answer = self.render(
            request, "error", context, visitor=visitor, session=self.session_of(request), status=status
        )
        answer.headers.update(retry_after(error) if status != 401 else {})
        return answer

    def open(self, answer: Response, given: str | Visitor, *, secure: bool) -> None:
        """Opens a session for a valid token, or for whom a provider named; the answer gets its cookie."""
        named = given if isinstance(given, Visitor) else None
        cookie = self.sessions.open("" if named is not None else str(given), named)
        answer.set_cookie(SESSION, cookie, httponly=True, samesite="strict", secure=secure, path="/")

    async def admit(self, token: str, request: Request) -> Visitor:
        """The visitor of a token that was typed in. Raises SignInError, TooManyError."""
        return await self.gate.admit(token, address_of(request))


def _text(t: Words, error: Exception) -> str:
    """An error in the words of a page."""
    if isinstance(error, ProxyError) and f"refusals.{error.code}" in t.texts:
        return t(f"refusals.{error.code}")
    if isinstance(error, TooManyError):
        return t("error.often", seconds=error.retry_after_s)
    if isinstance(error, InputError):
        return t("error.input", text=error.told(t))
    if isinstance(error, FormatError):
        return t("error.input", text="`{}`".format(error.message.replace("`", "'")))
    if isinstance(error, FormError):
        return t("error.form")
    if isinstance(error, RefusedError):
        return t("error.role")
    found = known(error)
    if found is None:
        return t("error.defect")
    status, code, text = found
    if code == "store_schema":
        return t("error.schema")
    said = {404: "error.not_found", 405: "error.not_found", 409: "policy.broken", 503: "error.log"}.get(status)
    return text if said is None else t(said)


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form. Raises FormatError for what is none."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise FormatError("a form was expected", code="media_type", status=415)
    whole = await read_body(request, "the form")
    try:
        return dict(parse_qsl(whole.decode("ascii"), keep_blank_values=True, max_num_fields=50))
    except ValueError:
        raise FormatError("the form cannot be read", code="input") from None


def same_origin(request: Request) -> None:
    """Raises FormError where a browser says that a request comes from another site."""
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site", "same-origin")
    if site != "same-origin" or (origin is not None and urlsplit(origin).netloc != request.headers.get("host")):
        raise FormError("the form comes from another site")


def _to_sign_in(request: Request) -> Response:
    to = _local(request) if request.method == "GET" else "/"
    ended = {"ended": "1"} if SESSION in request.cookies else {}
    answer = RedirectResponse(f"{SIGN_IN}?{urlencode({'to': to, **ended})}", 303)
    answer.delete_cookie(SESSION, path="/")
    return answer


def _local(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def local_path(given: str) -> str:
    """A path of this site, for going back to; never another site."""
    parts = urlsplit(given)
    fits = given.startswith("/") and not given.startswith("//") and not parts.netloc and given.isprintable()
    return given if fits and "\\" not in given else "/"


def _codes(text: str) -> Markup:
    """Words between backticks as code; everything is escaped."""
    parts = str(text).split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if position % 2 else escape(part) for position, part in enumerate(parts)
    )
