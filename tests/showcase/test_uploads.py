"""The upload page: bodies of real clients, progress, cut-off uploads, memory."""

from __future__ import annotations

import json
import subprocess
from base64 import b64encode
from collections.abc import Callable, Generator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from socket import create_connection

import httpx2
import pytest
from playwright.sync_api import Browser, FilePayload, Page

from tests.live import Server, serving
from tests.programs import require_program
from tests.servers.processes import wait_until
from tests.showcase.visitor import Visitor

NOTE = "käse & <b>, 1+1=2"
FILES = {
    "naïve plan.txt": (b"one\r\ntwo\n", "text/plain"),
    "empty.bin": (b"", "application/octet-stream"),
    "big.bin": (bytes(range(256)) * 1200, "application/octet-stream"),
}
MIB = 1024 * 1024

Received = list[dict[str, object]]


def received(
    name: str, filename: str | None, media_type: str | None, content: bytes
) -> dict[str, object]:
    return {
        "name": name,
        "filename": filename,
        "content_type": media_type,
        "size": len(content),
        "sha256": sha256(content).hexdigest(),
    }


EXPECTED: Received = [
    received("note", None, None, NOTE.encode()),
    *(received("files", name, kind, content) for name, (content, kind) in FILES.items()),
]

# The same in browsers and in node, whose fetch is undici.
SEND_FORM_DATA = """async ({url, note, files}) => {
  const form = new FormData();
  form.append("note", note);
  for (const [name, type, content] of files) {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    form.append("files", new Blob([bytes], {type}), name);
  }
  const answer = await fetch(url, {method: "POST", body: form});
  return await answer.json();
}"""


def form_data(url: str) -> dict[str, object]:
    files = [[name, kind, b64encode(content).decode()] for name, (content, kind) in FILES.items()]
    return {"url": url, "note": NOTE, "files": files}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    """A server whose temporary files can be seen."""
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("temporary")))
            server = stack.enter_context(serving("examples.showcase:app"))
        yield server


def run(*command: str, text: str = "") -> Received:
    done = subprocess.run(  # noqa: S603 - our own words
        command, input=text.encode(), capture_output=True, check=True, timeout=15
    )
    found: Received = json.loads(done.stdout)
    return found


def by_curl(url: str, folder: Path) -> Received:
    command = [require_program("curl", package="curl"), "-sS", "--noproxy", "*"]
    command += ["--form-string", f"note={NOTE}"]
    for number, (name, (content, kind)) in enumerate(FILES.items()):
        path = folder / str(number)
        path.write_bytes(content)
        command += ["-F", f"files=@{path};type={kind};filename={name}"]
    return run(*command, url)


def by_undici(url: str, folder: Path) -> Received:
    code = f"({SEND_FORM_DATA})({json.dumps(form_data(url))})"
    code = f"{code}.then((found) => console.log(JSON.stringify(found)))"
    return run(require_program("node", package="nodejs"), "-", text=code)


def by_httpx2(url: str, folder: Path) -> Received:
    files = [("files", (name, content, kind)) for name, (content, kind) in FILES.items()]
    with httpx2.Client(trust_env=False) as client:
        found: Received = client.post(url, data={"note": NOTE}, files=files).json()
    return found


@pytest.mark.parametrize("send", [by_curl, by_undici, by_httpx2])
def test_what_a_client_sends(
    send: Callable[[str, Path], Received], server: Server, tmp_path: Path
) -> None:
    assert send(f"http://127.0.0.1:{server.port}/uploads", tmp_path) == EXPECTED


@pytest.mark.timeout(60)
def test_what_chromium_sends(window: Page) -> None:
    window.goto("/uploads")
    assert window.evaluate(SEND_FORM_DATA, form_data("/uploads")) == EXPECTED


@pytest.mark.timeout(60)
def test_the_progress_of_an_upload(window: Page, complaints: list[str]) -> None:
    window.goto("/uploads")
    content = b"x" * 4 * MIB
    throttle(window, 4 * MIB)
    window.set_input_files("#files", FilePayload(name="<i>", mimeType="", buffer=content))
    window.click("text=Send")
    # (A condition that the page would wait for is not allowed by its policy: it is evaluated.)
    wait_until(lambda: 0 < window.evaluate("document.querySelector('progress').value") < 100)
    assert window.locator("progress").is_visible()
    window.click("text=Cancel")
    window.wait_for_selector("text=Cancelled.")
    assert window.locator("progress").is_hidden()
    complaints.clear()

    throttle(window, -1)
    window.click("text=Send")
    window.wait_for_selector("text=One file has arrived.")
    assert window.inner_text("#received tbody").split("\t") == [
        "<i>",
        "4 MiB",
        sha256(content).hexdigest(),
    ]


def throttle(window: Page, bytes_per_s: int) -> None:
    session = window.context.new_cdp_session(window)
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1}
    conditions["uploadThroughput"] = bytes_per_s
    session.send(  # pyright: ignore[reportUnknownMemberType] - a dict of anything
        "Network.emulateNetworkConditions", conditions
    )


@pytest.mark.timeout(60)
def test_an_upload_without_a_script(browser: Browser, server: Server) -> None:
    context = browser.new_context(
        base_url=f"http://127.0.0.1:{server.port}", java_script_enabled=False
    )
    window = context.new_page()
    window.goto("/uploads")
    files = [FilePayload(name=name, mimeType="", buffer=b"abc") for name in ("a.txt", "b.txt")]
    window.set_input_files("#files", files)
    window.click("text=Send")
    digests = window.locator("#received code").all_inner_texts()
    assert digests == [sha256(b"abc").hexdigest()] * 2
    context.close()


def head(path: str, length: int, **headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: localhost", f"content-length: {length}"]
    lines += ["content-type: multipart/form-data; boundary=b", "accept: application/json"]
    lines += ["connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


FIRST = b'--b\r\ncontent-disposition: form-data; name="files"; filename="f"\r\n\r\n'
LAST = b"\r\n--b--\r\n"


def open_files(server: Server) -> list[str]:
    """The temporary files that the server has open, and what its temporary folder holds."""
    pid = server.process.pid
    folder = Path(f"/proc/{pid}/environ").read_bytes().partition(b"\0TMPDIR=")[2].split(b"\0")[0]
    links = [
        str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()
    ]
    lying = [str(path) for path in Path(folder.decode()).rglob("*") if path.is_file()]
    return [link for link in links if link.startswith(folder.decode())] + lying


def test_a_cut_off_upload_leaves_nothing(server: Server, visitor: Visitor) -> None:
    visitor.sign_in()
    assert open_files(server) == []
    with create_connection(("127.0.0.1", server.port), 10) as client:
        client.sendall(head("/shelf", 8 * MIB, **visitor.cookie) + FIRST + b"x" * 2 * MIB)
        wait_until(lambda: open_files(server) != [])  # it is on disk by now
    wait_until(lambda: open_files(server) == [])
    assert visitor.send("GET", "/shelf", headers={"accept": "application/json"})[1] == "[]"
    assert "Traceback" not in server.log.read_text()


def test_memory_stays_flat(server: Server) -> None:
    size, block = 96 * MIB, bytes(MIB)
    before = memory(server)
    with create_connection(("127.0.0.1", server.port), 10) as client:
        client.sendall(head("/uploads", len(FIRST) + size + len(LAST)) + FIRST)
        for sent in range(size // MIB):
            client.sendall(block)
            if sent % 32 == 16:
                assert memory(server) - before < 8 * MIB
        client.sendall(LAST)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert f'"size":{size}'.encode() in answer


def memory(server: Server) -> int:
    _, content = server.request("GET", "/dashboard", headers={"accept": "application/json"})
    pages = Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
    assert json.loads(content)["memory"] > 0
    return int(pages) * 4096


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(FIRST + b"x", 400, id="cut short"),
        pytest.param(FIRST.replace(b"name", b"title", 1) + LAST, 400, id="without a name"),
        pytest.param((FIRST + b"\r\n") * 21 + LAST[2:], 413, id="too many files"),
        pytest.param(FIRST + LAST, 200, id="an empty file"),
    ],
)
def test_a_body_that_does_not_fit(body: bytes, status: int, visitor: Visitor) -> None:
    kind = {"content-type": "multipart/form-data; boundary=b", "accept": "application/json"}
    assert visitor.send("POST", "/uploads", body, kind)[0] == status


def test_another_type(visitor: Visitor) -> None:
    assert visitor.post("/uploads", files="x")[0] == 415


def test_another_site(visitor: Visitor) -> None:
    kind = {"content-type": "multipart/form-data; boundary=b", "sec-fetch-site": "cross-site"}
    assert visitor.send("POST", "/uploads", FIRST + LAST, kind)[0] == 403
