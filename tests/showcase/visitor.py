"""Somebody who visits the showcase without a browser: cookies are kept, forms are sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http.client import HTTPResponse
from urllib.parse import urlencode

import pytest

from tests.servers.processes import Server

__all__ = ("FORM", "HTML", "JSON", "Visitor", "fields")

FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}
HTML = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


class Visitor:
    """Keeps cookies, asks for HTML, sends forms from our own pages."""

    def __init__(self, server: Server) -> None:
        self.server: Server = server
        self.cookies: dict[str, str] = {}
        self.location: str = ""

    @property
    def cookie(self) -> dict[str, str]:
        """The header field with the cookies, if there are any."""
        value = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"cookie": value} if value else {}

    def send(
        self,
        method: str,
        path: str,
        body: str | bytes = "",
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, str]:
        sent = {**HTML, **self.cookie, **(headers or {})}
        content = body.encode() if isinstance(body, str) else body
        response, answer = self.server.request(method, path, content, sent)
        for line in response.headers.get_all("set-cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        self.location = response.headers.get("location", "")
        return response.status, answer.decode(errors="replace")

    def get(self, path: str) -> tuple[int, str]:
        return self.send("GET", path)

    def post(self, path: str, **form: str) -> tuple[int, str]:
        own = {**FORM, "sec-fetch-site": "same-origin"}
        return self.send("POST", path, urlencode(form), own)

    def sign_in(self) -> None:
        self._redirected(self.post("/sign-in", name="demo", password="demo"), "/notes")

    def create_note(self, title: str, text: str = "") -> str:
        self._redirected(self.post("/notes", title=title, text=text), r"/notes/[0-9]+")
        return self.location

    def _redirected(self, answer: tuple[int, str], expected: str) -> None:
        # Not by assert: this is no test file, and python -OO leaves its asserts out.
        if answer[0] != 303 or re.fullmatch(expected, self.location) is None:
            pytest.fail(f"{answer[0]}, to {self.location!r}: {answer[1]}")


def fields(response: HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}
