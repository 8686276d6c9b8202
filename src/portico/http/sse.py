"""Server-sent events: the ``text/event-stream`` format of the WHATWG HTML standard, section 9.2.

``format_event`` writes an event, ``EventStreamParser`` reads a stream. What cannot be said in the
format is refused when an event is made, so that no field can end early and begin another.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from typing import Any, Final

import msgspec

from portico.errors import ContentTooLarge

__all__ = ("EventStreamParser", "ServerSentEvent", "format_data", "format_event")

_LINE_END: Final = re.compile(r"\r\n|\r|\n")  # 9.2.6; U+2028 and others end no line
_DIGITS: Final = re.compile(r"[0-9]{1,18}")  # no connection waits longer than that many ms
_MAX_CHARACTERS: Final = 1024 * 1024

_decoder: Final = getincrementaldecoder("utf-8")


class ServerSentEvent(msgspec.Struct, frozen=True, weakref=True):
    r"""An event, or a comment.

    ``data`` is text of any number of lines; ``EventSourceResponse`` sends other values as JSON.
    Without it the client raises no event, but takes ``id`` and ``retry``. ``event`` is its type
    (``"message"`` if there is none), ``id`` what the client sends as ``Last-Event-ID`` when it
    comes back, ``retry`` how long it waits until then, in milliseconds. A ``comment`` is not shown
    to the client's program.

    Raises ``ValueError`` for an ``event`` or ``id`` with a line end or NUL in it and a negative
    ``retry``, ``TypeError`` for other types.

    >>> format_event(ServerSentEvent("one\ntwo", event="note", id="7"))
    b'id: 7\nevent: note\ndata: one\ndata: two\n\n'
    """

    data: Any = None
    event: str | None = None
    id: str | int | None = None
    retry: int | None = None
    comment: str | None = None

    def __post_init__(self) -> None:
        """Check what was given."""
        if self.event is not None:
            _check("event", self.event)
        if self.id is not None and type(self.id) is not int:
            _check("id", self.id)
        if self.retry is not None:
            if type(self.retry) is not int:
                raise TypeError("an event's retry is a whole number of milliseconds")
            if self.retry < 0:
                raise ValueError("an event's retry is not negative")
        if self.comment is not None and not isinstance(self.comment, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"an event's comment is a str, not {type(self.comment).__name__}")


def format_event(event: ServerSentEvent) -> bytes:
    r"""Write an event with all that ends it, in UTF-8.

    Raises ``TypeError`` if its data is not text, ``UnicodeEncodeError`` (a ``ValueError``) for lone
    surrogates.

    >>> format_event(ServerSentEvent(comment="still there"))
    b': still there\n\n'
    """
    lines = ""
    if event.comment is not None:
        lines = _lines("", event.comment)
    if event.id is not None:
        lines += f"id: {event.id}\n"
    if event.event is not None:
        lines += f"event: {event.event}\n"
    if event.retry is not None:
        lines += f"retry: {event.retry}\n"
    data = event.data
    if data is not None:
        if not isinstance(data, str):
            raise TypeError(f"an event's data is written as text, not as {type(data).__name__}")
        # Most data is one line, and a look is quicker than a split.
        lines += _lines("data", data) if "\n" in data or "\r" in data else f"data: {data}\n"
    return f"{lines}\n".encode()


def format_data(data: str) -> bytes:
    r"""Write an event that is data alone; as ``format_event`` does.

    >>> format_data("tea")
    b'data: tea\n\n'
    """
    lines = _lines("data", data) if "\n" in data or "\r" in data else f"data: {data}\n"
    return f"{lines}\n".encode()


class EventStreamParser:
    r"""Reads an event stream that is handed over in pieces of any size (9.2.6).

    ``last_event_id`` is what a client would send when it comes back, ``retry`` for how long it
    would wait until then, in milliseconds, if the stream has said so. An event that was not ended
    is none. ``max_characters`` limits the characters of an event.

    >>> parser = EventStreamParser()
    >>> parser.feed(b"id: 7\ndata: one\nda")
    []
    >>> parser.feed(b"ta: two\n\n")[0].data
    'one\ntwo'
    """

    def __init__(self, *, max_characters: int = _MAX_CHARACTERS) -> None:
        self.last_event_id: str = ""
        self.retry: int | None = None
        self._max_characters: int = max_characters
        self._decoder = _decoder("replace")
        self._is_first: bool = True
        self._ends_with_cr: bool = False
        self._line: list[str] = []
        self._size: int = 0
        self._data: list[str] = []
        self._event: str = ""
        self._id: str = ""

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """Take the next piece; give the events that it ends.

        Each has the type, the data and the last id that the client would see. Raises
        ``ContentTooLarge`` for an event over ``max_characters``.
        """
        text = self._decoder.decode(data)
        if not text:
            return []
        if self._is_first:
            self._is_first = False
            text = text.removeprefix("\ufeff")  # 9.2.5: a byte order mark is no part of it
        if self._ends_with_cr and text.startswith("\n"):
            text = text[1:]  # the second half of a line end
        self._ends_with_cr = text.endswith("\r") if text else False
        events: list[ServerSentEvent] = []
        first, *others = _LINE_END.split(text)
        self._hold(first)
        for piece in others:
            line, self._line = "".join(self._line), []
            if line:
                self._take(line)
            elif (event := self._dispatch()) is not None:
                events.append(event)
            self._hold(piece)
        return events

    def _hold(self, piece: str) -> None:
        self._size += len(piece)
        if self._size > self._max_characters:
            raise ContentTooLarge("event", self._max_characters, "characters")
        if piece:
            self._line.append(piece)

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
            return
        self._size -= len(line)  # nothing is held of it
        if name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and _DIGITS.fullmatch(value):
            self.retry = int(value)

    def _dispatch(self) -> ServerSentEvent | None:
        self.last_event_id = self._id
        data, event = self._data, self._event
        self._data, self._event, self._size = [], "", 0
        if not data:
            return None
        found = ServerSentEvent("\n".join(data), id=self._id or None)
        # Set afterwards, for a type with NUL is read (9.2.6), though not written.
        msgspec.structs.force_setattr(found, "event", event or "message")
        return found


def _lines(name: str, text: str) -> str:
    return "".join([f"{name}: {line}\n" for line in _LINE_END.split(text)])


def _check(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"an event's {name} is a str, not {type(value).__name__}")
    if "\n" in value or "\r" in value or "\0" in value:
        # 9.2.6: an id with NUL would be ignored; programs cut a type at it.
        raise ValueError(f"an event's {name} holds no line end and no NUL")
