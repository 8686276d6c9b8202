"""``portico.http.multipart``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations, pairwise
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.errors import BadInput, ContentTooLarge
from portico.http.media import MediaType, parse_media_type
from portico.http.multipart import FormLimits, MultipartParser, parse_boundary
from portico.http.parts import PartHead

Found: TypeAlias = tuple[str, str | None, list[tuple[str, str]], bytes]

DISPOSITION = 'Content-Disposition: form-data; name="a"'


def part(*header: str | bytes, content: bytes = b"1") -> bytes:
    lines = [line.encode() if isinstance(line, str) else line for line in header]
    return b"--X\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + content + b"\r\n"


def whole(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--X--\r\n"


def read(chunks: Iterable[bytes], limits: FormLimits | None = None) -> list[Found]:
    """Read a form; gives name, file name, header and content of each part."""
    parser = MultipartParser("X", limits)
    found: list[tuple[PartHead, bytearray]] = []
    is_open = False
    for chunk in chunks:
        for event in parser.feed(chunk):
            assert isinstance(event, PartHead) != is_open
            if isinstance(event, PartHead):
                found.append((event, bytearray()))
                is_open = True
            elif event is None:
                is_open = False
            else:
                assert event, "a piece has something in it"
                found[-1][1].extend(event)
    parser.close()
    return [
        (head.name, head.filename, list(head.headers.items()), bytes(content))
        for head, content in found
    ]


def outcome(chunks: Iterable[bytes], limits: FormLimits | None = None) -> object:
    """Read a form; gives what is in it, or the status and the limit of what is wrong with it."""
    try:
        return read(chunks, limits)
    except BadInput as error:
        return error.status_code, error.extensions.get("limit")


def bytewise(data: bytes) -> Iterator[bytes]:
    return (data[at : at + 1] for at in range(len(data)))


def values(data: bytes) -> list[tuple[str, str | None, bytes]]:
    assert outcome([data]) == outcome(bytewise(data))
    return [(name, filename, content) for name, filename, _, content in read([data])]


# What is a form


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(whole(part(DISPOSITION)), [("a", None, b"1")], id="a text field"),
        pytest.param(whole(part(DISPOSITION, content=b"")), [("a", None, b"")], id="an empty one"),
        pytest.param(b"--X--\r\n", [], id="no part: what browsers send for an empty form"),
        pytest.param(b"--X--", [], id="the last line end may be missing (RFC 2046 5.1.1)"),
        pytest.param(
            whole(part(DISPOSITION + '; filename="f.txt"', "Content-Type: text/plain")),
            [("a", "f.txt", b"1")],
            id="a file",
        ),
        pytest.param(
            whole(part(DISPOSITION + '; filename=""')), [("a", "", b"1")], id="no file was chosen"
        ),
        pytest.param(
            whole(part(DISPOSITION), part(DISPOSITION, content=b"2")),
            [("a", None, b"1"), ("a", None, b"2")],
            id="a name twice",
        ),
        pytest.param(
            b"text before\r\n\r\n" + whole(part(DISPOSITION)), [("a", None, b"1")], id="a preamble"
        ),
        pytest.param(
            b"\r\n" + whole(part(DISPOSITION)), [("a", None, b"1")], id="a line end first"
        ),
        pytest.param(
            whole(part(DISPOSITION)) + b"behind\r\n--X\r\n", [("a", None, b"1")], id="an epilogue"
        ),
        pytest.param(
            whole(part(DISPOSITION, content=b"\r\n--Y\r\n\r\n-\r\n--\r--X\r\n\r")),
            [("a", None, b"\r\n--Y\r\n\r\n-\r\n--\r--X\r\n\r")],
            id="content that looks like a boundary",
        ),
        pytest.param(
            whole(part('content-DISPOSITION: Form-Data; NAME="a"')),
            [("a", None, b"1")],
            id="names are case-blind",
        ),
        pytest.param(
            whole(part("Content-Disposition: form-data; name=a; filename=b.c")),
            [("a", "b.c", b"1")],
            id="values without quotes",
        ),
        pytest.param(
            whole(part('Content-Disposition: form-data; name="%22%0D%0A%41"')),
            [('"\r\n%41', None, b"1")],
            id="the three escapes that browsers write (HTML)",
        ),
        pytest.param(
            whole(part(r'Content-Disposition: form-data; name="a\"b"')),
            [('a"b', None, b"1")],
            id="an escaped quote (RFC 2183 2)",
        ),
        pytest.param(
            whole(part(DISPOSITION + '; filename="../../x"')),
            [("a", "../../x", b"1")],
            id="file names are as they came",
        ),
        pytest.param(
            whole(part('Content-Disposition: form-data; name="na€me"')),
            [("na€me", None, b"1")],
            id="names in UTF-8 (RFC 7578 5.1.1)",
        ),
        pytest.param(
            whole(part('Content-Disposition: form-data; name=""')),
            [("", None, b"1")],
            id="a name may be empty",
        ),
        pytest.param(
            whole(part(DISPOSITION + "; filename=\"f\"; filename*=UTF-8''g")),
            [("a", "f", b"1")],
            id="filename* has no effect (RFC 7578 4.2, CVE-2026-53537)",
        ),
        pytest.param(
            whole(part(DISPOSITION + "; name*=UTF-8''role")),
            [("a", None, b"1")],
            id="name* has no effect (CVE-2026-53537)",
        ),
        pytest.param(
            whole(part(DISPOSITION, "Content-Transfer-Encoding: 8BIT")),
            [("a", None, b"1")],
            id="a transfer encoding that encodes nothing (RFC 7578 4.7)",
        ),
        pytest.param(
            whole(part("X-Note: 1", DISPOSITION, "Content-Type: text/plain")),
            [("a", None, b"1")],
            id="other fields, in any order (RFC 7578 4.8)",
        ),
        pytest.param(
            whole(part(DISPOSITION, "Content-Length: 1")), [("a", None, b"1")], id="a true length"
        ),
    ],
)
def test_forms(data: bytes, expected: list[tuple[str, str | None, bytes]]) -> None:
    assert values(data) == expected


# What is none


BAD = [
    pytest.param(b"", id="empty"),
    pytest.param(b"garbage", id="garbage"),
    pytest.param(b"--X", id="a boundary alone"),
    pytest.param(b"--X\r\n", id="a boundary and a line end"),
    pytest.param(b"--X-", id="half the last boundary"),
    pytest.param(part(DISPOSITION), id="no last boundary"),
    pytest.param(part(DISPOSITION) + b"--X", id="no last dashes"),
    pytest.param(b"junk" + whole(part(DISPOSITION)), id="text glued to the first boundary"),
    pytest.param(b"\n" + whole(part(DISPOSITION)), id="LF before the first boundary"),
    pytest.param(
        b"junk--X\r\n\r\n" + whole(part(DISPOSITION)), id="a boundary inside a line, then one"
    ),
    pytest.param(whole(part(DISPOSITION)).replace(b"\r\n", b"\n"), id="LF alone"),
    pytest.param(whole(part(DISPOSITION)).replace(b"\r\n", b"\r"), id="CR alone"),
    pytest.param(b"--X\n" + part(DISPOSITION)[5:] + b"--X--", id="LF after a boundary"),
    pytest.param(b"--X \r\n" + part(DISPOSITION)[5:] + b"--X--", id="a blank after a boundary"),
    pytest.param(b"--XY\r\n" + part(DISPOSITION)[5:] + b"--X--", id="text after a boundary"),
    pytest.param(
        part(DISPOSITION).removesuffix(b"\r\n") + b"\r\n--Xtra\r\n--X--", id="text after the second"
    ),
    pytest.param(whole(part("X-Note: 1")), id="no Content-Disposition"),
    pytest.param(whole(b"--X\r\n\r\n1\r\n"), id="no header"),
    pytest.param(whole(part("Content-Disposition: form-data")), id="no name"),
    pytest.param(whole(part("Content-Disposition: form-data; filename=a")), id="a file, no name"),
    pytest.param(whole(part("Content-Disposition: form-data; name*=a")), id="name* alone"),
    pytest.param(whole(part(DISPOSITION + "; filename*=UTF-8''f")), id="filename* alone"),
    pytest.param(whole(part('Content-Disposition: attachment; name="a"')), id="not form-data"),
    pytest.param(whole(part('Content-Disposition: name="a"')), id="no kind"),
    pytest.param(whole(part(DISPOSITION + '; name="b"')), id="two names"),
    pytest.param(whole(part(DISPOSITION + '; filename="f"; FileName="g"')), id="two file names"),
    pytest.param(whole(part(DISPOSITION, DISPOSITION)), id="two dispositions"),
    pytest.param(
        whole(part(DISPOSITION, "Content-Type: a/b", "content-type: c/d")), id="two types"
    ),
    pytest.param(whole(part('Content-Disposition: form-data; name="a')), id="an open quote"),
    pytest.param(whole(part('Content-Disposition: form-data; name="a"b')), id="text after a quote"),
    pytest.param(whole(part("Content-Disposition: form-data; name")), id="a parameter, no value"),
    pytest.param(whole(part(DISPOSITION + "; =b")), id="a parameter, no name"),
    pytest.param(whole(part(DISPOSITION, "no colon")), id="a line without a colon"),
    pytest.param(whole(part(DISPOSITION, "a b: c")), id="a blank in a name"),
    pytest.param(whole(part(DISPOSITION, "<: c")), id="a name that is no token"),
    pytest.param(whole(part(DISPOSITION, ": c")), id="no name of a field"),
    pytest.param(whole(part(DISPOSITION, " folded")), id="a folded line (obs-fold)"),
    pytest.param(whole(part("\n" + DISPOSITION)), id="LF before a name"),
    pytest.param(whole(part(DISPOSITION, "\nX-Note: 1")), id="LF before the second name"),
    pytest.param(whole(part(DISPOSITION, "X-Note\n: 1")), id="LF behind a name"),
    pytest.param(whole(part(DISPOSITION, "X-Note : 1")), id="a blank behind a name"),
    pytest.param(whole(part("\xa0" + DISPOSITION)), id="NBSP before a name (CVE-2026-39410)"),
    pytest.param(whole(part(DISPOSITION, "\x0bX-Note: 1")), id="VT before a name"),
    pytest.param(whole(part(DISPOSITION, "\u0131tem: 1")), id="a name of other letters"),
    pytest.param(whole(part(DISPOSITION, "X-A: a\0b")), id="NUL in a header"),
    pytest.param(whole(part(DISPOSITION, "X-A: a\rb")), id="CR in a header"),
    pytest.param(whole(part(DISPOSITION, "X-A: a\nb")), id="LF in a header"),
    pytest.param(whole(part('Content-Disposition: form-data; name="a\nb"')), id="LF in a name"),
    pytest.param(whole(part('Content-Disposition: form-data; name="a\0"')), id="NUL in a name"),
    pytest.param(whole(part(b'Content-Disposition: form-data; name="\xff"')), id="no UTF-8"),
    pytest.param(
        whole(part(DISPOSITION, "Content-Transfer-Encoding: base64")), id="base64 (RFC 7578 4.7)"
    ),
    pytest.param(whole(part(DISPOSITION, "Content-Length: 2")), id="a length that is too long"),
    pytest.param(whole(part(DISPOSITION, "Content-Length: 0")), id="a length that is too short"),
    pytest.param(whole(part(DISPOSITION, "Content-Length: -1")), id="a length that is none"),
]


@pytest.mark.parametrize("data", BAD)
def test_what_is_malformed_is_400_however_it_is_cut_cve_2022_24434(data: bytes) -> None:
    ways = [[data], list(bytewise(data)), [data[:7], data[7:]], [data[:-3], data[-3:]]]
    assert {outcome(way) for way in ways} == {(400, None)}


@pytest.mark.parametrize("secret", [b"\xff", b"secret"])
def test_a_message_shows_nothing_of_the_body(secret: bytes) -> None:
    for line in (b"secret " + secret, b'Content-Disposition: form-data; name="' + secret):
        with pytest.raises(BadInput) as caught:
            read([whole(part(line))])
        assert "secret" not in str(caught.value)
        assert "xff" not in str(caught.value)


TRICKY = (
    b"\r\n--X\r\n"
    + part(DISPOSITION, content=b"\r\n--Y\r\n-\r").removeprefix(b"--X\r\n")
    + part(DISPOSITION + '; filename="\u00e9"', "X-A: b", content=b"")
    + part('content-disposition: form-data; name="%22"', content="€".encode())
    + b"--X--\r\n."
)


def test_any_cut_in_two_gives_the_same_form() -> None:
    expected = read([TRICKY])
    assert len(expected) == 3
    for cut in range(len(TRICKY) + 1):
        assert read([TRICKY[:cut], TRICKY[cut:]]) == expected
    assert read(bytewise(TRICKY)) == expected


def test_any_cut_in_three_gives_the_same_form() -> None:
    data = whole(part(DISPOSITION, content=b"\r\n--X"[:4]), part(DISPOSITION, content=b"\r"))
    expected = read([data])
    for one, two in combinations(range(len(data) + 1), 2):
        assert read([data[:one], data[one:two], data[two:]]) == expected


def test_every_beginning_of_a_form_is_malformed() -> None:
    data = whole(part(DISPOSITION), part(DISPOSITION + '; filename="f"', content=b"\r\n"))
    for length in range(len(data) - 2):  # without its last line end it is whole
        assert outcome([data[:length]]) == outcome(bytewise(data[:length])) == (400, None)


PIECES = st.sampled_from(
    [
        b"--X",
        b"\r\n",
        b"--",
        b"X",
        b"\r",
        b"\n",
        b"a",
        b"\0",
        b": ",
        b";",
        b'"',
        b"\\",
        b"%22",
        b"\xff",
        b" ",
        DISPOSITION.encode(),
        b'; filename="f"',
        b"Content-Type: text/plain",
        part(DISPOSITION),
        part(DISPOSITION + '; filename="f"', "Content-Type: a/b"),
        b"--X--",
    ]
)


@given(st.lists(PIECES, max_size=12), st.data())
def test_any_bytes_in_any_pieces_give_the_same(pieces: list[bytes], data: st.DataObject) -> None:
    body = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=4)))
    edges = [0, *cuts, len(body)]
    chunks = [body[start:stop] for start, stop in pairwise(edges)]
    assert outcome([body]) == outcome(chunks) == outcome(bytewise(body))


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=9),
            st.none() | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=9),
            st.binary(max_size=30),
        ),
        max_size=5,
    )
)
def test_what_a_browser_writes_comes_back(parts: list[tuple[str, str | None, bytes]]) -> None:
    def read_back(text: str) -> str:
        # What looks like an escape cannot be told from one (HTML).
        return text.replace("%0D", "\r").replace("%0A", "\n").replace("%22", '"')

    def quoted(text: str) -> str:
        return f'"{text.replace(chr(34), "%22")}"'

    body = b""
    expected: list[tuple[str, str | None, bytes]] = []
    for name, filename, content in parts:
        if b"\r\n--X" in b"\r\n" + content or "\\" in name + (filename or ""):
            continue
        field = f"Content-Disposition: form-data; name={quoted(name)}"
        if filename is not None:
            field += f"; filename={quoted(filename)}"
        body += part(field, content=content)
        expected.append((read_back(name), filename and read_back(filename), content))
    assert values(whole(body)) == expected


# Limits


def limits(**given: Any) -> FormLimits:
    return FormLimits(**given)


TEXT, FILE = part(DISPOSITION), part(DISPOSITION + '; filename="f"')
PLAIN_LINE = len(DISPOSITION) + 2


@pytest.mark.parametrize(
    ("limit", "fits", "over", "name"),
    [
        pytest.param(limits(fields=2), [TEXT] * 2, [TEXT] * 3, "fields", id="fields"),
        pytest.param(limits(files=2), [FILE] * 2, [FILE] * 3, "files", id="files"),
        pytest.param(limits(fields=0), [FILE] * 3, [FILE, TEXT], "fields", id="no field"),
        pytest.param(limits(files=0), [TEXT] * 3, [TEXT, FILE], "files", id="no file"),
        pytest.param(
            limits(field_bytes=3),
            [part(DISPOSITION, content=b"123")] * 2,
            [part(DISPOSITION, content=b"1234")],
            "field_bytes",
            id="one field",
        ),
        pytest.param(
            limits(form_bytes=6),
            [part(DISPOSITION, content=b"123")] * 2,
            [part(DISPOSITION, content=b"123")] * 2 + [TEXT],
            "form_bytes",
            id="all fields",
        ),
    ],
)
def test_a_limit_is_413_and_exact(
    limit: FormLimits, fits: list[bytes], over: list[bytes], name: str
) -> None:
    assert len(read([whole(*fits)], limit)) == len(fits)
    for data in ([whole(*over)], list(bytewise(whole(*over)))):
        with pytest.raises(ContentTooLarge) as caught:
            read(data, limit)
        assert (caught.value.field, caught.value.limit) == (name, getattr(limit, name))


@pytest.mark.parametrize("header", [[], ["X-A: b"]], ids=["plain", "with another field"])
def test_the_content_of_a_file_has_no_limit_here(header: list[str]) -> None:
    data = whole(part(DISPOSITION + '; filename="f"', *header, content=b"12345"))
    assert read([data], limits(field_bytes=1, form_bytes=1))[0][3] == b"12345"


def header_case(*lines: str) -> bytes:
    return whole(part(DISPOSITION, *lines))


def in_one(data: bytes) -> list[bytes]:
    return [data]


@pytest.mark.parametrize("cut", [in_one, bytewise])
def test_headers_of_parts_have_limits_cve_2026_42561_cve_2026_34516(
    cut: Callable[[bytes], Iterable[bytes]],
) -> None:
    few = limits(part_headers=2)
    assert outcome(cut(header_case("X-A: b")), few) != (400, 8192)
    assert outcome(cut(header_case("X-A: b", "X-C: d")), few) == (400, 8192)
    small = limits(part_header_bytes=len(DISPOSITION) + 2 + 8)
    assert outcome(cut(header_case("X-A: 9")), small) != (400, small.part_header_bytes)
    assert outcome(cut(header_case("X-A: 90")), small) == (400, small.part_header_bytes)
    endless = b"--X\r\n" + b"a" * 9000
    assert outcome(cut(endless)) == (400, 8192)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"fields": -1}, ValueError),
        ({"files": "3"}, TypeError),
        ({"form_bytes": None}, TypeError),
        ({"field_bytes": True}, TypeError),
        ({"nonsense": 1}, TypeError),
    ],
)
def test_limits_are_numbers(given: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        FormLimits(**given)


def test_limits_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        FormLimits().files = 3  # type: ignore[misc]


# Boundaries


def boundary_of(text: str) -> str:
    return parse_boundary(parse_media_type(f"multipart/form-data; {text}"))


@pytest.mark.parametrize(
    ("text", "boundary"),
    [
        ("boundary=X", "X"),
        ('boundary="a b\'()+_,-./:=?9"', "a b'()+_,-./:=?9"),
        ("Boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW", "----WebKitFormBoundary7MA4YWxkTrZu0gW"),
        (f"boundary={'x' * 70}", "x" * 70),
        ("charset=utf-8; boundary=X", "X"),
    ],
)
def test_boundaries(text: str, boundary: str) -> None:
    assert boundary_of(text) == boundary


@pytest.mark.parametrize(
    "text",
    [
        "charset=utf-8",
        "boundary=",
        'boundary=""',
        f"boundary={'x' * 71}",
        f"boundary={'x' * 300}",
        'boundary="a "',
        'boundary="a\\"b"',
        'boundary="\u00e9"',
        "boundary=<>",
        "boundary=a; boundary=b",
        'boundary="a\tb"',
    ],
)
def test_bad_boundaries_are_400(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        boundary_of(text)
    assert caught.value.status_code == 400


def test_a_boundary_has_a_limit() -> None:
    media_type = MediaType("multipart", "form-data", {"boundary": "abc"})
    assert parse_boundary(media_type, max_bytes=3) == "abc"
    with pytest.raises(BadInput) as caught:
        parse_boundary(media_type, max_bytes=2)
    assert caught.value.extensions["limit"] == 2


# Heads


def head_of(*header: str) -> PartHead:
    event = MultipartParser("X").feed(whole(part(*header)))[0]
    assert isinstance(event, PartHead)
    return event


@pytest.mark.parametrize("extra", [[], ["X-A: b"]], ids=["plain", "with another field"])
def test_a_head_tells_its_fields(extra: list[str]) -> None:
    head = head_of(DISPOSITION, "Content-Type: Text/Plain; charset=UTF-8", *extra)
    assert head.headers["content-disposition"] == 'form-data; name="a"'
    assert head.content_type == "text/plain"
    assert head.charset == "utf-8"
    assert repr(head) == "<PartHead 'a'>"
    assert head_of(DISPOSITION, *extra).content_type is None
    assert head_of(DISPOSITION, "Content-Type:", *extra).content_type is None
    assert head_of(DISPOSITION, *extra).charset is None


@pytest.mark.parametrize("extra", [[], ["X-A: b"]], ids=["plain", "with another field"])
def test_text_by_the_charset_of_the_part(extra: list[str]) -> None:
    assert head_of(DISPOSITION, *extra).decode("é".encode()) == "é"
    assert head_of(DISPOSITION, "Content-Type: text/plain", *extra).decode("é".encode()) == "é"
    latin = head_of(DISPOSITION, "Content-Type: text/plain; charset=latin1", *extra)
    assert latin.decode(b"\xe9") == "é"
    for header in (["Content-Type: text/plain; charset=zip"], ["Content-Type: nonsense"]):
        with pytest.raises(BadInput) as caught:
            head_of(DISPOSITION, *header, *extra).decode(b"1")
        assert caught.value.status_code == 400
    for bad in (
        head_of(DISPOSITION, *extra),
        head_of(DISPOSITION, "Content-Type: a/b; charset=utf-8"),
    ):
        with pytest.raises(BadInput):
            bad.decode(b"\xff")
