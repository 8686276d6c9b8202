"""Forms over real sockets, as real clients send them; those of browsers are in the showcase's."""

from __future__ import annotations

import json
import random
import subprocess
from hashlib import sha256
from pathlib import Path

import httpx2
import pytest

from tests.programs import require_program
from tests.servers.processes import Server

NOTE = "käse & <b>, 1+1=2; 100 %"
FILES = {
    "naïve plan.txt": (b"one\r\n--two\n", "text/plain"),
    "empty.bin": (b"", "application/octet-stream"),
    "big.bin": (random.Random(3).randbytes(3_000_000), "application/octet-stream"),  # noqa: S311
}
URLENCODED = [["note", NOTE], ["name ü", "a=b"], ["name ü", ""]]
MULTIPART = [
    ["note", NOTE],
    *(
        ["files", [name, kind, sha256(content).hexdigest()]]
        for name, (content, kind) in FILES.items()
    ),
]
CHUNKED = pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])


def curl(server: Server, *arguments: str, chunked: bool) -> object:
    command = [require_program("curl", package="curl"), "-sS", "--noproxy", "*", *arguments]
    command += ["-H", "Transfer-Encoding: chunked"] * chunked
    command.append(f"http://127.0.0.1:{server.port}/form")
    done = subprocess.run(command, check=True, capture_output=True, timeout=15)  # noqa: S603
    return json.loads(done.stdout)


@CHUNKED
def test_curl_sends_an_urlencoded_form(server: Server, *, chunked: bool) -> None:
    pairs = [("note", NOTE), ("name+%C3%BC", "a=b"), ("name+%C3%BC", "")]
    arguments = [each for name, text in pairs for each in ("--data-urlencode", f"{name}={text}")]
    assert curl(server, *arguments, chunked=chunked) == URLENCODED


@CHUNKED
def test_curl_sends_files(server: Server, tmp_path: Path, *, chunked: bool) -> None:
    arguments = ["--form-string", f"note={NOTE}"]
    for number, (name, (content, kind)) in enumerate(FILES.items()):
        path = tmp_path / str(number)
        path.write_bytes(content)
        arguments += ["-F", f"files=@{path};type={kind};filename={name}"]
    assert curl(server, *arguments, chunked=chunked) == MULTIPART


@CHUNKED
def test_httpx2_sends_forms(server: Server, *, chunked: bool) -> None:
    files = [("files", (name, content, kind)) for name, (content, kind) in FILES.items()]
    url = f"http://127.0.0.1:{server.port}/form"
    with httpx2.Client(trust_env=False) as client:
        for request, expected in [
            (client.build_request("POST", url, data={"note": NOTE}, files=files), MULTIPART),
            (
                client.build_request("POST", url, data={"note": NOTE, "name ü": ["a=b", ""]}),
                URLENCODED,
            ),
        ]:
            sent = request
            if chunked:
                content = sent.read()
                pieces = (content[at : at + 10_000] for at in range(0, len(content), 10_000))
                kind = {"content-type": sent.headers["content-type"]}
                sent = client.build_request("POST", url, content=pieces, headers=kind)
            assert client.send(sent).json() == expected
