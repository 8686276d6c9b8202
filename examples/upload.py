"""Uploads: a form with files that closes them by itself, and one file streamed to disk.

portico run examples.upload:app
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from uuid import uuid4

import msgspec

from portico import App, FormLimits, HTMLResponse, HTTPException, Request, UploadFile

KEPT = Path(tempfile.gettempdir()) / "portico-uploads"

app = App(form_limits=FormLimits(files=5), body_idle_timeout=30)


class Album(msgspec.Struct):
    title: str
    photos: list[UploadFile] = []


@app.get("/")
async def page(request: Request) -> HTMLResponse:
    return HTMLResponse(
        """<!doctype html><title>Album</title><form method="post" enctype="multipart/form-data">
        <input name="title" required> <input type="file" name="photos" multiple>
        <button>Send</button></form>"""
    )


@app.post("/", max_body_bytes=20 * 1024 * 1024)
async def add(request: Request) -> dict[str, object]:
    album = await request.form(type=Album)  # 422 if the title is missing
    return {"title": album.title, "photos": [photo.size for photo in album.photos]}


@app.post("/large")
async def large(request: Request) -> tuple[int, dict[str, object]]:
    """Take one file of any size; nothing of it is held in memory."""
    async for part in request.multipart():
        if part.filename is not None:
            KEPT.mkdir(exist_ok=True)
            path = KEPT / uuid4().hex  # a name of ours: the client's may be anything
            return 201, {"id": path.name, "bytes": await part.save_to(path, max_bytes=2**31)}
    raise HTTPException(400, "there was no file")
