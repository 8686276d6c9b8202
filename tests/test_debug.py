"""The pages for developers: readable, escaped, masked, bounded, and never in the way."""

from __future__ import annotations

import linecache
import time
from collections.abc import Callable, Iterable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from portico import debug
from portico.connection.base import HTTPConnection
from portico.debug import exception_html, exception_response, exception_text
from portico.errors import HTTPException
from tests.drive import http_scope


def caught(function: Callable[[], object]) -> BaseException:
    """Give what ``function`` raises, with its traceback."""
    try:
        function()
    except BaseException as error:  # noqa: BLE001
        return error
    raise AssertionError


def page(function: Callable[[], object], lines: Iterable[tuple[str, str]] = ()) -> str:
    return exception_html(caught(function), request_lines=lines)


def text(function: Callable[[], object]) -> str:
    return exception_text(caught(function), method="GET", path="/crash")


def compiled(source: str, filename: str = "made-up.py", **names: Any) -> Callable[[], object]:
    """Make the function ``f`` of some source that is in no file, with ``names`` around it."""
    exec(compile(source, filename, "exec"), names)  # noqa: S102
    function: Callable[[], object] = names["f"]
    return function


def divide() -> float:
    numerator, shop = 3, {"name": "Bread & Butter"}
    return numerator / len(shop["name"][:0])  # the line that fails


def chained() -> None:
    try:
        divide()
    except ZeroDivisionError as error:
        raise LookupError("no price") from error


def in_passing() -> None:
    try:
        divide()
    except ZeroDivisionError:
        raise LookupError("no price")  # noqa: B904


def suppressed() -> None:
    try:
        divide()
    except ZeroDivisionError:
        raise LookupError("no price") from None


def grouped() -> None:
    raise ExceptionGroup("several", [caught_exception(divide), ValueError("second")])


def caught_exception(function: Callable[[], object]) -> Exception:
    error = caught(function)
    if not isinstance(error, Exception):
        raise TypeError
    return error


class Checker(HTMLParser):
    """Checks that tags are balanced and collects their names and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, tuple(name for name, _ in attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "section", "footer", "code"),
    *("h1", "h2", "p", "details", "summary", "b", "i", "span", "mark", "pre"),
    *("table", "tr", "th", "td"),
}


def check(html: str) -> None:
    """Hold a page against what every page keeps to."""
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert checker.open == []
    assert {tag for tag, _ in checker.seen} <= TAGS
    names = {name for _, attributes in checker.seen for name in attributes}
    assert names <= {"lang", "charset", "name", "content", "class", "scope", "open"}
    html.encode()
    for outside in ("http://", "https://", "url(", "@import", "<script", "javascript:"):
        assert outside not in html.lower()


# What is shown


def test_the_page_shows_the_exception_its_place_and_its_variables() -> None:
    html = page(divide, [("method", "GET"), ("host", "example.org")])
    check(html)
    assert '<p class="kind">ZeroDivisionError</p><h1>division by zero</h1>' in html
    assert "<b>divide</b>" in html
    assert __file__ in html
    line = divide.__code__.co_firstlineno + 2
    assert f"<mark><i>{line}</i>     return numerator / len" in html
    assert html.count("<span><i>") >= 10
    assert '<th scope="row">numerator</th><td>3</td>' in html
    assert "Bread &amp; Butter" in html
    assert '<th scope="row">host</th><td>example.org</td>' in html
    assert "prefers-color-scheme: dark" in html


def test_the_text_shows_the_exception_and_its_place() -> None:
    shown = text(divide)
    assert shown.startswith("500 Internal Server Error: GET /crash\n\nZeroDivisionError: division")
    assert f"{__file__}:{divide.__code__.co_firstlineno + 2} in divide\n" in shown
    assert "    return numerator / len" in shown
    assert "Butter" not in shown
    assert shown.endswith("\n")


@pytest.mark.parametrize(
    ("function", "expected", "missing"),
    [
        pytest.param(chained, ["no price", "It was caused by", "division by zero"], [], id="cause"),
        pytest.param(
            in_passing,
            ["no price", "It was raised while handling", "division by zero"],
            [],
            id="context",
        ),
        pytest.param(suppressed, ["no price"], ["division by zero"], id="suppressed"),
        pytest.param(
            grouped,
            [
                "several",
                "Number 1 of 2 in the group",
                "division by zero",
                "Number 2 of 2 in the group",
                "second",
            ],
            [],
            id="group",
        ),
    ],
)
@pytest.mark.parametrize("render", [page, text])
def test_what_is_related_is_shown_too(
    render: Callable[[Callable[[], object]], str],
    function: Callable[[], object],
    expected: list[str],
    missing: list[str],
) -> None:
    shown = render(function)
    at = 0
    for part in expected:
        at = shown.index(part, at) + 1
    assert not [part for part in missing if part in shown]


def test_notes_are_shown() -> None:
    def noted() -> None:
        error = ValueError("no")
        error.add_note("look at the tap")
        raise error

    assert "look at the tap" in page(noted)
    assert "look at the tap" in text(noted)


def test_frames_of_libraries_are_folded_and_own_code_is_open() -> None:
    library = compiled("def f(): return 1 / 0", "/x/site-packages/lib.py")

    def own() -> None:
        library()

    html = page(own)
    assert "<details><summary><b>f</b>" in html
    assert "<details open><summary><b>test_frames" in html


def test_where_all_is_library_the_last_call_is_open() -> None:
    error = caught(compiled("def f(): return 1 / 0", "/x/dist-packages/lib.py"))
    assert error.__traceback__ is not None
    error.__traceback__ = error.__traceback__.tb_next
    html = exception_html(error, request_lines=[])
    assert html.count("<details open>") == 1
    assert html.count("<details") == 1


def test_an_exception_without_traceback() -> None:
    html = exception_html(ValueError("bare"), request_lines=[])
    check(html)
    assert "bare" in html
    assert "<details" not in html


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), HTTPException(404)])
def test_any_exception_is_fit(error: BaseException) -> None:
    check(exception_html(error, request_lines=[]))
    assert type(error).__name__ in exception_text(error, method="GET", path="/")


# What is escaped


SCRIPT = "<script>alert(1)</script><img src=x onerror='alert(2)'>\"'&"


def raise_with(message: object) -> Callable[[], object]:
    def fail() -> None:
        raise ValueError(message)

    return fail


def odd_local_name() -> None:
    frame_names = {"<script>alert(1)</script>": 1}
    exec("raise ValueError('odd')", frame_names)  # noqa: S102


def odd_type() -> None:
    raise type("<script>", (ValueError,), {})("odd")


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(raise_with(SCRIPT), id="message"),
        pytest.param(raise_with({SCRIPT: [SCRIPT]}), id="value"),
        pytest.param(odd_local_name, id="local name"),
        pytest.param(odd_type, id="type name"),
        pytest.param(compiled("def f(): 1 / 0", "<script>alert(1)</script>"), id="file name"),
        pytest.param(compiled("def f():\n x = '</td><script>'\n 1 / 0"), id="string value"),
    ],
)
def test_nothing_escapes_into_the_page(function: Callable[[], object]) -> None:
    check(page(function, [(SCRIPT, SCRIPT)]))


def test_source_lines_are_escaped(tmp_path: Path) -> None:
    file = tmp_path / "page.py"
    file.write_text("def f():\n    x = '<script>alert(1)</script>'; 1 / 0\n")
    html = page(compiled(file.read_text(), str(file)))
    check(html)
    assert "x = &#x27;&lt;script&gt;" in html


@pytest.mark.parametrize(
    ("character", "shown"),
    [
        pytest.param("\udc80", "\\udc80", id="lone surrogate"),
        pytest.param("\x1b", "\\x1b", id="escape"),
        pytest.param("\x00", "\\x00", id="NUL"),
        pytest.param("\x9b", "\\x9b", id="C1"),
        pytest.param("\x7f", "\\x7f", id="delete"),
        pytest.param("\r", "\\x0d", id="carriage return"),
        pytest.param("\u202e", "\\u202e", id="right to left"),
        pytest.param("\u2028", "\\u2028", id="line separator"),
    ],
)
def test_control_characters_are_shown_not_sent(character: str, shown: str) -> None:
    function = raise_with(f"a{character}b")
    error = caught(function)
    assert f"a{shown}b" in exception_html(error, request_lines=[("path", f"/{character}")])
    plain = exception_text(error, method="GET", path=f"/{character}")
    assert f"GET /{shown}\n" in plain
    assert f"ValueError: a{shown}b" in plain
    assert character not in plain


# What is masked


class Settings:
    def __repr__(self) -> str:
        return "Settings(password='hunter2', debug=True, api_key=hunter2, url='db://u:hunter2@h/')"


@pytest.mark.parametrize(
    "assignment",
    [
        "password = SECRET",
        "PASSWD = SECRET",
        "my_secret = SECRET",
        "access_token = SECRET",
        "signing_keys = [SECRET]",
        "authorization = SECRET",
        "cookies = {'a': SECRET}",
        "session = {'user': SECRET}",
        "credentials = (1, SECRET)",
        "config = {'db': {'Password': SECRET}}",
        "config = {b'x-api-key': SECRET}",
        "headers = [(b'cookie', SECRET.encode()), (b'authorization', SECRET.encode())]",
        "headers = [['a', ('Set-Cookie', SECRET)]]",
        "line = f'Authorization: Bearer {SECRET}'",
        "line = f'authorization: basic {SECRET}, x'",
        "query = f'page=2&token={SECRET}&x=1'",
        "url = f'postgres://me:{SECRET}@host/db'",
        "text = repr({'token': SECRET})",
        "text = repr([('cookie', SECRET)])",
        "text = repr(repr({'token': SECRET}))",
        "text = f'secret=\"{SECRET}'",
        "thing = SETTINGS",
        "things = [SETTINGS, {'x': SETTINGS}]",
        "data = bytearray(b'token=' + SECRET.encode())",
    ],
)
def test_secrets_are_masked(assignment: str) -> None:
    function = compiled(
        f"def f():\n    other = 'seen'\n    {assignment}\n    1 / 0",
        SECRET="hunter2",
        SETTINGS=Settings(),
    )
    html = page(function)
    assert "seen" in html
    assert "hunter2" not in html
    assert "********" in html


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("authorization", "Bearer hunter2"),
        ("Cookie", "a=hunter2"),
        ("x-api-key", "hunter2"),
        ("query string", "a=1&access_token=hunter2"),
        ("x-auth", "hunter2"),
        ("note", "https://app.example/back?state=1&code=hunter2"),
        ("referer", "https://me:hunter2@example.org/"),
    ],
)
def test_request_facts_are_masked(name: str, value: str) -> None:
    html = page(divide, [(name, value), ("host", "example.org")])
    assert name in html
    assert "hunter2" not in html
    assert "example.org" in html


@pytest.mark.parametrize("render", [page, text])
def test_secrets_in_messages_are_masked(render: Callable[[Callable[[], object]], str]) -> None:
    shown = render(raise_with("cannot reach db://me:hunter2@host with password='hunter2'"))
    # The test's own source says it too, but not on the lines that are shown.
    assert "hunter2" not in shown
    assert "host with password=" in unescape(shown)


@pytest.mark.parametrize(
    "message", ["KeyError: 'x'", "monkey: banana", "the session is over", "key 'a' is missing"]
)
def test_what_is_no_secret_stays(message: str) -> None:
    assert f"ValueError: {message}\n" in text(raise_with(message))


# What does not get in the way


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("repr")


class BrokenError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("str")


def broken_repr() -> None:
    _broken, _inside = Broken(), [Broken()]
    raise ValueError("the first")


def broken_str() -> None:
    raise BrokenError


def test_a_repr_that_fails_is_told() -> None:
    html = page(broken_repr)
    check(html)
    assert "the first" in html
    assert html.count("&lt;Broken: its repr failed with RuntimeError&gt;") == 2


def test_a_str_that_fails_is_told() -> None:
    check(page(broken_str))
    assert "BrokenError: (its text cannot be shown: RuntimeError)" in text(broken_str)


def test_a_number_too_long_to_write() -> None:
    assert "int: its repr failed with ValueError" in page(compiled("def f():\n x=10**5000\n 1/0"))


def test_a_loader_that_fails_leaves_the_lines_out() -> None:
    class Loader:
        def get_source(self, name: str) -> str:
            raise RuntimeError

    around: dict[str, Any] = {"__loader__": Loader(), "__name__": "x"}
    function = compiled("def f(): 1 / 0", "from-a-loader.py", **around)
    html = page(function)
    check(html)
    assert "from-a-loader.py:1" in html


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "changing.py"
    file.write_text("def f(): 1 / 0  # first\n")
    function = compiled(file.read_text(), str(file))
    assert "# first" in text(function)
    file.write_text("def f(): 1 / 0  # second, longer\n")
    assert "# second" in text(function)
    linecache.clearcache()


@pytest.mark.parametrize("name", ["_sections", "_message", "_is_library"])
def test_an_error_of_the_page_does_not_hide_the_first(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("inner")

    monkeypatch.setattr(debug, name, fail)
    assert "ZeroDivisionError (this page could not be made: RuntimeError)" in page(divide)
    if name != "_is_library":
        assert text(divide) == "ZeroDivisionError (this page could not be made: RuntimeError)"


# What is bounded


def test_a_deep_recursion_with_large_values_stays_small() -> None:
    def recurse(depth: int, heavy: list[str]) -> None:
        _copies = {number: ["x" * 10_000] * 100 for number in range(100)}
        recurse(depth + 1, heavy)

    started = time.perf_counter()
    html = page(lambda: recurse(0, ["<" * 1_000_000] * 1000))
    assert time.perf_counter() - started < 5
    check(html)
    assert "RecursionError" in html
    assert "calls left out" in html
    assert len(html) < 1_000_000


def test_a_long_recursion_in_text() -> None:
    def recurse() -> None:
        recurse()

    shown = text(recurse)
    assert "calls left out" in shown
    assert len(shown) < 20_000


def test_a_long_chain_is_cut_and_a_ring_ends() -> None:
    error = ValueError("0")
    first = error
    for number in range(1, 1000):
        error.__cause__ = ValueError(str(number))
        error = error.__cause__
    assert exception_text(first, method="GET", path="/").count("It was caused by") == 9
    ring = ValueError("a")
    ring.__cause__ = KeyError("b")
    ring.__cause__.__cause__ = ring
    assert exception_text(ring, method="GET", path="/").count("It was caused by") == 1


def test_a_wide_group_is_cut() -> None:
    group = ExceptionGroup("wide", [ValueError(str(number)) for number in range(1000)])
    assert exception_text(group, method="GET", path="/").count("in the group") == 9


def test_long_messages_lines_and_tables_are_cut(tmp_path: Path) -> None:
    file = tmp_path / "long.py"
    names = "; ".join(f"v{number} = {number}" for number in range(100))
    file.write_text(f"def f():\n    {names}\n    raise ValueError('x' * 1_000_000)\n")
    facts = [("x" * 10, "y" * 100_000)] * 1000
    html = page(compiled(file.read_text(), str(file)), facts)
    check(html)
    assert "(996000 characters more)" in html
    assert "and 70 more" in html
    assert html.count("yyyy") <= 200 * 100
    assert len(html) < 300_000


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("x" * 500, "'" + "x" * 399 + "...", id="str"),
        pytest.param(b"x" * 500, "b'" + "x" * 398 + "...", id="bytes"),
        pytest.param([1, "a", None], "[1, 'a', None]", id="list"),
        pytest.param((1,), "(1)", id="tuple of one"),
        pytest.param((1, 2), "(1, 2)", id="pair"),
        pytest.param(frozenset({1}), "{1}", id="frozenset"),
        pytest.param({}, "{}", id="empty"),
        pytest.param(
            list(range(14)), "[" + ", ".join(map(str, range(12))) + ", and 2 more]", id="long"
        ),
        pytest.param([[[[1]]]], "[[[...]]]", id="deep"),
        pytest.param(["x" * 100], "['" + "x" * 60 + "'...]", id="long inside"),
        pytest.param([list(range(9))], "[[0, 1, 2, 3, 4, 5, and 3 more]]", id="wide inside"),
        pytest.param(SimpleNamespace(a=1), "namespace(a=1)", id="object"),
    ],
)
def test_values(value: object, expected: str) -> None:
    html = unescape(page(compiled("def f():\n shown = VALUE\n 1 / 0", VALUE=value)))
    assert f'<th scope="row">shown</th><td>{expected}' in html


def test_masking_is_linear() -> None:
    for nasty in ("key" * 20_000, "token" * 10_000 + "=", "a-" * 30_000, "token='" + "\\" * 60_000):
        started = time.perf_counter()
        debug._hide(nasty)
        assert time.perf_counter() - started < 1


# The response


def connection(accept: str | None, **scope: Any) -> HTTPConnection[Any]:
    headers = [("host", "example.org"), ("cookie", "sid=hunter2")]
    if accept is not None:
        headers.append(("accept", accept))
    return HTTPConnection(http_scope("GET", "/crash", headers=headers, **scope))


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        pytest.param("text/html,application/xhtml+xml,*/*;q=0.8", "text/html", id="browser"),
        pytest.param("*/*", "text/plain", id="curl"),
        pytest.param(None, "text/plain", id="silent"),
        pytest.param("application/json", "text/plain", id="neither"),
    ],
)
def test_the_response_is_what_the_client_prefers(accept: str | None, media_type: str) -> None:
    response = exception_response(
        caught(divide), connection(accept, query_string=b"a=1&token=hunter2&code=hunter2")
    )
    assert response.status_code == 500
    assert response.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["vary"] == "accept"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert b"ZeroDivisionError" in response.body
    assert b"hunter2" not in response.body
    if media_type == "text/html":
        html = response.body.decode()
        check(html)
        assert '<th scope="row">host</th><td>example.org</td>' in html
        assert (
            '<th scope="row">query string</th><td>a=1&amp;token=********&amp;code=********</td>'
            in html
        )
        assert "127.0.0.1" in html
    else:
        assert response.body.startswith(b"500 Internal Server Error: GET /crash\n")


def test_several_accept_fields_are_one_list() -> None:
    fields = [("accept", "application/json"), ("accept", "text/html")]
    response = exception_response(caught(divide), HTTPConnection(http_scope(headers=fields)))
    assert response.headers["content-type"] == "text/html; charset=utf-8"


def test_a_poor_scope_is_enough() -> None:
    scope = {"type": "http", "headers": [(b"accept", b"text/html"), (b"x\xff", b"\xff")]}
    html = exception_response(caught(divide), HTTPConnection(scope)).body.decode()
    check(html)
    assert "x\xff" in html
