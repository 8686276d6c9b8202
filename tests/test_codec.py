"""JSON and MessagePack: what a peer may send, and what becomes of the rest."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.codec import decode_json, decode_msgpack, encode_json, encode_msgpack
from portico.errors import BadInput, InvalidData

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@dataclass
class Note:
    title: str
    stars: int = 0


class Colour(enum.Enum):
    RED = "red"


@given(VALUES)
def test_what_is_written_is_read(value: object) -> None:
    assert decode_json(encode_json(value)) == value
    assert decode_msgpack(encode_msgpack(value)) == value


@given(st.binary(max_size=64))
def test_any_bytes_are_a_value_or_bad_input(data: bytes) -> None:
    for decode in (decode_json, decode_msgpack):
        try:
            decode(data)
        except BadInput as error:
            assert error.status_code == 400  # noqa: PT017 - whether it is raised is open


def test_of_members_with_one_name_the_last_counts() -> None:
    assert decode_json(b'{"a": 1, "a": 2}') == {"a": 2}


def test_json_is_compact_utf_8() -> None:
    assert encode_json({"ä": [1, None]}) == '{"ä":[1,null]}'.encode()


def test_json_has_no_word_for_nan() -> None:
    assert encode_json([math.nan, math.inf]) == b"[null,null]"


def test_types() -> None:
    assert decode_json('{"title": "tea"}', Note) == Note("tea")
    assert decode_json(b"[]", list[Note]) == []
    assert decode_msgpack(encode_msgpack({"title": "tea", "stars": 3}), Note) == Note("tea", 3)


@pytest.mark.parametrize("value", [object(), {1, object()}, print])
@pytest.mark.parametrize("encode", [encode_json, encode_msgpack])
def test_what_cannot_be_encoded(encode: Callable[[object], bytes], value: object) -> None:
    with pytest.raises(TypeError):
        encode(value)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", "is empty, JSON was expected", id="empty"),
        pytest.param(b"{", "is not valid JSON", id="cut short"),
        pytest.param(b"{} {}", "is not valid JSON", id="two values"),
        pytest.param(b"NaN", "is not valid JSON", id="NaN (RFC 8259 6)"),
        pytest.param(b"'a'", "is not valid JSON", id="single quotes"),
        pytest.param(b'"\xff"', "has text that is not UTF-8", id="not UTF-8 (8.1)"),
        pytest.param('"\ud800"', "has text that is not UTF-8", id="half a pair in text (8.2)"),
        pytest.param(b"[" * 100_000, "is nested too deep", id="deep"),
        pytest.param(b'{"a":' * 100_000, "is nested too deep", id="deep objects"),
        pytest.param(b"\xef\xbb\xbf{}", "is not valid JSON", id="byte order mark (8.1)"),
        pytest.param("{}".encode("utf-16"), "is not valid JSON", id="UTF-16 (8.1)"),
        pytest.param("{}".encode("utf-32"), "is not valid JSON", id="UTF-32 (8.1)"),
        pytest.param(b"-", "is not valid JSON", id="a sign alone"),
        pytest.param(b"Infinity", "is not valid JSON", id="Infinity (6)"),
        pytest.param(b'"\\ud800"', "is not valid JSON", id="a lone surrogate (8.2)"),
        pytest.param(b"1" * 100_000, "a number is out of range", id="a long number"),
        pytest.param(b"1e999", "a number is out of range", id="a number out of range"),
    ],
)
def test_malformed_json(data: bytes | str, reason: str) -> None:
    with pytest.raises(BadInput) as caught:
        decode_json(data)
    assert (caught.value.status_code, caught.value.reason) == (400, reason)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", "is empty, MessagePack was expected", id="empty"),
        pytest.param(b"\xc1", "is not valid MessagePack", id="never used"),
        pytest.param(b"\x92\x01", "is not valid MessagePack", id="cut short"),
        pytest.param(b"\xa1\xff", "has text that is not UTF-8", id="not UTF-8"),
        pytest.param(b"\x91" * 100_000, "is nested too deep", id="deep"),
    ],
)
def test_malformed_msgpack(data: bytes, reason: str) -> None:
    with pytest.raises(BadInput) as caught:
        decode_msgpack(data)
    assert (caught.value.status_code, caught.value.reason) == (400, reason)


@pytest.mark.parametrize(
    ("data", "type_", "field"),
    [
        pytest.param({"stars": 1}, Note, "$", id="a missing member"),
        pytest.param([{"title": 1}], list[Note], "$[0].title", id="the path of a member"),
        pytest.param("blue", Colour, "$", id="not one of an enum"),
        pytest.param(-1, bool, "$", id="another type"),
    ],
)
def test_another_shape(data: object, type_: Any, field: str) -> None:
    for decode, encode in ((decode_json, encode_json), (decode_msgpack, encode_msgpack)):
        with pytest.raises(InvalidData) as caught:
            decode(encode(data), type_)
        assert (caught.value.status_code, caught.value.field) == (422, field)


class Tea(msgspec.Struct, tag=True):
    leaves: int


class Pot(msgspec.Struct, tag=True, forbid_unknown_fields=True):
    litres: int


class Numbered(msgspec.Struct, tag=1):
    pass


class Other(msgspec.Struct, tag=2):
    pass


@pytest.mark.parametrize(
    ("data", "type_", "field", "reason"),
    [
        pytest.param('"s3cr3t"', Colour, "$", "Not one of the allowed values", id="enum"),
        pytest.param(
            '["s3cr3t"]', list[Literal["a"]], "$[0]", "Not one of the allowed values", id="literal"
        ),
        pytest.param(
            '{"type": "s3cr3t"}', Tea | Pot, "$.type", "Not one of the allowed values", id="tag"
        ),
        pytest.param(
            '{"type": 53}', Numbered | Other, "$.type", "Not one of the allowed values", id="number"
        ),
        pytest.param(
            '{"type": "Pot", "s3cr3t": 1}',
            Pot,
            "$",
            "Object contains an unknown field",
            id="unknown field",
        ),
        pytest.param(
            '[{"type": "Pot", "s3cr3t": 1}]',
            list[Pot],
            "$[0]",
            "Object contains an unknown field",
            id="unknown field, inside",
        ),
        pytest.param(
            '{"s3cr3t": 1}', dict[int, int], "$", "A key: Expected `int`, got `str`", id="key"
        ),
        pytest.param(
            '{"x": {"s3cr3t": 1}}',
            dict[str, dict[int, int]],
            "$[...]",
            "A key: Expected `int`, got `str`",
            id="key, inside",
        ),
    ],
)
def test_a_value_is_not_repeated_to_the_peer(
    data: str, type_: Any, field: str, reason: str
) -> None:
    with pytest.raises(InvalidData) as caught:
        decode_json(data, type_)
    assert (caught.value.field, caught.value.reason) == (field, reason)
    assert "s3cr3t" not in str(caught.value)


def test_what_the_callers_type_says_is_told() -> None:
    @dataclass
    class Even:
        number: int

        def __post_init__(self) -> None:
            raise ValueError("`number` is odd")

    with pytest.raises(InvalidData, match=r"^422 \$\[0\]: `number` is odd$"):
        decode_json(b'[{"number": 1}]', list[Even])


def test_a_type_that_is_none_is_the_callers_mistake() -> None:
    with pytest.raises(TypeError):
        decode_json(b"1", print)
