"""HTML: small functions that take text, escape it, and give back markup."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from html import escape
from pathlib import Path

from portico import HTMLResponse, HTTPException, Request, Response

__all__ = ("assets", "field", "page", "path_to", "rows", "size_text", "submit", "wants_html")

Handler = Callable[[Request], Awaitable[Response]]

# No script, no other host, no frame around us: what a page does not need is shut off.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
SCRIPT_POLICY = "; script-src 'self'; connect-src 'self'"
MEDIA_POLICY = "; media-src 'self'"
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",  # pages show who is signed in
    "vary": "accept, cookie",
}
NAVIGATION = (
    ("home", "Start"),
    ("notes", "Notes"),
    ("uploads", "Uploads"),
    ("shelf", "Shelf"),
    ("dashboard", "Dashboard"),
    ("chat", "Chat"),
    ("mirror", "Your request"),
    ("failures", "Errors"),
)

_HERE = Path(__file__).parent
_ASSETS = {
    "style.css": "text/css",
    "icon.svg": "image/svg+xml",
    "uploads.js": "text/javascript",
    "dashboard.js": "text/javascript",
    "chat.js": "text/javascript",
}


def _asset(file_name: str, media_type: str) -> Handler:
    content = (_HERE / file_name).read_bytes()

    async def asset(request: Request) -> Response:
        headers = {"cache-control": "public, max-age=300", "x-content-type-options": "nosniff"}
        return Response(content, headers=headers, media_type=media_type)

    return asset


assets = {name: _asset(name, media_type) for name, media_type in _ASSETS.items()}


def path_to(request: Request, name: str, **params: object) -> str:
    """Give the path of a route as a link needs it, under whatever prefix we are served."""
    return request.url_for(name, **params).raw_path


def wants_html(request: Request) -> bool:
    """Tell whether to answer a person, with HTML, or a program, with JSON."""
    offers = ("application/json", "text/html")
    best = request.accept.best_match(offers)
    if best is None:
        raise HTTPException.not_acceptable(f"This comes as {' or '.join(offers)}.")
    return best == "text/html"


def page(
    request: Request,
    title: str,
    body: str,
    *,
    status_code: int = 200,
    script: str = "",
    has_media: bool = False,
) -> HTMLResponse:
    """Put ``body`` (markup) into the frame that all pages have.

    ``script`` is the asset that the page runs; without it no script can run. Only with
    ``has_media`` can it play films.
    """
    policy = POLICY + SCRIPT_POLICY * bool(script) + MEDIA_POLICY * has_media
    scripts = f'<script src="{escape(path_to(request, script))}" defer></script>' if script else ""
    content = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)} · Portico showcase</title>
<link rel="icon" href="{escape(path_to(request, "icon.svg"))}">
<link rel="stylesheet" href="{escape(path_to(request, "style.css"))}">
{scripts}
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="bar">
<a class="brand" href="{escape(path_to(request, "home"))}">
<img src="{escape(path_to(request, "icon.svg"))}" alt="" width="28" height="28">Portico</a>
<nav aria-label="Main">{_navigation(request)}</nav>
{_account(request)}
</header>
<main id="main">
{body}
</main>
<footer>
Served by Portico over HTTP/{escape(request.http_version)}.
{"One small script" if script else "No script"}, no other host.
</footer>
</body>
</html>
"""
    return HTMLResponse(content, status_code, {"content-security-policy": policy, **HEADERS})


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


def size_text(size: int) -> str:
    """Say a number of bytes as people do.

    >>> size_text(1536)
    '1.5 KiB'
    """
    units = iter(("bytes", "KiB", "MiB", "GiB", "TiB"))
    unit, number = next(units), float(size)
    while number >= 1024:
        unit, number = next(units), number / 1024
    return f"{number:.4g} {unit}"


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
