"""Uploads of any size: each part of a form is read as it arrives, and nothing of it is kept.

``request.multipart()`` gives the parts one after the other, in pieces. They are counted and hashed
here, so that the memory of the server stays what it was. A page's script shows the progress; the
form works without it. Files that are to stay go to the shelf.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from html import escape

import msgspec

from examples.showcase.pages import page, path_to, size_text, wants_html
from portico import FormLimits, JSONResponse, Request, Response, Router

__all__ = ("router", "upload_form")

MAX_BYTES = 64 * 1024**3
LIMITS = FormLimits(fields=20, files=20)
IDLE_S = 30.0

router = Router()


class Received(msgspec.Struct):
    """What came in one part."""

    name: str
    filename: str | None
    content_type: str | None
    size: int
    sha256: str


@router.get("/uploads", name="uploads")
async def show_uploads(request: Request) -> Response:
    return _page(request)


@router.post("/uploads", body_idle_timeout=IDLE_S)
async def measure(request: Request) -> Response:
    found: list[Received] = []
    async for part in request.multipart(LIMITS, max_bytes=MAX_BYTES):
        size, digest = 0, sha256()
        async for chunk in part:
            size += len(chunk)
            digest.update(chunk)
        kind = None if part.content_type is None else part.content_type.essence
        found.append(Received(part.name, part.filename, kind, size, digest.hexdigest()))
    if wants_html(request):
        return _page(request, found)
    return JSONResponse(found, headers={"cache-control": "no-store", "vary": "accept"})


def upload_form(action: str, label: str, hint: str, *, then: str = "") -> str:
    """Make a form for files, by choice or by drag and drop.

    With the script it shows progress, and what came of it in the element ``received`` of the page,
    or by going on to ``then``.
    """
    return f"""<form class="panel drop" method="post" action="{escape(action)}"
enctype="multipart/form-data" data-upload data-then="{escape(then)}">
<div class="field">
<label for="files">Files</label>
<input type="file" id="files" name="files" multiple required aria-describedby="files-hint">
<p class="hint" id="files-hint">{escape(hint)}</p>
</div>
<div class="actions">
<button class="strong">{escape(label)}</button>
<button type="button" data-cancel hidden>Cancel</button>
</div>
<progress max="100" value="0" aria-label="Sent" hidden></progress>
<p class="status" role="status"></p>
</form>"""


def _page(request: Request, found: Iterable[Received] | None = None) -> Response:
    form = upload_form(
        path_to(request, "uploads"),
        "Send",
        "Choose some, or drop them here. They are counted and hashed, and not kept.",
    )
    lines = "".join(_row(received) for received in found or ())
    hidden = " hidden" if found is None else ""
    address = escape(str(request.url_for("uploads")))
    shelf = escape(path_to(request, "shelf"))
    body = f"""<h1>Uploads</h1>
<p>A file of any size, up to {size_text(MAX_BYTES)}: it is read as it arrives, no faster than the
server works. Its memory stays what it is; the <a
href="{escape(path_to(request, "dashboard"))}">dashboard</a> shows it. Files that are to stay go
to the <a href="{shelf}">shelf</a>.</p>
{form}
<div class="scroll" id="received"{hidden}><table><caption>What arrived</caption>
<thead><tr><th scope="col">File</th><th scope="col">Size</th><th scope="col">SHA-256</th></tr>
</thead>
<tbody>{lines}</tbody></table></div>
<pre><code>truncate -s 2G big
curl -F file=@big {address}
sha256sum big</code></pre>"""
    return page(request, "Uploads", body, script="uploads.js")


def _row(received: Received) -> str:
    name = received.filename or received.name
    return (
        f"<tr><td>{escape(name)}</td><td>{size_text(received.size)}</td>"
        f"<td><code>{received.sha256}</code></td></tr>"
    )
