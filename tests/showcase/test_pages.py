"""The showcase, served by a real server: what a browser, a program and a stranger get."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from playwright.sync_api import Page

from tests.live import Server, serving
from tests.showcase.visitor import FORM, HTML, JSON, Visitor, fields

PAGES = (
    "/",
    "/notes",
    "/notes/1",
    "/uploads",
    "/shelf",
    "/dashboard",
    "/chat",
    "/sign-in",
    "/request",
    "/errors",
)
SCRIPTS = {
    "/uploads": "/uploads.js",
    "/shelf": "/uploads.js",
    "/dashboard": "/dashboard.js",
    "/chat": "/chat.js",
}


@pytest.mark.parametrize("path", PAGES)
def test_a_page(path: str, server: Server) -> None:
    response, content = server.request("GET", path, headers=HTML)
    headers = fields(response)
    assert response.status == 200
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    text = content.decode()
    script = SCRIPTS.get(path)
    assert ("script-src 'self'" in policy) is (script is not None)
    assert "unsafe" not in policy
    listed = re.findall(r"<script[^>]*>[^<]*", text)
    assert listed == ([f'<script src="{script}" defer>'] if script else [])
    assert re.search(r" on[a-z]+=", text) is None
    assert " style=" not in text
    assert text.count("<h1>") == 1
    assert text.count('aria-current="page"') == (0 if path == "/sign-in" else 1)
    own = f"http://127.0.0.1:{server.port}"
    assert all(link.startswith(own) for link in re.findall(r"https?://[^\s<\"]+", text))
    response, content = server.request("HEAD", path, headers=HTML)
    assert (response.status, content) == (200, b"")


@pytest.mark.parametrize("path", PAGES)
def test_every_link_of_a_page_leads_somewhere(path: str, visitor: Visitor) -> None:
    _, text = visitor.get(path)
    links = {unescape(link) for link in re.findall(r'(?:href|src)="(/[^"]*)"', text)}
    assert {"/", "/notes", "/request", "/errors", "/style.css", "/icon.svg"} <= links
    expected = {"/no-such-page": 404, "/teapot": 418, "/notes/0": 404, "/sign-out": 405}
    for link in links - {"/crash"}:
        assert visitor.get(link)[0] == expected.get(link, 200), link


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/style.css", "text/css; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
        *((path, "text/javascript; charset=utf-8") for path in sorted({*SCRIPTS.values()})),
    ],
)
def test_an_asset(path: str, media_type: str, server: Server) -> None:
    response, content = server.request("GET", path)
    assert (response.status, fields(response)["content-type"]) == (200, media_type)
    assert content


def test_signing_in_and_out(visitor: Visitor) -> None:
    status, text = visitor.post("/sign-in", name="demo", password="wrong")
    assert status == 422
    assert 'role="alert"' in text
    assert 'value="demo"' in text
    assert visitor.cookies == {}
    assert visitor.post("/sign-in", name="nobody", password="demo")[0] == 422
    assert visitor.post("/sign-in", name='"><b>', password="")[1].count("<b>") == 0

    visitor.sign_in()
    (token,) = visitor.cookies.values()
    assert len(token) >= 43
    assert ">Sign out<" in visitor.get("/")[1]
    visitor.sign_in()
    assert visitor.cookies["showcase"] != token
    first = Visitor(visitor.server)
    first.cookies["showcase"] = token  # the one before: dropped when a new one was made
    assert ">Sign out<" not in first.get("/")[1]

    token = visitor.cookies["showcase"]
    assert visitor.post("/sign-out")[0] == 303
    assert visitor.location == "/"
    assert visitor.cookies == {"showcase": ""}
    first.cookies["showcase"] = token
    assert ">Sign out<" not in first.get("/")[1], "the token must end with signing out"


def test_the_cookie(server: Server) -> None:
    response, _ = server.request("POST", "/sign-in", b"name=demo&password=demo", FORM)
    line = response.headers["set-cookie"]
    assert "HttpOnly" in line
    assert "SameSite=Lax" in line
    assert "Path=/" in line
    assert "Secure" not in line


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({}, 303, id="a program"),
        pytest.param({"sec-fetch-site": "same-origin"}, 303, id="our own page"),
        pytest.param({"sec-fetch-site": "none"}, 303, id="the user's own doing"),
        pytest.param({"sec-fetch-site": "same-site"}, 403, id="a neighbour"),
        pytest.param({"sec-fetch-site": "cross-site"}, 403, id="a stranger"),
        pytest.param({"origin": "{own}"}, 303, id="an older browser, our own page"),
        pytest.param({"origin": "https://evil.example"}, 403, id="an older browser, a stranger"),
        pytest.param({"origin": "null"}, 403, id="a page without an origin"),
        pytest.param({"origin": "http://[::1"}, 403, id="no origin at all"),
    ],
)
def test_who_may_send_a_form(headers: dict[str, str], expected: int, server: Server) -> None:
    own = f"http://127.0.0.1:{server.port}"
    sent = {name: value.replace("{own}", own) for name, value in headers.items()}
    response, _ = server.request("POST", "/sign-in", b"name=demo&password=demo", {**FORM, **sent})
    assert response.status == expected


def test_notes_in_the_browser(visitor: Visitor) -> None:
    assert "Sign in</a> to write" in visitor.get("/notes")[1]
    assert visitor.post("/notes", title="x")[0] == 403
    visitor.sign_in()
    path = visitor.create_note("<b>Milk</b> & bread", "one\r\ntwo")
    _, text = visitor.get(path)
    assert "<b>Milk" not in text
    assert "&lt;b&gt;Milk&lt;/b&gt; &amp; bread" in text
    assert "one\ntwo" in text
    assert f'href="{path}"' in visitor.get("/notes")[1]

    _, text = visitor.get(f"{path}/edit")
    assert 'value="&lt;b&gt;Milk&lt;/b&gt; &amp; bread"' in text
    status, text = visitor.post(path, title=" ", text="kept")
    assert status == 422
    assert 'aria-invalid="true"' in text
    assert "A note needs a title." in text
    assert ">\nkept</textarea>" in text
    assert visitor.post(path, title="Milk", text="three")[0] == 303
    assert visitor.location == path
    assert "three" in visitor.get(path)[1]

    assert visitor.post(f"{path}/delete")[0] == 303
    assert visitor.location == "/notes"
    assert visitor.get(path)[0] == 404
    assert visitor.post(path, title="Milk")[0] == 404
    assert visitor.post(f"{path}/delete")[0] == 404


@pytest.mark.parametrize(
    ("form", "fault"),
    [
        pytest.param({"title": ""}, "A note needs a title.", id="no title"),
        pytest.param({"title": "x" * 81}, "At most 80 characters; this has 81.", id="title"),
        pytest.param(
            {"title": "x", "text": "y" * 2001}, "At most 2000 characters; this has 2001.", id="text"
        ),
    ],
)
def test_a_form_that_does_not_fit(form: dict[str, str], fault: str, visitor: Visitor) -> None:
    visitor.sign_in()
    status, text = visitor.post("/notes", **form)
    assert status == 422
    assert fault in text
    visitor.create_note("x" * 80, "y\r\n" * 1000)  # the line break of a form is one character


def test_notes_for_a_program(visitor: Visitor, server: Server) -> None:
    visitor.sign_in()
    headers = {**JSON, "accept": "application/json"}
    status, content = visitor.send("POST", "/notes", '{"title": "From a program"}', headers)
    note = json.loads(content)
    path = f"/notes/{note['id']}"
    assert (status, visitor.location) == (201, path)
    assert (note["title"], note["text"], note["author"]) == ("From a program", "", "demo")

    response, found = server.request("GET", path)
    assert fields(response)["content-type"] == "application/json"
    assert fields(response)["vary"] == "accept"
    assert json.loads(found) == note
    assert note in json.loads(server.request("GET", "/notes")[1])

    status, content = visitor.send("PUT", path, '{"title": "New", "text": "t"}', headers)
    assert (status, json.loads(content)["title"]) == (200, "New")
    assert visitor.send("DELETE", path, headers=headers) == (204, "")
    assert server.request("GET", path)[0].status == 404


@pytest.mark.parametrize(
    ("body", "headers", "status", "told"),
    [
        pytest.param('{"title": ""}', JSON, 422, "$.title", id="too short"),
        pytest.param('{"text": "x"}', JSON, 422, "title", id="missing"),
        pytest.param('{"title": "x", "id": 1}', JSON, 422, "unknown field", id="unknown"),
        pytest.param('{"title": ', JSON, 400, "JSON", id="malformed"),
        pytest.param("x", {"content-type": "text/plain"}, 415, "application/json", id="type"),
        pytest.param("title=x", {"content-type": "text"}, 400, "content-type", id="no type"),
    ],
)
def test_json_that_does_not_fit(
    body: str, headers: dict[str, str], status: int, told: str, visitor: Visitor
) -> None:
    visitor.sign_in()
    accept = {"accept": "application/json"}
    found, content = visitor.send("POST", "/notes", body, {**headers, **accept})
    assert found == status
    assert told in content


def test_nothing_acceptable(server: Server) -> None:
    response, _ = server.request("GET", "/notes", headers={"accept": "image/png"})
    assert response.status == 406


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_stranger_writes_nothing(method: str, server: Server) -> None:
    path = "/notes" if method == "POST" else "/notes/1"
    response, content = server.request(method, path, b'{"title": "x"}', JSON)
    assert response.status == 403
    assert fields(response)["content-type"] == "application/problem+json"
    assert b"Sign in first." in content


def test_what_the_server_knows(visitor: Visitor) -> None:
    visitor.cookies["secret"] = "do-not-show"
    headers = {
        "authorization": "Basic c2VjcmV0",
        "accept-language": "fr;q=0.5, de",
        "x-a": "<i>",
    }
    status, text = visitor.send("GET", "/request?page=2&tag=%3Cb%3E", headers=headers)
    assert status == 200
    assert "do-not-show" not in text
    assert "c2VjcmV0" not in text
    assert "(11 characters)" in text
    assert "<i>" not in text
    assert "&lt;b&gt;" in text
    assert "<td>de</td>" in text


@pytest.mark.parametrize(
    ("path", "status", "shown"),
    [
        pytest.param("/nowhere", 404, "Not Found", id="404"),
        pytest.param("/teapot", 418, "Coffee is brewed elsewhere.", id="418"),
        pytest.param("/sign-out", 405, "Method Not Allowed", id="405"),
        pytest.param("/crash", 500, "Internal Server Error", id="500"),
    ],
)
def test_an_error(path: str, status: int, shown: str, server: Server) -> None:
    response, content = server.request("GET", path, headers=HTML)
    assert response.status == status
    text = content.decode()
    assert shown in text
    assert '<link rel="stylesheet" href="/style.css">' in text
    assert "RuntimeError" not in text
    assert ("allow" in fields(response)) is (status == 405)

    response, content = server.request("GET", path)
    assert response.status == status
    assert fields(response)["content-type"] == "application/problem+json"
    assert json.loads(content)["status"] == status


def test_the_debug_page() -> None:
    with serving("examples.showcase:app", "--debug") as server:
        response, content = server.request("GET", "/crash", headers=HTML)
        assert response.status == 500
        assert b"failures.py" in content
        assert b"this handler has a bug" in content


def test_below_a_prefix() -> None:
    with serving("examples.showcase:app", "--root-path /demo") as server:
        text = server.request("GET", "/notes", headers=HTML)[1].decode()
        assert re.findall(r'href="(/[^"]*)"', text) == [
            "/demo/icon.svg",
            "/demo/style.css",
            "/demo/",
            "/demo/",
            "/demo/notes",
            "/demo/uploads",
            "/demo/shelf",
            "/demo/dashboard",
            "/demo/chat",
            "/demo/request",
            "/demo/errors",
            "/demo/sign-in",
            "/demo/notes/1",
            "/demo/sign-in",
        ]
        assert text.count('<a href="/demo/notes" aria-current="page">') == 1


@pytest.mark.timeout(60)
@pytest.mark.parametrize("width", [360, 1280])
def test_the_pages_in_a_browser(width: int, window: Page) -> None:
    window.set_viewport_size({"width": width, "height": 800})
    for path in PAGES:
        window.goto(path)
        assert window.locator("h1").count() == 1
        assert window.evaluate("document.documentElement.scrollWidth") <= width, path
    window.goto("/")
    window.keyboard.press("Tab")
    window.keyboard.press("Enter")
    assert window.url.endswith("#main"), "the first Tab leads past the navigation"
