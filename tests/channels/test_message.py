"""Messages and their payloads."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.channels.message import ChannelMessage, decode_payload, encode_payload
from portico.errors import BadInput, InvalidData


class Line(msgspec.Struct):
    text: str


@given(st.one_of(st.text(), st.binary()))
def test_text_and_bytes_come_back_as_they_were(data: str | bytes) -> None:
    assert decode_payload(encode_payload(data)) == data


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param({"a": [1, None]}, '{"a":[1,null]}', id="a mapping is JSON"),
        pytest.param(Line("hi"), '{"text":"hi"}', id="a struct is JSON"),
        pytest.param(None, "null", id="so is None"),
        pytest.param(7, "7", id="and a number"),
        pytest.param('"', '"', id="text is not encoded again"),
        pytest.param(bytearray(b"\xff"), b"\xff", id="what is like bytes"),
        pytest.param(memoryview(b"ab")[1:], b"b", id="a view"),
    ],
)
def test_what_a_message_becomes(message: object, expected: str | bytes) -> None:
    assert decode_payload(encode_payload(message)) == expected


@pytest.mark.parametrize("payload", [b"", b"x", b"tt\xff", b"\x00abc"])
def test_a_payload_of_somebody_else(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r"payload|utf-8"):
        decode_payload(payload)


def test_what_cannot_be_encoded() -> None:
    with pytest.raises(TypeError):
        encode_payload(object())
    with pytest.raises(ValueError, match="surrogates"):
        encode_payload("\ud800")


def test_a_message_is_decoded_when_asked() -> None:
    message = ChannelMessage("a", '{"text":"hi"}')
    assert message.json() == {"text": "hi"}
    assert message.json(Line) == Line("hi")
    assert ChannelMessage("a", b"[1]").json(list[int]) == [1]
    with pytest.raises(InvalidData):
        message.json(int)
    with pytest.raises(BadInput):
        ChannelMessage("a", "hi").json()
