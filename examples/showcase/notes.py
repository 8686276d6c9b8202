"""One resource, two representations: notes as HTML for people and as JSON for programs.

================ ================================== ===========================
what             a browser                          a program
================ ================================== ===========================
list             GET /notes                         GET /notes
create           POST /notes (a form)               POST /notes (JSON)
read             GET /notes/1                       GET /notes/1
edit             GET /notes/1/edit, POST /notes/1   PUT /notes/1
delete           POST /notes/1/delete               DELETE /notes/1
================ ================================== ===========================

The path names the note; Accept says how to show it, Content-Type what was sent. Everybody
reads, whoever is signed in writes. Notes live in memory, at most ``MAX_NOTES`` of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from itertools import count
from typing import Annotated

import msgspec

from examples.showcase.accounts import require_user
from examples.showcase.forms import is_form, read_form
from examples.showcase.pages import field, page, path_to, submit, wants_html
from portico import HTTPException, JSONResponse, RedirectResponse, Request, Response, Router

__all__ = ("router",)

MAX_TITLE = 80
MAX_TEXT = 2000
MAX_NOTES = 200


class Draft(msgspec.Struct, forbid_unknown_fields=True):
    """What a client may say of a note; JSON that does not fit is answered with 422."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TITLE)]
    text: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)] = ""


class Note(msgspec.Struct, frozen=True):
    id: int
    title: str
    text: str
    author: str
    changed: datetime


router = Router()
_ids = count(1)
_notes: dict[int, Note] = {}


def _save(draft: Draft, author: str, note_id: int | None = None) -> Note:
    if note_id is None:
        if len(_notes) >= MAX_NOTES:
            raise HTTPException.conflict(f"There are {MAX_NOTES} notes already; delete one first.")
        note_id = next(_ids)
    note = Note(note_id, draft.title, draft.text, author, datetime.now(UTC))
    _notes[note_id] = note
    return note


_save(Draft("Welcome", "Everybody can read this note.\nSign in to write one of your own."), "demo")


@router.get("/notes", name="notes")
async def list_notes(request: Request) -> Response:
    if wants_html(request):
        return _list_page(request)
    return _as_json(list(_notes.values()))


@router.post("/notes")
async def create_note(request: Request) -> Response:
    author = require_user(request)
    if not is_form(request):
        note = _save(await request.json(Draft), author)
        return _as_json(note, 201, location=path_to(request, "note", note_id=note.id))
    title, text, faults = _checked(await read_form(request))
    if faults:
        return _list_page(request, title=title, text=text, faults=faults)
    note = _save(Draft(title, text), author)
    # 303: the browser GETs what comes next, so that reloading it writes nothing again.
    return RedirectResponse(path_to(request, "note", note_id=note.id), 303)


@router.get("/notes/{note_id:int}", name="note")
async def show_note(request: Request, note_id: int) -> Response:
    note = _find(note_id)
    if not wants_html(request):
        return _as_json(note)
    return page(request, note.title, _note(request, note, heading="h1", with_forms=True))


@router.put("/notes/{note_id:int}")
async def replace_note(request: Request, note_id: int) -> Response:
    author = require_user(request)
    _find(note_id)
    return _as_json(_save(await request.json(Draft), author, note_id))


@router.delete("/notes/{note_id:int}")
async def delete_note(request: Request, note_id: int) -> tuple[int, None]:
    require_user(request)
    _find(note_id)
    del _notes[note_id]
    return 204, None


@router.get("/notes/{note_id:int}/edit", name="edit_note")
async def edit_note(request: Request, note_id: int) -> Response:
    require_user(request)
    note = _find(note_id)
    return _edit_page(request, note_id, title=note.title, text=note.text)


@router.post("/notes/{note_id:int}")
async def save_note(request: Request, note_id: int) -> Response:
    author = require_user(request)
    _find(note_id)
    title, text, faults = _checked(await read_form(request))
    if faults:
        return _edit_page(request, note_id, title=title, text=text, faults=faults)
    _save(Draft(title, text), author, note_id)
    return RedirectResponse(path_to(request, "note", note_id=note_id), 303)


@router.post("/notes/{note_id:int}/delete", name="drop_note")
async def drop_note(request: Request, note_id: int) -> Response:
    await delete_note(request, note_id)
    return RedirectResponse(path_to(request, "notes"), 303)


def _find(note_id: int) -> Note:
    try:
        return _notes[note_id]
    except KeyError:
        raise HTTPException.not_found("There is no such note.") from None


def _as_json(value: object, status_code: int = 200, **headers: str) -> Response:
    return JSONResponse(
        value, status_code, {"vary": "accept", "cache-control": "no-cache", **headers}
    )


def _checked(form: Mapping[str, str]) -> tuple[str, str, dict[str, str]]:
    """Take title and text from a form, with what is wrong with them in words for people."""
    title = form.get("title", "").strip()
    text = form.get("text", "").replace("\r\n", "\n")  # forms send CRLF (HTML 4.10.21.4)
    faults: dict[str, str] = {}
    if not title:
        faults["title"] = "A note needs a title."
    elif len(title) > MAX_TITLE:
        faults["title"] = f"At most {MAX_TITLE} characters; this has {len(title)}."
    if len(text) > MAX_TEXT:
        faults["text"] = f"At most {MAX_TEXT} characters; this has {len(text)}."
    return title, text, faults


def _list_page(
    request: Request, *, title: str = "", text: str = "", faults: Mapping[str, str] | None = None
) -> Response:
    user: str | None = request.scope.get("user")
    if user is None:
        door = escape(path_to(request, "sign_in"))
        writing = f'<p class="panel">You can read. <a href="{door}">Sign in</a> to write.</p>'
    else:
        form = _form(path_to(request, "notes"), "Add the note", title, text, faults or {})
        writing = f'<section aria-labelledby="new"><h2 id="new">A new note</h2>{form}</section>'
    newest = sorted(_notes.values(), key=lambda note: note.changed, reverse=True)
    listed = "".join(_note(request, note) for note in newest) or "<p>There are no notes.</p>"
    address = escape(str(request.url_for("notes")))
    body = f"""<h1>Notes</h1>
<p>The same address gives JSON to a program: <code>curl {address}</code></p>
<div class="columns">
<section class="list" aria-label="All notes">{listed}</section>
{writing}
</div>"""
    return page(request, "Notes", body, status_code=422 if faults else 200)


def _edit_page(
    request: Request,
    note_id: int,
    *,
    title: str,
    text: str,
    faults: Mapping[str, str] | None = None,
) -> Response:
    action = path_to(request, "note", note_id=note_id)
    form = _form(action, "Save", title, text, faults or {})
    body = f"""<section class="narrow"><h1>Edit a note</h1>{form}
<p><a href="{escape(action)}">Back without saving</a></p></section>"""
    return page(request, "Edit a note", body, status_code=422 if faults else 200)


def _form(action: str, label: str, title: str, text: str, faults: Mapping[str, str]) -> str:
    # The browser is not told the limits, so that the showcase shows the server's answer.
    return f"""<form class="panel" method="post" action="{escape(action)}">
{field("title", "Title", value=title, fault=faults.get("title", ""), autocomplete="off")}
{field("text", "Text", value=text, fault=faults.get("text", ""), rows="5")}
<button class="strong">{escape(label)}</button>
</form>"""


def _note(request: Request, note: Note, *, heading: str = "h2", with_forms: bool = False) -> str:
    path = path_to(request, "note", note_id=note.id)
    title = escape(note.title)
    if not with_forms:
        title = f'<a href="{escape(path)}">{title}</a>'
    actions = ""
    if with_forms and request.scope.get("user") is not None:
        edit = escape(path_to(request, "edit_note", note_id=note.id))
        drop = submit("Delete", path_to(request, "drop_note", note_id=note.id), kind="danger")
        actions = f'<div class="actions"><a class="button" href="{edit}">Edit</a>{drop}</div>'
    when, shown = note.changed.isoformat(timespec="seconds"), f"{note.changed:%Y-%m-%d %H:%M} UTC"
    return f"""<article class="note"><{heading}>{title}</{heading}>
<p class="text">{escape(note.text)}</p>
<p class="meta">{escape(note.author)}, <time datetime="{when}">{shown}</time></p>
{actions}</article>"""
