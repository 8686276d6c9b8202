"""A shelf for files: list, upload, download, resume, watch, delete.

Files come as a form that is read whole (``request.form()``): small ones in memory, larger ones on
disk, all of them or none. They leave as ``FileResponse``, which answers ranges and conditions:
``curl -C -`` goes on where it stopped, and a film plays from anywhere.

Nothing that a visitor brought can act in a browser: it is a download (``attachment``) of a type in
which nothing runs, which browsers may not guess anew (``nosniff``), in a ``sandbox``.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from examples.showcase.accounts import require_user
from examples.showcase.pages import page, path_to, size_text, submit, wants_html
from examples.showcase.storage import MAX_ITEMS, MAX_SHELF_BYTES, Item, Shelf
from examples.showcase.uploads import IDLE_S, upload_form
from portico import (
    FileResponse,
    FormLimits,
    HTTPException,
    JSONResponse,
    RedirectResponse,
    Request,
    Response,
    Router,
    UploadFile,
)

__all__ = ("router",)

MAX_UPLOAD_BYTES = 64 * 1024 * 1024
LIMITS = FormLimits(fields=0, files=20, spool_bytes=256 * 1024)
FILM = Path(__file__).with_name("film.webm")
HEADERS = {
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "private, no-cache",
}

router = Router()


@router.get("/shelf", name="shelf")
async def list_files(request: Request) -> Response:
    shelf = _shelf(request)
    return _page(request, shelf) if wants_html(request) else _as_json([*shelf])


@router.post(
    "/shelf", form_limits=LIMITS, max_body_bytes=MAX_UPLOAD_BYTES, body_idle_timeout=IDLE_S
)
async def put_files(request: Request) -> Response:
    require_user(request)
    async with request.form() as form:
        # A form without a choice sends a file that has no name and nothing in it (HTML 4.10.21.4).
        files = [file for file in form.values() if isinstance(file, UploadFile) and file.filename]
        if not files:
            raise HTTPException.unprocessable_content("Choose a file first.")
        items = await _shelf(request).add(files)
    if wants_html(request):
        return RedirectResponse(path_to(request, "shelf"), 303)
    return _as_json(items, 201)


@router.get("/shelf/film.webm", name="film")
async def film(request: Request) -> Response:
    return FileResponse(FILM, headers={**HEADERS, "cache-control": "public, max-age=300"})


@router.get("/shelf/{item_id}", name="shelf_item")
async def download(request: Request, item_id: str) -> Response:
    shelf = _shelf(request)
    item = shelf.find(item_id)
    return FileResponse(
        shelf.path(item), headers=HEADERS, media_type=item.media_type, filename=item.name
    )


@router.delete("/shelf/{item_id}")
async def delete_file(request: Request, item_id: str) -> tuple[int, None]:
    require_user(request)
    shelf = _shelf(request)
    shelf.remove(shelf.find(item_id))
    return 204, None


@router.post("/shelf/{item_id}/delete", name="drop_item")
async def drop_file(request: Request, item_id: str) -> Response:
    await delete_file(request, item_id)
    return RedirectResponse(path_to(request, "shelf"), 303)


def _shelf(request: Request) -> Shelf:
    shelf: Shelf = request.state["shelf"]
    return shelf


def _as_json(value: object, status_code: int = 200) -> Response:
    return JSONResponse(value, status_code, {"vary": "accept", "cache-control": "no-cache"})


def _page(request: Request, shelf: Shelf) -> Response:
    if request.scope.get("user") is None:
        door = escape(path_to(request, "sign_in"))
        writing = f'<p class="panel">You can download. <a href="{door}">Sign in</a> to upload.</p>'
    else:
        path = path_to(request, "shelf")
        hint = f"Choose some, or drop them here: up to {size_text(MAX_UPLOAD_BYTES)} at once."
        form = upload_form(path, "Put on the shelf", hint, then=path)
        writing = f'<section aria-labelledby="new"><h2 id="new">New files</h2>{form}</section>'
    listed = "".join(_item(request, item) for item in shelf) or "<p>The shelf is empty.</p>"
    address = escape(str(request.url_for("film")))
    body = f"""<h1>Shelf</h1>
<p>Files on disk, whole or in ranges: a download goes on where it stopped, and a film plays from
anywhere. There is room for {MAX_ITEMS} files, {size_text(MAX_SHELF_BYTES)} together, until the
server stops; {size_text(shelf.size)} are taken.</p>
<div class="columns">
<section class="list" aria-label="All files">
<article class="note"><h2>A film of our own</h2>
<video controls muted preload="metadata" width="320" height="180" aria-label="A film of our own"
src="{escape(path_to(request, "film"))}"></video>
<p class="meta">Twelve seconds, no sound. Drag its slider: the browser asks for a range.</p>
</article>
{listed}
</section>
{writing}
</div>
<pre><code>curl -r 0-99 -o film {address}
curl -C - -o film {address}</code></pre>"""
    return page(request, "Shelf", body, script="uploads.js", has_media=True)


def _item(request: Request, item: Item) -> str:
    path = escape(path_to(request, "shelf_item", item_id=item.id))
    name = escape(item.name)
    player, actions = "", f'<a class="button" href="{path}" download>Download</a>'
    if item.media_type.startswith("video/"):
        player = f'<video controls preload="none" aria-label="{name}" src="{path}"></video>'
    if request.scope.get("user") is not None:
        drop = path_to(request, "drop_item", item_id=item.id)
        actions += submit("Delete", drop, kind="danger")
    when, shown = item.added.isoformat(timespec="seconds"), f"{item.added:%Y-%m-%d %H:%M} UTC"
    return f"""<article class="note"><h2><bdi>{name}</bdi></h2>{player}
<p class="meta">{size_text(item.size)}, {escape(item.media_type)}, <time
datetime="{when}">{shown}</time></p>
<div class="actions">{actions}</div></article>"""
