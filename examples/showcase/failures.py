"""Errors on purpose, and how they look: the same pages that an accident gets."""

from __future__ import annotations

from html import escape
from secrets import token_urlsafe

from examples.showcase.pages import page, path_to
from portico import HTTPException, Request, Response, Router
from portico.errors import phrase

__all__ = ("error_page", "router")

router = Router()


@router.get("/errors", name="failures")
async def failures(request: Request) -> Response:
    crash, teapot = path_to(request, "crash"), path_to(request, "teapot")
    cases = (
        (f"{path_to(request, 'home')}no-such-page", "404", "A page that is not there"),
        (teapot, "418", "A handler that raises an HTTPException"),
        (f"{path_to(request, 'notes')}/0", "404", "A note that is not there"),
        (path_to(request, "sign_out"), "405", "A GET where only POST is possible"),
        (crash, "500", "A handler with a bug: no detail leaves, unless --debug is on"),
    )
    items = "".join(
        f'<li><a href="{escape(path)}"><b>{code}</b><span>{escape(text)}</span></a></li>'
        for path, code, text in cases
    )
    body = f"""<h1>Errors</h1>
<p>Each link answers with an error. A browser gets a page, <code>curl</code> a problem document
(RFC 9457): what the client says it takes decides.</p>
<ul class="cases">{items}</ul>
<pre><code>curl -i {escape(str(request.url_for("teapot")))}</code></pre>"""
    return page(request, "Errors", body)


@router.get("/crash", name="crash")
async def crash(request: Request) -> Response:
    password = token_urlsafe()  # the debug page shows local variables, but not those named so
    raise RuntimeError(f"this handler has a bug, and knows {len(password)} secret characters")


@router.get("/teapot", name="teapot")
async def teapot(request: Request) -> Response:
    raise HTTPException.im_a_teapot("Coffee is brewed elsewhere.")


def error_page(request: Request, status_code: int, detail: str = "") -> Response:
    """Show a status and what is known about it."""
    title = phrase(status_code)
    text = f"<p>{escape(detail)}</p>" if detail and detail != title else ""
    body = f"""<section class="narrow failure">
<p class="code" aria-hidden="true">{status_code}</p>
<h1>{escape(title)}</h1>
{text}
<p><a href="{escape(path_to(request, "home"))}">Back to the start</a></p>
</section>"""
    return page(request, title, body, status_code=status_code)
