"""Event streams: what is written, what is refused, and what a client reads of it: A099."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.errors import ContentTooLarge
from portico.http.sse import EventStreamParser, ServerSentEvent, format_data, format_event


@pytest.mark.parametrize(
    ("event", "written"),
    [
        pytest.param(ServerSentEvent("a"), b"data: a\n\n", id="data"),
        pytest.param(ServerSentEvent(""), b"data: \n\n", id="empty data"),
        pytest.param(ServerSentEvent(" a"), b"data:  a\n\n", id="a leading space is kept"),
        pytest.param(ServerSentEvent("a\nb"), b"data: a\ndata: b\n\n", id="LF"),
        pytest.param(ServerSentEvent("a\rb"), b"data: a\ndata: b\n\n", id="CR"),
        pytest.param(ServerSentEvent("a\r\nb"), b"data: a\ndata: b\n\n", id="CRLF"),
        pytest.param(ServerSentEvent("\n"), b"data: \ndata: \n\n", id="a line end alone"),
        pytest.param(
            ServerSentEvent("a\u2028b\x0bc\x0cd\x85e\x1cf\0g"),
            "data: a\u2028b\x0bc\x0cd\x85e\x1cf\0g\n\n".encode(),
            id="no other character ends a line",
        ),
        pytest.param(ServerSentEvent("\u00e4"), b"data: \xc3\xa4\n\n", id="UTF-8"),
        pytest.param(
            ServerSentEvent("d", event="e", id="i", retry=5, comment="c"),
            b": c\nid: i\nevent: e\nretry: 5\ndata: d\n\n",
            id="all of it",
        ),
        pytest.param(ServerSentEvent(id=7), b"id: 7\n\n", id="a number as id"),
        pytest.param(ServerSentEvent(id=""), b"id: \n\n", id="no id any more"),
        pytest.param(ServerSentEvent(retry=0), b"retry: 0\n\n", id="retry at once"),
        pytest.param(ServerSentEvent(comment="a\r\nb"), b": a\n: b\n\n", id="a comment of lines"),
        pytest.param(ServerSentEvent(), b"\n", id="nothing"),
    ],
)
def test_format_event(event: ServerSentEvent, written: bytes) -> None:
    assert format_event(event) == written


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        *[
            pytest.param({name: f"a{end}b"}, ValueError, id=f"{name} with {end!r}")
            for name in ("event", "id")
            for end in ("\n", "\r", "\r\n", "\0")
        ],
        pytest.param({"retry": -1}, ValueError, id="a negative retry"),
        pytest.param({"retry": "5\ndata: x"}, TypeError, id="a retry of text"),
        pytest.param({"retry": True}, TypeError, id="a retry that is a truth"),
        pytest.param({"retry": 1.5}, TypeError, id="a retry that is no whole number"),
        pytest.param({"event": 1}, TypeError, id="an event of a number"),
        pytest.param({"id": b"1"}, TypeError, id="an id of bytes"),
        pytest.param({"id": True}, TypeError, id="an id that is a truth"),
        pytest.param({"comment": 1}, TypeError, id="a comment of a number"),
    ],
)
def test_what_an_event_cannot_be(fields: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=f"event's {next(iter(fields))}"):
        ServerSentEvent("a", **fields)


def test_what_cannot_be_written() -> None:
    with pytest.raises(TypeError, match="as text, not as dict"):
        format_event(ServerSentEvent({"a": 1}))
    with pytest.raises(ValueError, match="surrogates"):
        format_event(ServerSentEvent("\ud800"))
    with pytest.raises(ValueError, match="surrogates"):
        format_data("\ud800")


def test_format_data() -> None:
    assert format_data("a") == b"data: a\n\n"
    assert format_data("a\rb") == b"data: a\ndata: b\n\n"


def read(stream: bytes, *, size: int | None = None) -> tuple[list[tuple[str, Any, Any]], str, Any]:
    parser = EventStreamParser()
    step = size or len(stream) or 1
    events = [
        event for at in range(0, len(stream), step) for event in parser.feed(stream[at : at + step])
    ]
    seen = [(event.data, event.event, event.id) for event in events]
    return seen, parser.last_event_id, parser.retry


STREAMS: list[tuple[bytes, list[tuple[str, str, str | None]], str, int | None]] = [
    (b"", [], "", None),
    (b"data: a\n\n", [("a", "message", None)], "", None),
    (b"data:a\n\n", [("a", "message", None)], "", None),
    (b"data:  a\n\n", [(" a", "message", None)], "", None),
    (b"data: a\ndata: b\n\n", [("a\nb", "message", None)], "", None),
    (b"data\n\ndata\ndata\n\ndata:", [("", "message", None), ("\n", "message", None)], "", None),
    (b"data: a\r\rdata: b\r\n\r\ndata: c\n\n", [(c, "message", None) for c in "abc"], "", None),
    (b"data: a\n", [], "", None),
    (b"event: e\n\ndata: a\n\n", [("a", "message", None)], "", None),
    (b"event: e\ndata: a\n\n", [("a", "e", None)], "", None),
    (b"event: e\nevent:\ndata: a\n\n", [("a", "message", None)], "", None),
    (b"id: 1\ndata: a\n\ndata: b\n\n", [("a", "message", "1"), ("b", "message", "1")], "1", None),
    (b"id: 1\n\nid\ndata: b\n\n", [("b", "message", None)], "", None),
    (b"id: 1\n\nid: a\0b\ndata: b\n\n", [("b", "message", "1")], "1", None),
    (b"id: 1\ndata: a", [], "", None),
    (b"retry: 10\n\nretry: x\n\nretry: -1\n\nretry: \xd9\xa3\n\nretry:\n\n", [], "", 10),
    (b"retry: " + b"9" * 50 + b"\n\n", [], "", None),
    (b": comment\n:\n\nother: x\nDATA: x\n\n", [], "", None),
    (b"\xef\xbb\xbfdata: a\n\n", [("a", "message", None)], "", None),
    (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", [], "", None),
    (b"data: \xff\n\n", [("\ufffd", "message", None)], "", None),
    (b"data: \xc3\xa4\xe2\x80\xa8\n\n", [("\u00e4\u2028", "message", None)], "", None),
]


@pytest.mark.parametrize(("stream", "events", "last_event_id", "retry"), STREAMS)
@pytest.mark.parametrize("size", [None, 1, 2, 3])
def test_parser(
    size: int | None, stream: bytes, events: object, last_event_id: str, retry: int | None
) -> None:
    assert read(stream, size=size) == (events, last_event_id, retry)


FIELD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"))
EVENTS = st.builds(
    ServerSentEvent,
    st.text(st.characters(exclude_categories=["Cs"])),
    event=st.none() | FIELD,
    id=st.none() | FIELD,
    retry=st.none() | st.integers(0, 10**17),
    comment=st.none() | st.text(st.characters(exclude_categories=["Cs"])),
)


@given(st.lists(EVENTS), st.integers(1, 20))
def test_what_is_written_is_read(events: list[ServerSentEvent], size: int) -> None:
    seen, _, retry = read(b"".join(map(format_event, events)), size=size)
    last_id, expected = None, list[tuple[str, str, str | None]]()
    for event in events:
        last_id = event.id if event.id is not None else last_id
        lines = event.data.replace("\r\n", "\n").replace("\r", "\n")
        expected.append((lines, event.event or "message", str(last_id) if last_id else None))
    assert seen == expected
    assert retry == next((e.retry for e in reversed(events) if e.retry is not None), None)


@given(st.binary(), st.integers(1, 9))
def test_any_pieces_give_the_same(stream: bytes, size: int) -> None:
    stream = stream.replace(b"x", b"\r").replace(b"y", b"\n").replace(b"z", b"data:")
    assert read(stream, size=size) == read(stream)


def test_a_stream_of_others_may_have_a_type_with_nul() -> None:
    found, _, _ = read(b"event: a\0b\ndata: c\n\n")
    assert found == [("c", "a\0b", None)]


def test_a_limit() -> None:
    parser = EventStreamParser(max_characters=10)
    assert parser.feed(b"data: 4567") == []
    assert parser.feed(b"\n\n")[0].data == "4567"
    assert parser.feed(b": a comment\r" * 0 + b": 345678\n: 345678\n: 345678\n") == []
    with pytest.raises(ContentTooLarge, match="over 10 characters"):
        parser.feed(b"data: 45678")
    parser = EventStreamParser(max_characters=10)
    with pytest.raises(ContentTooLarge):
        parser.feed(b"data: 4\ndata")
