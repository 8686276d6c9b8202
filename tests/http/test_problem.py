"""``portico.http.problem``."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from html.parser import HTMLParser
from http import HTTPStatus

import pytest

from portico.http.problem import Problem


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        pytest.param(
            Problem(status=404),
            {"type": "about:blank", "title": "Not Found", "status": 404},
            id="the status alone (RFC 9457 4.2.1)",
        ),
        pytest.param(
            Problem(
                type="https://example.org/out-of-credit",
                title="Out of credit",
                status=HTTPStatus.FORBIDDEN,
                detail="Your balance is 30.",
                instance="/account/1",
                extensions={"balance": 30},
            ),
            {
                "type": "https://example.org/out-of-credit",
                "title": "Out of credit",
                "status": 403,
                "detail": "Your balance is 30.",
                "instance": "/account/1",
                "balance": 30,
            },
            id="every member, in the order of RFC 9457 3.1",
        ),
        pytest.param(
            Problem(status=400, extensions={"status": 200, "detail": "x", "instance": "y"}),
            {"type": "about:blank", "title": "Bad Request", "status": 400},
            id="extensions are none of the five (3.2)",
        ),
        pytest.param(
            Problem(status=400, title="", detail=""),
            {"type": "about:blank", "title": "", "status": 400, "detail": ""},
            id="empty is not None",
        ),
    ],
)
def test_as_dict(problem: Problem, expected: dict[str, object]) -> None:
    assert list(problem.as_dict().items()) == list(expected.items())
    assert type(problem.as_dict()["status"]) is int


@pytest.mark.parametrize("status", [0, 99, 600])
def test_status_is_one(status: int) -> None:
    with pytest.raises(ValueError, match="100 to 599"):
        Problem(status=status)


def test_it_is_frozen() -> None:
    problem = Problem(status=404)
    with pytest.raises(FrozenInstanceError):
        problem.status = 200  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    assert problem == Problem(status=404)


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        pytest.param(Problem(status=404), "404 Not Found\n", id="no detail"),
        pytest.param(Problem(status=404, detail="gone"), "404 Not Found\ngone\n", id="detail"),
        pytest.param(
            Problem(status=404, detail="Not Found"), "404 Not Found\n", id="nothing is said twice"
        ),
        pytest.param(Problem(status=599, title="Odd"), "599 Odd\n", id="own title"),
    ],
)
def test_as_text(problem: Problem, expected: str) -> None:
    assert problem.as_text() == expected


class Page(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        self.text.append(data.strip())


EVIL = "<script>alert(1)</script>&\"' {status}"


def test_as_html() -> None:
    page = Page(Problem(status=404, title=f"T {EVIL}", detail=f"D {EVIL}").as_html())
    assert {"404", f"404 T {EVIL}", f"T {EVIL}", f"D {EVIL}"} <= set(page.text)
    assert "script" not in page.tags
    assert not {"src", "href", "onload"} & set(page.attributes), "it fetches nothing"
    assert page.tags.count("p") == 2


def test_as_html_fetches_nothing() -> None:
    html = Problem(status=500).as_html()
    assert html.startswith("<!doctype html>")
    assert "url(" not in html
    assert "//" not in html
    assert Page(html).tags.count("p") == 1
