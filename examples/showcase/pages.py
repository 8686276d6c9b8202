"""HTML: small functions that take text, escape it, and give back markup."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path

from portico import HTMLResponse, Request, Response

__all__ = ("assets", "field", "page", "path_to", "rows", "submit")

# No script at all, no other host, no frame around us: what the page does not need is shut off.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",  # pages show who is signed in
    "vary": "accept, cookie",
}
NAVIGATION = (
    ("home", "Start"),
    ("notes", "Notes"),
    ("mirror", "Your request"),
    ("failures", "Errors"),
)

_HERE = Path(__file__).parent
_STYLE = (_HERE / "style.css").read_bytes()
_ICON = (_HERE / "icon.svg").read_bytes()


async def style(request: Request) -> Response:
    return _asset(_STYLE, "text/css")


async def icon(request: Request) -> Response:
    return _asset(_ICON, "image/svg+xml")


def _asset(content: bytes, media_type: str) -> Response:
    headers = {"cache-control": "public, max-age=300", "x-content-type-options": "nosniff"}
    return Response(content, headers=headers, media_type=media_type)


assets = {"/style.css": ("style", style), "/icon.svg": ("icon", icon)}


def path_to(request: Request, name: str, **params: object) -> str:
    """Give the path of a route as a link needs it, under whatever prefix we are served."""
    return request.url_for(name, **params).raw_path


def page(request: Request, title: str, body: str, *, status_code: int = 200) -> HTMLResponse:
    """Put ``body`` (markup) into the frame that all pages have."""
    content = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)} · Portico showcase</title>
<link rel="icon" href="{escape(path_to(request, "icon"))}">
<link rel="stylesheet" href="{escape(path_to(request, "style"))}">
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="bar">
<a class="brand" href="{escape(path_to(request, "home"))}">
<img src="{escape(path_to(request, "icon"))}" alt="" width="28" height="28">Portico</a>
<nav aria-label="Main">{_navigation(request)}</nav>
{_account(request)}
</header>
<main id="main">
{body}
</main>
<footer>
Served by Portico over HTTP/{escape(request.http_version)}. No script, no other host.
</footer>
</body>
</html>
"""
    return HTMLResponse(content, status_code, HEADERS)


def field(
    name: str, label: str, *, value: str = "", fault: str = "", hint: str = "", **attributes: str
) -> str:
    """Make a labelled input, or a textarea if ``rows`` is among the attributes."""
    notes = [(f"{name}-hint", "hint", hint), (f"{name}-fault", "fault", fault)]
    shown = [(key, kind, text) for key, kind, text in notes if text]
    attributes = {"id": name, "name": name, **attributes}
    if shown:
        attributes["aria-describedby"] = " ".join(key for key, _, _ in shown)
    if fault:
        attributes["aria-invalid"] = "true"
    if "rows" in attributes:
        # The line break right after <textarea> is not part of the text.
        control = f"<textarea{_attributes(attributes)}>\n{escape(value)}</textarea>"
    else:
        control = f"<input{_attributes({**attributes, 'value': value})}>"
    below = "".join(
        f'<p class="{kind}" id="{escape(key)}">{escape(text)}</p>' for key, kind, text in shown
    )
    named = f'<label for="{escape(name)}">{escape(label)}</label>'
    return f'<div class="field">{named}{control}{below}</div>'


def submit(label: str, action: str, *, kind: str = "plain") -> str:
    """Make a form that is one button."""
    button = f'<button class="{escape(kind)}">{escape(label)}</button>'
    return f'<form method="post" action="{escape(action)}">{button}</form>'


def rows(caption: str, pairs: Iterable[tuple[str, str]]) -> str:
    """Make a table of names and values."""
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in pairs
    )
    return f'<div class="scroll"><table><caption>{escape(caption)}</caption>{lines}</table></div>'


def _attributes(attributes: dict[str, str]) -> str:
    return "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())


def _navigation(request: Request) -> str:
    here = request.path.rstrip("/") or "/"
    links: list[str] = []
    for name, label in NAVIGATION:
        path = path_to(request, name)
        below = path.removeprefix(request.root_path) or "/"
        is_here = here == below or (below != "/" and here.startswith(f"{below}/"))
        current = ' aria-current="page"' if is_here else ""
        links.append(f'<a href="{escape(path)}"{current}>{escape(label)}</a>')
    return "".join(links)


def _account(request: Request) -> str:
    user: str | None = request.scope.get("user")
    if user is None:
        return f'<a class="account" href="{escape(path_to(request, "sign_in"))}">Sign in</a>'
    button = submit("Sign out", path_to(request, "sign_out"), kind="quiet")
    return f'<div class="account"><span>{escape(user)}</span>{button}</div>'
