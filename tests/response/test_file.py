"""FileResponse: what it says of itself, and what it answers."""

from __future__ import annotations

import os
from email import message_from_bytes, policy
from http import HTTPStatus
from pathlib import Path

import pytest

from portico import App, FileResponse, Misuse, Request, Response
from portico.http.dates import format_date
from portico.response.file import _Path
from portico.routing.endpoint import CallNext
from tests.drive import Reply, call, drive, http_scope, websocket_scope

pytestmark = pytest.mark.anyio

CONTENT = bytes(range(256)) * 4


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "data.bin"
    path.write_bytes(CONTENT)
    os.utime(path, (1_000_000_000.5, 1_000_000_000.5))
    return path


async def get(path: Path, method: str = "GET", **headers: str) -> Reply:
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return await call(FileResponse(path), method, headers=fields)


async def test_the_whole(path: Path) -> None:
    reply = await get(path)
    assert (reply.status, reply.body) == (200, CONTENT)
    assert reply.headers == {
        "content-type": "application/octet-stream",
        "accept-ranges": "bytes",
        "last-modified": format_date(1_000_000_000),
        "etag": reply.headers["etag"],
        "content-length": "1024",
    }


async def test_head_has_the_fields_of_get(path: Path) -> None:
    reply = await get(path, "HEAD")
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers == (await get(path)).headers


async def test_a_range(path: Path) -> None:
    reply = await get(path, range="bytes=-4")
    assert (reply.status, reply.body) == (206, CONTENT[-4:])
    whole = (await get(path)).headers
    assert reply.headers == whole | {
        "content-range": "bytes 1020-1023/1024",
        "content-length": "4",
    }


async def test_several_ranges(path: Path) -> None:
    reply = await get(path, range="bytes=0-1,1022-,1500-")
    assert reply.status == 206
    head = f"content-type: {reply.headers['content-type']}\r\n\r\n".encode()
    message = message_from_bytes(head + reply.body, policy=policy.HTTP)
    parts = [part.get_payload(decode=True) for part in message.iter_parts()]
    assert parts == [CONTENT[:2], CONTENT[-2:]]
    assert "content-range" not in reply.headers


async def test_each_answer_has_a_boundary_of_its_own(path: Path) -> None:
    replies = [await get(path, range="bytes=0-1,5-6") for _ in range(2)]
    assert replies[0].headers["content-type"] != replies[1].headers["content-type"]


async def test_a_range_behind_the_end(path: Path) -> None:
    reply = await get(path, range="bytes=1024-")
    assert (reply.status, reply.headers["content-range"]) == (416, "bytes */1024")
    assert reply.json()["status"] == 416


async def test_not_modified(path: Path) -> None:
    etag = (await get(path)).headers["etag"]
    reply = await get(path, if_none_match=etag)
    assert (reply.status, reply.body, reply.headers["etag"]) == (304, b"", etag)
    assert "content-length" not in reply.headers
    assert (await get(path, if_modified_since=format_date(1_000_000_000))).status == 304


async def test_precondition_failed(path: Path) -> None:
    reply = await get(path, if_match='"other"')
    assert (reply.status, reply.json()["status"]) == (412, 412)


@pytest.mark.parametrize("changed", ["content", "time", "file"])
async def test_the_tag_changes_with_the_file(path: Path, changed: str) -> None:
    before = (await get(path)).headers["etag"]
    if changed == "content":
        path.write_bytes(CONTENT[::-1])
    elif changed == "time":
        os.utime(path, (1_000_000_000.6, 1_000_000_000.6))
    else:  # another file of the same size and time takes its place
        other = path.with_suffix(".new")
        other.write_bytes(CONTENT[::-1])
        os.utime(other, (1_000_000_000.5, 1_000_000_000.5))
        other.replace(path)
    reply = await get(path, if_none_match=before)
    assert reply.status == 200
    assert not reply.headers["etag"].startswith("W/")


async def test_validators_of_your_own(path: Path) -> None:
    date = format_date(784111777)
    response = FileResponse(path, headers={"etag": '"v1"', "last-modified": date})
    reply = await call(response)
    assert (reply.getall("etag"), reply.getall("last-modified")) == (['"v1"'], [date])
    assert (await call(response, headers=[("if-none-match", '"v1"')])).status == 304
    assert (await call(response, headers=[("if-modified-since", date)])).status == 304


async def test_a_date_of_your_own_that_is_none(path: Path) -> None:
    response = FileResponse(path, headers={"last-modified": "long ago"})
    fields = [("if-modified-since", format_date(2_000_000_000))]
    assert (await call(response, headers=fields)).status == 200


@pytest.mark.parametrize(
    ("status", "method"), [(404, "GET"), (HTTPStatus.CREATED, "GET"), (200, "POST")]
)
async def test_other_answers_are_whole(path: Path, status: int, method: str) -> None:
    response = FileResponse(path, status)
    fields = [("range", "bytes=0-1"), ("if-none-match", "*")]
    reply = await call(response, method, headers=fields)
    assert (reply.status, reply.body) == (status, CONTENT)
    assert reply.headers == {
        "content-type": "application/octet-stream",
        "content-length": "1024",
    }


async def test_another_status_and_head(path: Path) -> None:
    reply = await call(FileResponse(path, 404), "HEAD")
    assert (reply.status, reply.body, reply.headers["content-length"]) == (404, b"", "1024")


async def test_an_empty_file(path: Path) -> None:
    path.write_bytes(b"")
    reply = await get(path)
    assert (reply.status, reply.body, reply.headers["content-length"]) == (200, b"", "0")
    assert (await get(path, range="bytes=0-")).status == 416


@pytest.mark.parametrize(
    ("name", "filename", "media_type", "expected"),
    [
        pytest.param("a.css", None, None, "text/css; charset=utf-8", id="by its ending"),
        pytest.param("a.PNG", None, None, "image/png", id="in any case"),
        pytest.param("a", None, None, "application/octet-stream", id="unknown"),
        pytest.param("a", "b.pdf", None, "application/pdf", id="by the name to save under"),
        pytest.param("a.css", None, "image/png", "image/png", id="as it is told"),
    ],
)
async def test_media_types(
    tmp_path: Path, name: str, filename: str | None, media_type: str | None, expected: str
) -> None:
    tmp_path.joinpath(name).write_bytes(b"x")
    response = FileResponse(tmp_path / name, filename=filename, media_type=media_type)
    assert (await call(response)).headers["content-type"] == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"filename": "a b.txt"}, 'attachment; filename="a b.txt"', id="to save"),
        pytest.param(
            {"filename": "a.txt", "content_disposition": "inline"},
            'inline; filename="a.txt"',
            id="to show",
        ),
        pytest.param(
            {"filename": "../€.txt"},
            "attachment; filename=\"_.txt\"; filename*=UTF-8''%E2%82%AC.txt",
            id="no path, and not in ASCII (RFC 8187)",
        ),
    ],
)
def test_dispositions(arguments: dict[str, str], expected: str | None) -> None:
    response = FileResponse("/x", **arguments)  # type: ignore[arg-type]  # a table's
    assert response.headers.get("content-disposition") == expected


@pytest.mark.parametrize(
    "arguments",
    [{"chunk_size": 0}, {"filename": "a", "content_disposition": "a b"}, {"status_code": 99}],
)
def test_mistakes_of_the_caller(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"chunk_size|disposition|status"):
        FileResponse("/x", **arguments)  # type: ignore[arg-type]  # a table's


def test_a_path_is_text() -> None:
    with pytest.raises(TypeError, match="not bytes"):
        FileResponse(b"/x")  # type: ignore[arg-type]


async def test_what_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path, tmp_path / "\0", tmp_path / ("x" * 300)):
        reply = await get(path)
        assert (reply.status, reply.json()["status"]) == (404, 404)


async def test_it_is_deleted_before_it_is_opened(path: Path) -> None:
    response = FileResponse(path, stat_result=path.stat())
    path.unlink()
    assert (await call(response)).status == 404


async def test_a_look_that_is_old_is_not_believed(path: Path) -> None:
    response = FileResponse(path, stat_result=path.stat())
    path.write_bytes(b"changed")
    reply = await call(response)
    assert (reply.body, reply.headers["content-length"]) == (b"changed", "7")


async def test_a_look_saves_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    response = FileResponse(path, stat_result=path.stat())
    monkeypatch.setattr(_Path, "stat", None)
    assert (await call(response)).body == CONTENT


async def test_it_may_be_sent_many_times(path: Path) -> None:
    response = FileResponse(path)
    replies = [await call(response, headers=[("range", "bytes=0-1")]), await call(response)]
    assert [reply.body for reply in replies] == [CONTENT[:2], CONTENT]
    assert response.headers == {"content-type": "application/octet-stream"}


async def test_background_work(path: Path) -> None:
    done: list[str] = []
    response = FileResponse(path, background=lambda: done.append("done"))
    await drive(response, http_scope(), fail_send_at=0)
    await call(response)
    path.unlink()
    await call(response)
    assert done == ["done"] * 3


async def test_from_a_handler(path: Path) -> None:
    app = App()

    @app.get("/file")
    async def file(request: Request) -> FileResponse:
        return FileResponse(path, headers={"x-own": "1"})

    @app.get("/respond")
    async def respond(request: Request) -> None:
        await request.respond(FileResponse(path))

    assert (await call(app, "GET", "/file", headers=[("range", "bytes=0-1")])).status == 206
    assert (await call(app, "GET", "/respond")).body == CONTENT

    @app.middleware
    async def mark(request: Request, call_next: CallNext) -> Response:
        response = await call_next(request)
        response.headers["x-seen"] = "1"
        return response

    reply = await call(app, "GET", "/file")
    assert (reply.headers["x-own"], reply.headers["x-seen"], reply.body) == ("1", "1", CONTENT)


async def test_it_refuses_a_websocket(path: Path) -> None:
    scope = websocket_scope(extensions={"websocket.http.response": {}})
    sent = await drive(FileResponse(path, 403), scope, {"type": "websocket.connect"})
    assert (sent[0]["status"], sent[1]["body"]) == (403, CONTENT)


def test_there_are_no_messages_before(path: Path) -> None:
    assert not FileResponse(path).is_whole
    with pytest.raises(Misuse, match="call it"):
        FileResponse(path).messages()
    assert repr(FileResponse("/a.txt")) == "<FileResponse 200, '/a.txt'>"
