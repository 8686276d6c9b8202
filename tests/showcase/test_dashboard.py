"""The dashboard: a stream of samples that goes on, also over a restart of the server."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPResponse
from typing import TypedDict

import pytest
from playwright.sync_api import Page, Request

from tests.live import Server, serving
from tests.servers.processes import free_port, wait_until
from tests.showcase.visitor import fields


class Sample(TypedDict):
    id: int
    requests: float
    memory: int
    process: int


def events(response: HTTPResponse) -> Generator[tuple[str, Sample]]:
    """Read ids and data."""
    event_id = ""
    for raw in response:
        name, _, value = raw.decode().rstrip("\n").partition(": ")
        if name == "id":
            event_id = value
        elif name == "data":
            yield event_id, json.loads(value)


def listen(connection: HTTPConnection, **headers: str) -> HTTPResponse:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", "/dashboard/events", headers=sent)
    return connection.getresponse()


def test_samples_go_on_after_the_last_that_was_seen(server: Server) -> None:
    with ExitStack() as stack:
        connection = server.connect()
        stack.callback(connection.close)
        response = listen(connection)
        assert fields(response)["content-type"] == "text/event-stream; charset=utf-8"
        stream = events(response)
        seen = [next(stream) for _ in range(2)]
        assert [int(event_id) for event_id, _ in seen] == [sample["id"] for _, sample in seen]
        assert seen[0][1]["id"] < seen[1][1]["id"]
        assert seen[1][1]["memory"] > 1024**2
        assert seen[1][1]["process"] == server.process.pid

        for last, first in [
            pytest.param(seen[0][0], 1, id="the last seen").values,
            pytest.param("0", 0, id="from the beginning").values,
            pytest.param("nonsense", 0, id="what was never ours").values,
        ]:
            again = server.connect()
            stack.callback(again.close)
            _, sample = next(events(listen(again, last_event_id=str(last))))
            assert sample["id"] >= seen[int(str(first))][1]["id"]
            assert first or sample["id"] <= seen[0][1]["id"]


def test_numbers_for_a_program(server: Server) -> None:
    response, content = server.request("GET", "/dashboard", headers={"accept": "application/json"})
    assert fields(response)["cache-control"] == "no-store"
    assert json.loads(content)["process"] == server.process.pid


def test_there_is_an_end_to_the_watchers(server: Server) -> None:
    with ExitStack() as stack:
        for _ in range(120):
            connection = server.connect()
            stack.callback(connection.close)
            if listen(connection).status == 503:
                break
        else:
            pytest.fail("as many as one likes")
    wait_until(lambda: can_watch(server))


def can_watch(server: Server) -> bool:
    connection = server.connect()
    try:
        return listen(connection).status == 200
    finally:
        connection.close()


@pytest.mark.timeout(60)
def test_the_page_survives_a_restart(window: Page, complaints: list[str]) -> None:
    port, asked = free_port(), list[str | None]()

    def note(request: Request) -> None:
        if request.url.endswith("/dashboard/events"):
            asked.append(request.all_headers().get("last-event-id"))

    def came_back() -> bool:
        window.title()  # news of the browser is taken while something is asked
        return str(last) in asked

    window.on("requestfinished", note)
    window.on("requestfailed", note)
    with serving("examples.showcase:app", port=port) as first:
        window.goto(f"http://127.0.0.1:{port}/dashboard")
        window.wait_for_selector("text=Live")
        wait_until(lambda: points(window) >= 1)
        assert window.inner_text("[data-value=process]") == str(first.process.pid)
    window.wait_for_selector("text=The connection is lost")
    last = int(window.inner_text("[data-value=id]"))
    with serving("examples.showcase:app", port=port) as second:
        window.wait_for_selector("text=Live again, from a new process, after")
        wait_until(lambda: points(window) >= 3)
        assert window.inner_text("[data-value=process]") == str(second.process.pid)
        assert int(window.inner_text("[data-value=id]")) > last
        window.goto("about:blank")
        wait_until(came_back)
        log = second.log.read_text()
    assert "Traceback" not in log
    assert all("ERR_" in complaint for complaint in complaints), complaints
    complaints.clear()


def points(window: Page) -> int:
    """Count the points of the first line."""
    text = window.locator("#meters polyline").first.get_attribute("points") or ""
    return len(text.split())


@pytest.mark.timeout(60)
def test_requests_are_counted(window: Page) -> None:
    window.goto("/dashboard")
    window.wait_for_selector("text=Live")
    window.click("text=Ask for the start")
    wait_until(lambda: float(window.inner_text("[data-value=requests]")) > 10)
