"""Files over real sockets, fetched and resumed by real programs, compared byte by byte."""

from __future__ import annotations

import os
import random
import socket
import subprocess
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.programs import require_program
from tests.servers.processes import COMMANDS, Server, Servers, free_port, spawn, wait_until

CONTENT = random.Random(7).randbytes(3_000_000)  # noqa: S311 - no secret


@pytest.fixture(scope="session", autouse=True)
def _large(servers: Servers) -> None:
    (servers.folder / "large.bin").write_bytes(CONTENT)


def url(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}/files/large.bin"


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=15)  # noqa: S603 - our own words


def test_the_whole(server: Server) -> None:
    response, content = server.request("GET", "/files/large.bin")
    assert (response.status, content == CONTENT) == (200, True)
    assert response.headers.get_all("content-length") == [str(len(CONTENT))]
    response, content = server.request("HEAD", "/files/large.bin")
    assert (response.headers["content-length"], content) == (str(len(CONTENT)), b"")


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (1000, 2000), (1, 2_999_999)])
def test_a_range(server: Server, start: int, stop: int) -> None:
    fields = {"range": f"bytes={start}-{stop - 1}"}
    response, content = server.request("GET", "/files/large.bin", headers=fields)
    assert (response.status, content == CONTENT[start:stop]) == (206, True)


def test_several_ranges(server: Server) -> None:
    fields = {"range": "bytes=0-9,1000000-1999999,-5"}
    response, content = server.request("GET", "/files/large.bin", headers=fields)
    head = f"content-type: {response.headers['content-type']}\r\n\r\n".encode()
    message = message_from_bytes(head + content, policy=policy.HTTP)
    parts = [part.get_payload(decode=True) for part in message.iter_parts()]
    assert parts == [CONTENT[:10], CONTENT[1_000_000:2_000_000], CONTENT[-5:]]


def test_not_modified(server: Server) -> None:
    etag = server.request("HEAD", "/files/large.bin")[0].headers["etag"]
    fields = {"if-none-match": etag}
    response, content = server.request("GET", "/files/large.bin", headers=fields)
    assert (response.status, content, response.headers["etag"]) == (304, b"", etag)


@pytest.mark.parametrize(
    "target", ["/files/../app.py", "/files/%2e%2e/x", "/files/..%2fx", "/files//etc/passwd"]
)
def test_paths_that_lead_out(server: Server, target: str) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as client:
        client.sendall(f"GET {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.split()[1] in {b"404", b"400"}


def test_a_client_that_leaves_in_mid_file(server: Server) -> None:
    def descriptors() -> int:
        found = 0
        for name in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((name / "stat").read_text().rpartition(")")[2].split()[1])
                if server.process.pid in {int(name.name), parent}:
                    found += sum(
                        "large.bin" in os.readlink(each)  # noqa: PTH115 - half the time
                        for each in (name / "fd").iterdir()
                    )
            except OSError:
                continue
        return found

    for _ in range(5):
        with socket.create_connection(("127.0.0.1", server.port), 10) as client:
            client.sendall(b"GET /files/large.bin HTTP/1.1\r\nhost: a\r\n\r\n")
            client.recv(1000)
    wait_until(lambda: descriptors() == 0)
    assert server.request("GET", "/files/large.bin")[1] == CONTENT


def test_curl_takes_a_range(server: Server, tmp_path: Path) -> None:
    curl = require_program("curl", package="curl")
    run(curl, "-sS", "-r", "100-2000099", "-o", str(tmp_path / "x"), url(server))
    assert (tmp_path / "x").read_bytes() == CONTENT[100:2_000_100]


@pytest.mark.parametrize("had", [1, 1_234_567, len(CONTENT) - 1])
def test_curl_resumes(server: Server, tmp_path: Path, had: int) -> None:
    curl = require_program("curl", package="curl")
    (tmp_path / "x").write_bytes(CONTENT[:had])
    run(curl, "-sS", "-C", "-", "-o", str(tmp_path / "x"), url(server))
    assert (tmp_path / "x").read_bytes() == CONTENT


def test_wget_resumes(server: Server, tmp_path: Path) -> None:
    wget = require_program("wget", package="wget")
    (tmp_path / "large.bin").write_bytes(CONTENT[:777_777])
    run(wget, "-q", "-c", "-P", str(tmp_path), url(server))
    assert (tmp_path / "large.bin").read_bytes() == CONTENT


def test_aria2_takes_it_in_pieces(server: Server, tmp_path: Path) -> None:
    aria2 = require_program("aria2c", package="aria2")
    options = ("-q", "-x8", "-s8", "-k1M", "--allow-overwrite", "--no-conf", "-d", str(tmp_path))
    run(aria2, *options, url(server))
    assert (tmp_path / "large.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("name", COMMANDS)
def test_alone(name: str, tmp_path: Path) -> None:
    """``Pages`` are an application that a server can serve as it is."""
    (tmp_path / "index.html").write_text("home")
    port, log = free_port(), tmp_path / "log"
    command = COMMANDS[name].format(target="tests.servers.site:pages", port=port)
    server = Server(name, port, spawn(command, log), log)
    try:
        wait_until(server.accepts)
        assert server.request("GET", "/")[1] == b"home"
        assert server.request("GET", "/none")[0].status == 404
    finally:
        server.stop()
    assert "Traceback" not in log.read_text()


@pytest.fixture(scope="session")
def video(servers: Servers) -> Path:
    """A film whose index is at its end: who plays it over HTTP has to seek."""
    ffmpeg = require_program("ffmpeg", package="ffmpeg")
    path = servers.folder / "film.mp4"
    source = "testsrc=duration=8:size=320x240:rate=25"
    run(ffmpeg, "-v", "error", "-y", "-f", "lavfi", "-i", source, "-c:v", "mpeg4", str(path))
    return path


@pytest.mark.parametrize("seek", ["0", "5"])
def test_ffmpeg_seeks(server: Server, video: Path, seek: str) -> None:
    ffmpeg = require_program("ffmpeg", package="ffmpeg")

    def frames(place: str) -> bytes:
        command = [ffmpeg, "-v", "error", "-ss", seek, "-i", place, "-f", "framemd5", "-"]
        done = subprocess.run(command, check=True, capture_output=True, timeout=15)  # noqa: S603 - our own words
        return done.stdout

    there = frames(f"http://127.0.0.1:{server.port}/files/film.mp4")
    assert there == frames(str(video))
    assert there.count(b"\n") > 50
