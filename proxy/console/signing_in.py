"""Signing in and out, and the choice of a language."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from proxy.console.access import SignInError
from proxy.console.language import LANGUAGES
from proxy.console.problems import TooManyError
from proxy.console.site import LANGUAGE, SESSION, SIGN_IN, Site, local_path, read_form, same_origin
from proxy.errors import ProxyError

YEAR_S = 365 * 86_400


class SigningIn:
    """The pages that need no session."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, request: Request) -> Response:
        """The form."""
        ended = "sign_in.ended" if "ended" in request.query_params else ""
        return self._form(request, local_path(request.query_params.get("to", "/")), ended)

    async def sign_in(self, request: Request) -> Response:
        """Opens a session for a valid token."""
        try:
            same_origin(request)
            form = await read_form(request)
        except ProxyError as error:
            return self._site.failed(request, error, None)
        to, token = local_path(form.get("to", "/")), form.get("token", "").strip()
        try:
            await self._site.admit(token, request)
        except SignInError:
            return self._form(request, to, "sign_in.wrong", status=401)
        except TooManyError as error:
            answer = self._form(request, to, "sign_in.often", seconds=error.retry_after_s, status=429)
            answer.headers["retry-after"] = str(error.retry_after_s)
            return answer
        self._site.sessions.close(request.cookies.get(SESSION, ""))
        answer = RedirectResponse(to, 303)
        # Behind a proxy that speaks TLS only the browser's own word says so.
        self._site.open(answer, token, secure=request.headers.get("origin", "").startswith("https://"))
        return answer

    async def sign_out(self, request: Request) -> Response:
        """Ends the session."""
        session = self._site.session_of(request)
        try:
            same_origin(request)
            form = await read_form(request)
        except ProxyError as error:
            return self._site.failed(request, error, None)
        answer = RedirectResponse(SIGN_IN, 303)
        if session is not None and session.sent(form.get("form", "")):
            self._site.sessions.close(request.cookies.get(SESSION, ""))
            answer.delete_cookie(SESSION, path="/")
        return answer

    async def language(self, request: Request) -> Response:
        """Remembers a language and goes back."""
        answer = RedirectResponse(local_path(request.query_params.get("to", "/")), 303)
        code = request.path_params["code"]
        if code in LANGUAGES:
            answer.set_cookie(LANGUAGE, code, max_age=YEAR_S, httponly=True, samesite="strict", path="/")
        return answer

    def _form(self, request: Request, to: str, said: str, *, status: int = 200, seconds: int = 0) -> Response:
        t = self._site.words_for(request)
        text = "" if not said else t(said, seconds=seconds) if seconds else t(said)
        oidc = "" if self._site.provider is None else f"{SIGN_IN}/oidc?{urlencode({'to': to})}"
        context = {
            "to": to,
            "oidc": oidc,
            "said": text,
            "wrong": status != 200,
            "back": urlencode({"to": f"{SIGN_IN}?to={to}"}),
        }
        return self._site.render(request, "sign_in", context, status=status)
