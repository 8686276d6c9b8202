"""Signing in and out, with tokens that the server keeps.

The cookie is a random token and nothing else; who it stands for is known here alone, so
signing out ends it everywhere. One process, one table: a restart signs everybody out.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from html import escape

from examples.showcase.forms import read_form
from examples.showcase.pages import field, page, path_to
from portico import HTTPConnection, HTTPException, RedirectResponse, Request, Response, Router

__all__ = ("require_user", "router", "user_of")

PASSWORDS: Mapping[str, str] = {"demo": "demo"}  # shown on the page; a real one keeps hashes
LIFETIME_S = 8 * 60 * 60
MAX_TOKENS = 1000

router = Router()
_tokens: dict[str, tuple[str, float]] = {}  # token -> user, when it ends


def user_of(connection: HTTPConnection) -> str | None:
    """Find out who sent the request, or opened the websocket; ``None`` if nobody is signed in."""
    token = connection.cookies.get(_cookie_name(connection), "")
    user, ends = _tokens.get(token, (None, 0.0))
    return user if time.monotonic() < ends else None


def require_user(request: Request) -> str:
    """Give the signed-in user, or refuse: 403, because a browser has no dialog for our sign-in."""
    user: str | None = request.scope.get("user")
    if user is None:
        raise HTTPException.forbidden("Sign in first.")
    return user


@router.get("/sign-in", name="sign_in")
async def show_sign_in(request: Request) -> Response:
    return _sign_in_page(request)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    form = await read_form(request)
    name, password = form.get("name", ""), form.get("password", "")
    # The same work whether or not the name exists, so that time does not tell.
    expected = PASSWORDS.get(name, secrets.token_urlsafe())
    if not secrets.compare_digest(password.encode(), expected.encode()):
        return _sign_in_page(request, name=name, fault="This name and password do not match.")
    _forget(request)  # a token from before signing in is never kept
    while len(_tokens) >= MAX_TOKENS:
        _tokens.pop(next(iter(_tokens)))  # the oldest
    token = secrets.token_urlsafe()
    _tokens[token] = name, time.monotonic() + LIFETIME_S
    response = RedirectResponse(path_to(request, "notes"), 303)
    response.set_cookie(
        _cookie_name(request),
        token,
        max_age=LIFETIME_S,
        httponly=True,
        samesite="lax",
        secure=request.scheme == "https",
    )
    return response


@router.post("/sign-out", name="sign_out")
async def sign_out(request: Request) -> Response:
    _forget(request)
    response = RedirectResponse(path_to(request, "home"), 303)
    response.delete_cookie(_cookie_name(request), secure=request.scheme == "https", httponly=True)
    return response


def _cookie_name(connection: HTTPConnection) -> str:
    # The prefix makes browsers hold the cookie to this host; they take it over https alone.
    is_secure = connection.scheme in {"https", "wss"}
    return "__Host-showcase" if is_secure else "showcase"


def _forget(request: Request) -> None:
    _tokens.pop(request.cookies.get(_cookie_name(request), ""), None)


def _sign_in_page(request: Request, *, name: str = "", fault: str = "") -> Response:
    alert = f'<p class="alert" role="alert">{escape(fault)}</p>' if fault else ""
    body = f"""<section class="narrow">
<h1>Sign in</h1>
<p>The name is <kbd>demo</kbd>, the password is <kbd>demo</kbd>.</p>
{alert}
<form class="panel" method="post" action="{escape(path_to(request, "sign_in"))}">
{field("name", "Name", value=name, autocomplete="username", required="")}
{field("password", "Password", type="password", autocomplete="current-password", required="")}
<button class="strong">Sign in</button>
</form>
</section>"""
    return page(request, "Sign in", body, status_code=422 if fault else 200)
