"""``portico.http.encodings``."""

from __future__ import annotations

import gzip
import random
import sys
import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from portico.errors import BadInput, ContentTooLarge, UnsupportedContentEncoding
from portico.http.encodings import DECODERS, MAX_RATIO, content_coding, make_decoder


def raw_deflate(data: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(data) + deflater.flush()


brotli: Any = import_module("brotli")  # it has no types

ENCODERS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("br", brotli.compress),
    ("zstd", zstd.compress),
]
CODINGS = pytest.mark.parametrize(("coding", "encode"), ENCODERS)


def decode(coding: str, *pieces: bytes) -> bytes:
    decoder = make_decoder(coding)
    content = b""
    for piece in pieces:
        for part in decoder.feed(piece):
            assert 0 < len(part) <= 128 * 1024
            content += part
    decoder.close()
    return content


@CODINGS
@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_cut_gives_the_content(
    coding: str, encode: Callable[[bytes], bytes], data: bytes, cut: int
) -> None:
    encoded = encode(data)
    assert decode(coding, encoded) == data
    assert decode(coding, encoded[:cut], encoded[cut:]) == data
    assert decode(coding, *(encoded[at : at + 1] for at in range(len(encoded)))) == data


@CODINGS
def test_large_content_comes_in_pieces(coding: str, encode: Callable[[bytes], bytes]) -> None:
    data = b"".join(b"%d " % number for number in range(200_000))
    assert decode(coding, encode(data)) == data


@CODINGS
def test_content_cut_short_is_400(coding: str, encode: Callable[[bytes], bytes]) -> None:
    encoded = encode(b"content" * 50)
    for length in range(1, len(encoded)):
        with pytest.raises(BadInput):
            decode(coding, encoded[:length])


@CODINGS
def test_what_is_not_in_the_coding_is_400(coding: str, encode: Callable[[bytes], bytes]) -> None:
    for data in (b"\xff\xff\xff\xff\xff\xff", encode(b"content") + b"\xff\xff\xff\xff\xff\xff"):
        with pytest.raises(BadInput) as caught:
            decode(coding, data)
        assert caught.value.status_code == 400


@pytest.mark.parametrize("coding", sorted(DECODERS))
def test_nothing_is_nothing(coding: str) -> None:
    assert decode(coding) == b""


@pytest.mark.parametrize(("coding", "encode"), [("gzip", gzip.compress), ("zstd", zstd.compress)])
def test_members_one_after_the_other(coding: str, encode: Callable[[bytes], bytes]) -> None:
    """RFC 1952 2.2, RFC 8878 3.1."""
    encoded = b"".join(encode(b"%d " % number) for number in range(1000))
    assert decode(coding, encoded) == b"".join(b"%d " % number for number in range(1000))
    assert decode(coding, *(encoded[at : at + 7] for at in range(0, len(encoded), 7)))


@CODINGS
def test_a_bomb_is_413_cve_2025_69223(coding: str, encode: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ContentTooLarge) as caught:
        decode(coding, encode(bytes(8 * 1024 * 1024)))
    assert caught.value.limit == MAX_RATIO


@CODINGS
def test_a_little_may_grow_as_it_likes(coding: str, encode: Callable[[bytes], bytes]) -> None:
    assert decode(coding, encode(bytes(1024 * 1024))) == bytes(1024 * 1024)


def test_a_bomb_is_stopped_before_it_is_there() -> None:
    pieces, taken = make_decoder("gzip").feed(gzip.compress(bytes(64 * 1024 * 1024))), list[int]()
    with pytest.raises(ContentTooLarge):
        taken.extend(map(len, pieces))
    assert sum(taken) < 7 * 1024 * 1024


def test_what_is_malformed_behind_a_full_piece_is_400() -> None:
    """All input is taken, 64 KiB came out, and the bits that are left begin no block."""
    deflater = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    encoded = deflater.compress(b"a" * 65537) + deflater.flush(zlib.Z_SYNC_FLUSH)
    encoded = encoded.removesuffix(b"\x00\x00\xff\xff")
    decoder = make_decoder("deflate")
    with pytest.raises(BadInput):
        list(decoder.feed(encoded[:-1] + b"\xcd"))


EMPTY = [
    ("gzip", b"", gzip.compress(b"")),
    ("zstd", b"", zstd.compress(b"")),
    ("deflate", b"\x78\x9c", b"\x00\x00\x00\xff\xff"),
]


@pytest.mark.parametrize(("coding", "start", "empty"), EMPTY)
def test_nothing_without_end_is_413(coding: str, start: bytes, empty: bytes) -> None:
    """No limit of content stops what holds none."""
    decoder, piece = make_decoder(coding), empty * 2000
    assert not list(decoder.feed(start))
    for _ in range(1024 * 1024 // len(piece)):
        assert not list(decoder.feed(piece))
    with pytest.raises(ContentTooLarge) as caught:
        list(decoder.feed(piece))
    assert caught.value.status_code == 413


@CODINGS
def test_content_that_does_not_shrink_is_no_attack(
    coding: str, encode: Callable[[bytes], bytes]
) -> None:
    data = random.Random(1).randbytes(3 * 1024 * 1024)  # noqa: S311
    assert decode(coding, encode(data)) == data


def test_a_peer_does_not_choose_how_much_memory_a_window_takes() -> None:
    """RFC 9659: 8 MiB."""
    option = zstd.CompressionParameter
    compressor = zstd.ZstdCompressor(options={option.window_log: 27})
    encoded = compressor.compress(bytes(100)) + compressor.flush(zstd.ZstdCompressor.FLUSH_FRAME)
    with pytest.raises(BadInput):
        decode("zstd", encoded)


def test_a_missing_library_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "brotli", None)
    with pytest.raises(ImportError, match=r"pip install 'portico\[compression\]'"):
        make_decoder("br")


# The field


@pytest.mark.parametrize(
    ("value", "coding"),
    [
        ("gzip", "gzip"),
        ("GZip", "gzip"),
        (" gzip ,", "gzip"),
        ("identity", None),
        ("", None),
        ("identity, Identity", None),
        ("identity, gzip", "gzip"),
    ],
)
def test_content_coding(value: str, coding: str | None) -> None:
    assert content_coding(value, {"gzip", "br"}) == coding


@pytest.mark.parametrize("value", ["deflate", "zip", "gzip, gzip", "gzip, br, br", "*", "g zip"])
def test_other_codings_and_several_are_415(value: str) -> None:
    with pytest.raises(UnsupportedContentEncoding) as caught:
        content_coding(value, {"gzip", "br"})
    assert caught.value.status_code == 415
    assert caught.value.headers == [("accept-encoding", "br, gzip, identity")]
    assert caught.value.accepted == ("br", "gzip")


@pytest.mark.parametrize("size", [65536, 65537, 65536 + 258, 131072 + 1])
def test_what_a_decoder_holds_back_comes_out(size: int) -> None:
    # 65,537 zeros: all input is taken with the first 64 KiB, and one byte is left inside.
    assert decode("deflate", raw_deflate(bytes(size))) == bytes(size)


def test_nothing_may_follow_the_end_of_br() -> None:
    content = import_module("brotli").compress(b"1")
    with pytest.raises(BadInput, match="is not in the coding"):
        decode("br", content, b"2")
