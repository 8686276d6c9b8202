"""The file shelf: what is put there, how it leaves, what it may do in a browser."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TypedDict

import pytest
from playwright.sync_api import Page

from tests.live import Server
from tests.programs import require_program
from tests.showcase.visitor import Visitor, fields

JSON = {"accept": "application/json"}
KIND = {"content-type": "multipart/form-data; boundary=b"}


class Item(TypedDict):
    id: str
    name: str
    media_type: str
    size: int
    added: str


def body(*files: tuple[str, bytes]) -> bytes:
    parts = [
        b'--b\r\ncontent-disposition: form-data; name="files"; filename="%b"\r\n\r\n%b\r\n'
        % (name.encode(), content)
        for name, content in files
    ]
    return b"".join(parts) + b"--b--\r\n"


def put(visitor: Visitor, *files: tuple[str, bytes]) -> list[Item]:
    status, answer = visitor.send("POST", "/shelf", body(*files), {**KIND, **JSON})
    assert status == 201, answer
    items: list[Item] = json.loads(answer)
    return items


@pytest.fixture
def keeper(visitor: Visitor) -> Visitor:
    """A visitor who has signed in."""
    visitor.sign_in()
    return visitor


def test_a_file_comes_and_goes(keeper: Visitor, server: Server) -> None:
    content = bytes(range(256)) * 2000  # more than is kept in memory
    first, second = put(keeper, ("plan.txt", b"one"), ("data.bin", content))
    assert (first["name"], first["size"], first["media_type"]) == ("plan.txt", 3, "text/plain")
    listed = json.loads(keeper.send("GET", "/shelf", headers=JSON)[1])
    assert [item for item in listed if item in (first, second)] == [second, first]

    path = f"/shelf/{second['id']}"
    response, found = server.request("GET", path)
    headers = fields(response)
    assert (response.status, found) == (200, content)
    assert headers["content-disposition"] == 'attachment; filename="data.bin"'
    assert headers["content-type"] == "application/octet-stream"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("sandbox;")
    assert headers["cross-origin-resource-policy"] == "same-origin"

    part = {"range": "bytes=100-199", "if-range": headers["etag"]}
    response, found = server.request("GET", path, headers=part)
    assert (response.status, found) == (206, content[100:200])
    response, found = server.request("GET", path, headers={"if-none-match": headers["etag"]})
    assert (response.status, found) == (304, b"")

    text = keeper.get("/shelf")[1]
    assert f'href="{path}"' in text
    assert keeper.send("DELETE", path)[0] == 204
    assert server.request("GET", path)[0].status == 404
    assert keeper.post(f"/shelf/{first['id']}/delete")[0] == 303
    assert keeper.location == "/shelf"
    assert keeper.send("DELETE", path)[0] == 404


def test_a_form_of_a_browser_leads_back_to_the_shelf(keeper: Visitor) -> None:
    status, _ = keeper.send("POST", "/shelf", body(("a.txt", b"a")), KIND)
    assert (status, keeper.location) == (303, "/shelf")


@pytest.mark.parametrize(
    ("name", "shown", "media_type"),
    [
        pytest.param("page.html", "page.html", "application/octet-stream", id="HTML"),
        pytest.param("x.svg", "x.svg", "application/octet-stream", id="SVG has scripts"),
        pytest.param("x.js", "x.js", "application/octet-stream", id="a script"),
        pytest.param("x.pdf", "x.pdf", "application/octet-stream", id="PDF has scripts"),
        pytest.param("x.PNG", "x.PNG", "image/png", id="a picture"),
        pytest.param("../../etc/passwd", "passwd", "application/octet-stream", id="a path"),
        pytest.param("C:\\\\docs\\\\a.txt", "a.txt", "text/plain", id="a path of Windows"),
        pytest.param("<b>.txt", "<b>.txt", "text/plain", id="markup"),
        pytest.param("a\u202egnp.txt", "a_gnp.txt", "text/plain", id="letters in reverse"),
        pytest.param("n" * 150, "n" * 100, "application/octet-stream", id="a long name"),
        pytest.param("käse.txt", "käse.txt", "text/plain", id="no ASCII"),
        pytest.param("..", "..", "application/octet-stream", id="dots"),
    ],
)
def test_the_name_of_a_file(
    name: str, shown: str, media_type: str, keeper: Visitor, server: Server
) -> None:
    (item,) = put(keeper, (name, b"<script>alert(1)</script>"))
    assert (item["name"], item["media_type"]) == (shown, media_type)
    response, _ = server.request("GET", f"/shelf/{item['id']}")
    headers = fields(response)
    assert headers["content-type"].partition(";")[0] == media_type
    assert headers["content-disposition"].startswith("attachment")
    assert "<b>." not in keeper.get("/shelf")[1]
    assert keeper.send("DELETE", f"/shelf/{item['id']}")[0] == 204


def test_what_is_refused(visitor: Visitor) -> None:
    upload = body(("a", b"a"))
    assert visitor.send("POST", "/shelf", upload, KIND)[0] == 403
    assert visitor.send("DELETE", "/shelf/x")[0] == 403
    assert visitor.post("/shelf/x/delete")[0] == 403
    visitor.sign_in()
    stranger = {**KIND, "sec-fetch-site": "cross-site"}
    assert visitor.send("POST", "/shelf", upload, stranger)[0] == 403
    assert visitor.post("/shelf", files="a")[0] == 413
    assert visitor.send("POST", "/shelf", body(("", b"")), KIND)[0] == 422
    assert visitor.send("POST", "/shelf", body(*[("a", b"")] * 21), KIND)[0] == 413
    with_text = b'--b\r\ncontent-disposition: form-data; name="x"\r\n\r\ny\r\n' + upload
    assert visitor.send("POST", "/shelf", with_text, KIND)[0] == 413
    assert visitor.send("POST", "/shelf", upload[:-6], KIND)[0] == 400
    for path in ("/shelf/x", "/shelf/..%2F..%2Fetc%2Fpasswd", "/shelf/film.webm.br"):
        assert visitor.get(path)[0] == 404


def test_there_is_an_end_to_the_room(keeper: Visitor) -> None:
    ids: list[str] = []
    left = 100 - len(json.loads(keeper.send("GET", "/shelf", headers=JSON)[1]))
    while left:
        ids += [item["id"] for item in put(keeper, *[("a", b"")] * min(left - left // 20, 20))]
        left = 100 - len(json.loads(keeper.send("GET", "/shelf", headers=JSON)[1]))
        if left < 20:
            status, answer = keeper.send(
                "POST", "/shelf", body(*[("a", b"")] * (left + 1)), {**KIND, **JSON}
            )
            assert status == 409
            assert "room for 100 files" in answer
    for item_id in ids:
        assert keeper.send("DELETE", f"/shelf/{item_id}")[0] == 204


def test_a_download_goes_on(keeper: Visitor, server: Server, tmp_path: Path) -> None:
    content = bytes(range(256)) * 1000
    (item,) = put(keeper, ("big", content))
    curl, target = require_program("curl", package="curl"), tmp_path / "big"
    url = f"http://127.0.0.1:{server.port}/shelf/{item['id']}"
    for options in (["-r", "0-99999"], ["-C", "-"]):
        command = [curl, "-sS", "--noproxy", "*", *options, "-o", str(target), url]
        subprocess.run(command, check=True, timeout=15)  # noqa: S603 - our own words
    assert target.read_bytes() == content


# The film shows a mark that goes from left to right; how far it is, is seen in its picture.
SEEK = """async ({of, second}) => {
  const video = document.querySelector(`video[src*="${of}"]`);
  const happened = (name) => new Promise((done) => video.addEventListener(name, done));
  if (video.preload === "none") video.load();
  if (video.readyState < 1) await happened("loadedmetadata");
  const seeked = happened("seeked");
  video.currentTime = second;
  await seeked;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [320, 180];
  const picture = canvas.getContext("2d");
  picture.drawImage(video, 0, 0);
  const line = picture.getImageData(0, 70, 320, 1).data;
  let at = 0;
  while (at < 320 && line[4 * at + 2] < 120) at += 1;
  return {time: video.currentTime, duration: video.duration, at};
}"""


@pytest.mark.timeout(60)
def test_a_film_is_sought(window: Page) -> None:
    statuses: list[int] = []
    window.on(
        "response",
        lambda response: statuses.append(response.status) if "film" in response.url else None,
    )
    window.goto("/shelf")
    for second in (7.0, 2.0, 11.0):
        found = window.evaluate(SEEK, {"of": "film", "second": second})
        assert found["time"] == second
        assert abs(found["at"] - (20 + second * 256 / 12)) < 4
        assert found["duration"] == pytest.approx(12, abs=0.1)
    assert set(statuses) == {206}


@pytest.mark.timeout(60)
def test_a_long_film_is_sought(window: Page, keeper: Visitor, tmp_path: Path) -> None:
    """One that Chromium does not load as a whole: it asks for a part in the middle."""
    program, path = require_program("ffmpeg", package="ffmpeg"), tmp_path / "noise.webm"
    noise = "color=size=160x90:rate=10:duration=30,noise=c0s=90:c0f=t"
    command = f"{program} -loglevel error -f lavfi -i {noise} -c:v libvpx -b:v 4M -g 10".split()
    command += ["-deadline", "realtime", "-cpu-used", "16"]
    subprocess.run([*command, str(path)], check=True, timeout=30)  # noqa: S603 - our own words
    assert path.stat().st_size > 2_000_000
    (item,) = put(keeper, (path.name, path.read_bytes()))
    asked: list[str] = []
    window.on("request", lambda request: asked.append(request.headers.get("range", "")))
    window.goto("/shelf")
    found = window.evaluate(SEEK, {"of": item["id"], "second": 25})
    assert found["time"] == 25
    starts = [int(value[6:].partition("-")[0]) for value in asked if value]
    assert max(starts) > 1_000_000, "a part in the middle"
    window.goto("about:blank")
    assert keeper.send("DELETE", f"/shelf/{item['id']}")[0] == 204


@pytest.mark.timeout(60)
def test_many_files_are_dropped(window: Page, keeper: Visitor) -> None:
    keep_cookie(window, keeper)
    window.goto("/shelf")
    before = window.locator("article").count()
    dropped = window.evaluate_handle(
        """() => {
  const transfer = new DataTransfer();
  for (let number = 0; number < 12; number += 1) {
    transfer.items.add(new File(["x".repeat(number)], `<i>${number}.txt`));
  }
  return transfer;
}"""
    )
    with window.expect_navigation():
        window.dispatch_event("form[data-upload]", "drop", {"dataTransfer": dropped})
    names = window.locator("article bdi").all_inner_texts()
    assert names[:12] == [f"<i>{number}.txt" for number in reversed(range(12))]
    assert window.locator("article").count() == before + 12

    with window.expect_download() as download:
        window.locator("article", has_text="<i>7.txt").get_by_text("Download").click()
    assert Path(download.value.path()).read_bytes() == b"x" * 7
    with window.expect_navigation():
        window.locator("article", has_text="<i>7.txt").get_by_text("Delete").click()
    assert window.locator("article").count() == before + 11


def keep_cookie(window: Page, visitor: Visitor) -> None:
    """Be in the browser who ``visitor`` is."""
    for name, value in visitor.cookies.items():
        url = f"http://127.0.0.1:{visitor.server.port}"
        window.context.add_cookies([{"name": name, "value": value, "url": url}])
